"""Imports over REST: what is asked for, in which order it is checked, and how an import is told of and cancelled."""

from __future__ import annotations

import ssl
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme

from packengine.manifests import PublishKind
from packengine.repository.publish import now_ms
from packengine.storage.job_ports import NewJob
from server.imports.orders import IMPORT
from server.imports.task import ImportTask
from server.jobs.holds import TTL_MS
from tests.support.imports import Importing, importing
from tests.support.remotes import Exchange, serving
from tests.support.scripted_remote import script

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}
URL = "https://git.example/a.git"
PATH = "/v1/repos/repo/import"


@pytest.fixture
async def imports(tmp_path: Path) -> AsyncIterator[Importing]:
    async with importing(tmp_path / "data", import_allow_private=False) as opened:
        yield opened


async def status(imports: Importing, method: str = "POST", body: object = None, **options: Any) -> tuple[int, str]:
    answer = await imports.rest.call(method, PATH, body, **options)
    told = answer.json()
    return answer.status_code, told["error"]["code"] if "error" in told else told["state"]


async def test_checks_come_in_the_contracts_order(imports: Importing) -> None:
    nobody = {"Authorization": "Bearer wrong"}
    assert await status(imports, body={}, headers=nobody) == (401, "unauthorized")
    assert await status(imports, body={}) == (404, "repo_not_found")
    await imports.rest.call("POST", "/v1/repos", {"id": "repo"}, headers=ALICE)
    assert await status(imports, body={}, headers=BOB) == (403, "forbidden")
    assert await status(imports, body={}, headers=ALICE) == (422, "bad_request")
    assert await status(imports, body={"url": URL}, headers=ALICE) == (200, "queued")
    for method in ("GET", "DELETE"):
        assert await status(imports, method, headers=nobody) == (401, "unauthorized")
        assert await status(imports, method, headers=BOB) == (403, "forbidden")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"url": "ssh://git@host/a"}, "only https"),
        ({"url": "http://git.example/a"}, "only https"),
        ({"url": "https://host/a?b"}, "query"),
        ({"url": "https://127.0.0.1/a"}, "may not go to"),
        ({"url": "https://[::1]/a"}, "may not go to"),
        ({"url": "https://169.254.169.254/latest"}, "may not go to"),
        ({"url": "https://host:22/a"}, "port 22"),
        ({"url": "https://x:y@host/a", "token": "z"}, "which is meant"),
        ({"url": URL, "refs": ["heads/main"]}, "refs: pattern"),
        ({"url": URL, "refs": ["refs/heads/a..b"]}, "refs: pattern"),
    ],
)
async def test_what_cannot_be_imported_is_said_at_once(imports: Importing, body: object, sentence: str) -> None:
    await imports.rest.create("repo")
    answer = await imports.rest.call("POST", PATH, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert sentence in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [{}, {"url": 1}, {"url": URL, "refs": []}, {"url": URL, "token": "x" * 5000}])
async def test_a_body_of_the_wrong_shape_is_422(imports: Importing, body: object) -> None:
    await imports.rest.create("repo")
    assert await status(imports, body=body) == (422, "bad_request")


async def test_an_import_is_told_as_it_was_asked_for(imports: Importing) -> None:
    await imports.rest.create("repo")
    assert await status(imports, "GET") == (404, "repo_not_found")
    assert await status(imports, "DELETE") == (404, "repo_not_found")
    asked = await imports.ask("repo", "https://u:secret@git.example/a.git/", refs=["refs/heads/*"], mirror=True)
    assert asked == await imports.show("repo")
    assert asked.pop("id")
    assert asked.pop("requestedAt")
    assert asked == {
        "url": URL,
        "refs": ["refs/heads/*"],
        "mirror": True,
        "subject": "admin",
        "state": "queued",
        "receivedBytes": 0,
        "receivedObjects": 0,
        "totalObjects": 0,
        "resolvedDeltas": 0,
        "totalDeltas": 0,
        "movedRefs": 0,
        "notMoved": [],
        "notMovedCount": 0,
        "startedAt": None,
        "finishedAt": None,
    }


async def test_one_import_of_a_repository_is_under_way(imports: Importing) -> None:
    await imports.rest.create("repo")
    await imports.ask("repo", URL)
    assert await status(imports, body={"url": URL}) == (409, "import_under_way")
    assert await status(imports, "DELETE") == (200, "cancelled")
    assert await status(imports, "DELETE") == (200, "cancelled")
    assert await status(imports, body={"url": URL}) == (200, "queued")


async def test_a_repository_that_is_not_empty_is_filled_by_a_mirror_only(imports: Importing) -> None:
    await imports.rest.create("repo")
    change = {"op": "write", "path": "a", "content": "b"}
    body = {"branch": "main", "parent": None, "message": "m", "changes": [change]}
    assert (await imports.rest.call("POST", "/v1/repos/repo/commits", body)).status_code == 200
    assert await status(imports, body={"url": URL}) == (409, "repo_not_empty")
    assert await status(imports, body={"url": URL, "mirror": True}) == (200, "queued")


async def test_a_read_only_repository_takes_no_import(imports: Importing) -> None:
    await imports.rest.create("repo", readOnly=True)
    assert await status(imports, body={"url": URL}) == (400, "bad_request")


async def test_a_token_is_kept_sealed_until_the_end_and_told_nowhere(tmp_path: Path) -> None:
    async with importing(tmp_path / "data") as imports:
        await imports.rest.create("repo")
        with serving(script()) as remote:
            await imports.ask("repo", f"{remote.url}/a", token="a-very-secret-token")
            catalog = imports.rest.engine.catalog
            [queued] = catalog.jobs("repo", IMPORT)
            assert '"secret"' in queued.request
            await imports.work()
            assert all("Authorization" in each.headers for each in remote.requests)
        [ended] = catalog.jobs("repo", IMPORT)
        assert '"secret"' not in ended.request
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert b"a-very-secret-token" not in stored


async def test_the_publish_is_an_import_by_who_asked_for_it(tmp_path: Path) -> None:
    async with importing(tmp_path / "data") as imports:
        await imports.rest.call("POST", "/v1/repos", {"id": "repo"}, headers=ALICE)
        with serving(script()) as remote:
            answer = await imports.rest.call(
                "POST", PATH, {"url": f"{remote.url}/a"}, headers={**ALICE, "X-Request-Id": "request-7"}
            )
            assert answer.status_code == 200
            await imports.work()
        manifest = imports.rest.engine.load("repo").manifest
    assert (manifest.kind, manifest.actor, manifest.request_id) == (PublishKind.IMPORT, "alice", "request-7")


# --- while it is under way --------------------------------------------------------------------------------------------


class Paused:
    """Answers a fetch with the beginning of a pack, and goes on when it is told to."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        if b"command=fetch" in exchange.body:
            self.reached.set()
            self.go_on.wait(20)
        script()(exchange)


async def until_paused(paused: Paused) -> None:
    assert await trio.to_thread.run_sync(paused.reached.wait, 20)


async def test_a_running_import_is_cancelled_and_publishes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.imports.runner.RENEW_S", 0.01)
    paused = Paused()
    async with importing(tmp_path / "data") as imports:
        await imports.rest.create("repo")
        with serving(paused) as remote:
            await imports.ask("repo", f"{remote.url}/a")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(imports.work)
                await until_paused(paused)
                running = await imports.show("repo")
                assert (running["state"], running["startedAt"]) == ("running", running["requestedAt"])
                assert await status(imports, body={"url": URL}) == (409, "import_under_way")
                await imports.rest.call("DELETE", PATH)
            paused.go_on.set()
        cancelled = await imports.show("repo")
        assert (cancelled["state"], "error" in cancelled) == ("cancelled", False)
        assert cancelled["finishedAt"]
        assert len(imports.rest.engine.load("repo").manifest.refs) == 0


async def test_an_import_into_a_repository_that_is_deleted_meanwhile_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.imports.runner.RENEW_S", 0.01)
    paused = Paused()
    async with importing(tmp_path / "data") as imports:
        await imports.rest.create("repo")
        with serving(paused) as remote:
            await imports.ask("repo", f"{remote.url}/a")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(imports.work)
                await until_paused(paused)
                await imports.rest.call("DELETE", "/v1/repos/repo")
            paused.go_on.set()
        assert await status(imports, "GET") == (404, "repo_not_found")


async def test_a_job_that_another_worker_took_up_is_not_published_by_the_first(tmp_path: Path) -> None:
    paused = Paused()
    async with importing(tmp_path / "data") as imports:
        await imports.rest.create("repo")
        catalog = imports.rest.engine.catalog
        with serving(paused) as remote:
            await imports.ask("repo", f"{remote.url}/a")
            async with trio.open_nursery() as nursery:
                nursery.start_soon(imports.work)
                await until_paused(paused)
                later = now_ms() + TTL_MS + 1
                taken = catalog.claim_job(IMPORT, "another", now_ms=later, ttl_ms=TTL_MS)
                assert taken is not None
                paused.go_on.set()
        assert (await imports.show("repo"))["state"] == "running"
        assert len(imports.rest.engine.load("repo").manifest.refs) == 0


async def test_a_ref_that_somebody_moves_meanwhile_stays_where_they_put_it(tmp_path: Path) -> None:
    """Law 6: no update is lost, not even by a mirror; the import says so, and the next one takes it over."""
    paused = Paused()
    async with importing(tmp_path / "data") as imports:
        await imports.rest.create("repo")
        with serving(paused) as remote:
            await imports.ask("repo", f"{remote.url}/a", mirror=True)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(imports.work)
                await until_paused(paused)
                body: dict[str, object] = {"branch": "main", "parent": None, "message": "m", "changes": []}
                commit = (await imports.rest.call("POST", "/v1/repos/repo/commits", body)).json()["commit"]
                created = {"sha": commit, "expected": None}
                answer = await imports.rest.call("PUT", "/v1/repos/repo/refs/tags/blob", created)
                assert answer.status_code == 200, answer.text
                paused.go_on.set()
            job = await imports.show("repo")
            assert job["notMoved"] == [{"ref": "refs/tags/blob", "reason": "non-fast-forward"}]
            assert job["state"] == "failed"
            assert "no ref was moved: refs/tags/blob" in job["error"]
            refs = imports.rest.engine.load("repo").manifest.refs
            assert {entry.name: entry.oid.hex() for entry in refs.scan()} == {
                b"refs/heads/main": commit,
                b"refs/tags/blob": commit,
            }
            again = await imports.run("repo", f"{remote.url}/a", mirror=True)
            assert (again["state"], again["movedRefs"]) == ("done", 1)
            # This remote names no branch that HEAD could follow, so the branch that it names stays.
            reason = "deletion of the current branch prohibited"
            assert again["notMoved"] == [{"ref": "refs/heads/main", "reason": reason}]
            moved = imports.rest.engine.load("repo").manifest.refs.get(b"refs/tags/blob")
            assert moved is not None
            assert moved.oid.hex() != commit


async def test_rules_of_the_repository_hold_for_imports(tmp_path: Path) -> None:
    async with importing(tmp_path / "data") as imports:
        await imports.rest.create("repo")
        rules = {"rules": [{"pattern": "refs/tags/*", "pushers": ["nobody-else"]}]}
        assert (await imports.rest.call("PUT", "/v1/repos/repo/protection", rules)).status_code == 200
        await imports.rest.call("POST", "/v1/repos", {"id": "hers"}, headers=ALICE)
        assert (await imports.rest.call("PUT", "/v1/repos/hers/protection", rules, headers=ALICE)).status_code == 200
        with serving(script()) as remote:
            assert (await imports.run("repo", f"{remote.url}/a"))["state"] == "done"  # the administrator's
            await imports.rest.call("POST", "/v1/repos/hers/import", {"url": f"{remote.url}/a"}, headers=ALICE)
            await imports.work()
        job = await imports.show("hers")
        assert job["notMoved"] == [{"ref": "refs/tags/blob", "reason": "protected"}]


async def test_the_byte_quota_holds_for_imports(tmp_path: Path) -> None:
    async with importing(tmp_path / "data", max_repo_bytes=10) as imports:
        await imports.rest.create("repo")
        with serving(script()) as remote:
            job = await imports.run("repo", f"{remote.url}/a")
        assert job["state"] == "failed"
        assert "more than 10 bytes" in job["error"]


# --- workers ----------------------------------------------------------------------------------------------------------


async def test_a_worker_that_ends_gives_its_job_back(tmp_path: Path) -> None:
    paused = Paused()
    async with importing(tmp_path / "data") as imports:
        await imports.rest.create("repo")
        with serving(paused) as remote:
            await imports.ask("repo", f"{remote.url}/a")
            task = ImportTask(imports.rest.engine, imports.runner.settings)
            stop = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(task.run_until, stop)
                await until_paused(paused)
                stop.set()
            assert (await imports.show("repo"))["state"] == "queued"
            paused.go_on.set()
            await imports.work()
        assert (await imports.show("repo"))["state"] == "done"


async def test_a_job_that_cannot_be_read_does_not_end_its_worker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with importing(tmp_path / "data") as imports:
        for name in ("broken", "repo"):
            await imports.rest.create(name)
        catalog = imports.rest.engine.catalog
        catalog.add_job("broken", NewJob("job", IMPORT, None, '{"progress":"of another version"}', 0))
        broken = catalog.claim_job(IMPORT, "of another version", now_ms=0, ttl_ms=1)
        assert broken is not None
        catalog.update_job("job", "of another version", progress="[]", now_ms=0, ttl_ms=1)
        with serving(script()) as remote:
            await imports.ask("repo", f"{remote.url}/a")
            send, receive = trio.open_memory_channel[str](1)
            settings = replace(imports.runner.settings, imports_at_once=1)
            task = ImportTask(imports.rest.engine, settings, send.send_nowait)
            stop = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(task.run_until, stop)
                assert await receive.receive() == "repo"
                stop.set()
    assert "a job broke off" in caplog.text


async def test_a_worker_tells_when_it_has_imported(tmp_path: Path) -> None:
    async with importing(tmp_path / "data") as imports:
        for name in ("repo", "other"):
            await imports.rest.create(name)
        with serving(script()) as remote:
            for name in ("repo", "other"):
                await imports.ask(name, f"{remote.url}/a")
            send, receive = trio.open_memory_channel[str](2)
            task = ImportTask(imports.rest.engine, imports.runner.settings, send.send_nowait)
            stop = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(task.run_until, stop)
                assert {await receive.receive(), await receive.receive()} == {"repo", "other"}
                stop.set()


async def test_a_job_whose_workers_die_is_given_up(tmp_path: Path) -> None:
    async with importing(tmp_path / "data") as imports:
        await imports.rest.create("repo")
        await imports.ask("repo", URL)
        catalog = imports.rest.engine.catalog
        for attempt in range(1, 4):
            job = catalog.claim_job(IMPORT, "one that dies", now_ms=now_ms() + attempt * 10**6, ttl_ms=1)
            assert job is not None
            progress = f'{{"attempts":{attempt}}}'
            catalog.update_job(job.id, "one that dies", progress=progress, now_ms=now_ms(), ttl_ms=-(10**7))
        await imports.work()
        job = await imports.show("repo")
        assert (job["state"], job["error"]) == ("failed", "3 workers died of it")


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "sentence"), [("git.example", None), ("other.example", "its certificate is not good: Hostname mismatch")]
)
async def test_a_certificate_is_judged_by_the_name_and_not_by_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, sentence: str | None
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(named).configure_cert(context)

    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    with serving(script(), tls=context) as remote:
        async with importing(tmp_path / "data", resolver=resolver) as imports:
            await imports.rest.create("repo")
            job = await imports.run("repo", f"https://git.example:{remote.port}/a")
    assert sentence is None or sentence in job["error"]
    assert job["state"] == ("done" if sentence is None else "failed")


async def test_an_unknown_authority_is_not_believed(tmp_path: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with serving(script(), tls=context) as remote:
        async with importing(tmp_path / "data") as imports:
            await imports.rest.create("repo")
            job = await imports.run("repo", f"https://127.0.0.1:{remote.port}/a")
    assert "its certificate is not good" in job["error"]
