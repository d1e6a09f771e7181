"""Purges over REST: what is asked for, in which order it is checked, what is told to whom, and cancellation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio

from packengine.repository.publish import now_ms
from server.jobs.holds import TTL_MS
from server.purges.orders import PURGE
from server.purges.runner import MAX_ATTEMPTS, PurgeRunner
from server.purges.task import PurgeTask
from tests.support.rest import RestClient, rest_client

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}
PATH = "/v1/repos/repo/purge"
ABSENT = "1" * 40


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        yield client


async def status(rest: RestClient, method: str = "POST", body: object = None, **options: Any) -> tuple[int, str]:
    answer = await rest.call(method, PATH, body, **options)
    told = answer.json()
    return answer.status_code, told["state"] if "state" in told else told["error"]["code"]


async def commit(rest: RestClient, name: str, content: str, **options: Any) -> Any:
    """A commit of one file `f`, over REST; the tip."""
    shown = (await rest.call("GET", f"/v1/repos/{name}", **options)).json()
    changes = [{"op": "write", "path": "f", "content": content}]
    body = {"branch": "main", "parent": shown.get("headSha"), "message": "m", "changes": changes}
    answer = await rest.call("POST", f"/v1/repos/{name}/commits", body, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def made(rest: RestClient, body: object, **options: Any) -> Any:
    """A purge that is asked for and made."""
    answer = await rest.call("POST", PATH, body, **options)
    assert answer.status_code == 200, answer.text
    await work(rest)
    return (await rest.call("GET", PATH, **options)).json()


async def work(rest: RestClient) -> None:
    job = rest.engine.catalog.claim_job(PURGE, "this test", now_ms=now_ms(), ttl_ms=TTL_MS)
    assert job is not None
    await PurgeRunner(rest.engine, "this test").run(job)


async def test_checks_come_in_the_contracts_order(rest: RestClient) -> None:
    nobody = {"Authorization": "Bearer wrong"}
    assert await status(rest, body={}, headers=nobody) == (401, "unauthorized")
    assert await status(rest, body={}) == (404, "repo_not_found")
    await rest.call("POST", "/v1/repos", {"id": "repo"}, headers=ALICE)
    assert await status(rest, body={}, headers=BOB) == (403, "forbidden")
    assert await status(rest, "GET", headers=ALICE) == (404, "repo_not_found")
    for body in ({}, {"sha": ABSENT, "path": "f"}, {"sha": "1" * 64}, {"sha": _EMPTY_BLOB}):
        assert await status(rest, body=body, headers=ALICE) == (400, "bad_request")
    assert await status(rest, body={"sha": "no"}, headers=ALICE) == (422, "bad_request")
    assert await status(rest, body={"sha": ABSENT}, headers=ALICE) == (200, "queued")
    assert await status(rest, body={"sha": ABSENT}, headers=ALICE) == (409, "purge_under_way")
    for method in ("GET", "DELETE"):
        assert await status(rest, method, headers=nobody) == (401, "unauthorized")
        assert await status(rest, method, headers=BOB) == (403, "forbidden")
    assert await status(rest, "DELETE", headers=ALICE) == (200, "cancelled")


_EMPTY_BLOB = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"


async def test_a_commit_or_tree_is_no_blob(rest: RestClient) -> None:
    await rest.create("repo")
    tip = (await commit(rest, "repo", "secret"))["commit"]
    answer = await rest.call("POST", PATH, {"sha": tip})
    assert answer.status_code == 400
    assert "is a commit, no blob" in answer.text


async def test_every_content_of_a_path_goes_and_its_commits_stay(rest: RestClient) -> None:
    await rest.create("repo")
    for content in ("one", "two", "three"):
        await commit(rest, "repo", content)
    job = await made(rest, {"path": "f"})
    assert (job["state"], job["blobs"], job["rewrittenCommits"]) == ("done", 3, 3)
    assert [each["ref"] for each in job["movedRefs"]] == ["refs/heads/main"]
    assert job["stillHeld"]["repositories"] == []
    assert len((await rest.call("GET", "/v1/repos/repo/commits")).json()) == 3
    assert (await rest.call("GET", "/v1/repos/repo/tree")).json() == []
    again = await made(rest, {"path": "f"})
    assert (again["state"], again["error"]) == ("failed", "no commit has a file with content at 'f'")


async def test_what_was_never_there_is_purged_without_a_word(rest: RestClient) -> None:
    await rest.create("repo")
    before = (await commit(rest, "repo", "plain"))["commit"]
    job = await made(rest, {"sha": ABSENT})
    assert (job["state"], job["rewrittenCommits"], job["movedRefs"]) == ("done", 0, [])
    assert (await rest.call("GET", "/v1/repos/repo")).json()["headSha"] == before


async def test_forks_of_others_stay_and_are_named(rest: RestClient) -> None:
    await rest.call("POST", "/v1/repos", {"id": "repo", "visibility": "public"}, headers=ALICE)
    await commit(rest, "repo", "secret", headers=ALICE)
    for name, owner in (("mine", ALICE), ("theirs", BOB)):
        answer = await rest.call("POST", "/v1/repos/repo/forks", {"id": name}, headers=owner)
        assert answer.status_code == 200, answer.text
    answer = await rest.call("POST", "/v1/repos/theirs/forks", {"id": "deeper"}, headers=BOB)
    assert answer.status_code == 200, answer.text
    job = await made(rest, {"path": "f"}, headers=ALICE)
    assert (job["state"], job["purgedRepositories"]) == ("done", 2)
    assert (job["stillHeld"]["repositories"], job["stillHeld"]["repositoryCount"]) == (["theirs"], 2)


async def test_the_administrator_hears_of_every_holder(rest: RestClient) -> None:
    for name in ("repo", "stranger"):
        await rest.create(name)
        await commit(rest, name, "secret")
    job = await made(rest, {"path": "f"})
    assert job["stillHeld"]["repositories"] == ["stranger"]


async def test_a_purge_that_killed_its_workers_is_not_tried_again(rest: RestClient) -> None:
    await rest.create("repo")
    await commit(rest, "repo", "secret")
    await rest.call("POST", PATH, {"path": "f"})
    progress = f'{{"attempts":{MAX_ATTEMPTS}}}'
    job = rest.engine.catalog.claim_job(PURGE, "killed", now_ms=0, ttl_ms=1)
    assert job is not None
    rest.engine.catalog.update_job(job.id, "killed", progress=progress, now_ms=0, ttl_ms=1)
    await work(rest)
    assert await status(rest, "GET") == (200, "failed")


async def test_one_who_takes_up_a_purge_goes_on_with_the_network(rest: RestClient) -> None:
    await rest.create("repo")
    await commit(rest, "repo", "secret")
    await rest.call("POST", "/v1/repos/repo/forks", {"id": "fork"})
    first = await made(rest, {"path": "f"})
    assert first["purgedRepositories"] == 2
    await commit(rest, "fork", "secret")
    await rest.call("POST", PATH, {"path": "f"})
    blob = "c4caf2ab2f6d8ce4fe79fd4c4bd9f6f8b8ed4b2d"
    job = rest.engine.catalog.claim_job(PURGE, "killed", now_ms=0, ttl_ms=1)
    assert job is not None
    done = f'{{"is_purged":true,"purged_count":1,"blobs":["{blob}"]}}'
    rest.engine.catalog.update_job(job.id, "killed", progress=done, now_ms=0, ttl_ms=1)
    await work(rest)
    told = (await rest.call("GET", PATH)).json()
    assert (told["state"], told["purgedRepositories"]) == ("done", 2)


async def test_a_cancelled_purge_changes_nothing(rest: RestClient) -> None:
    await rest.create("repo")
    before = (await commit(rest, "repo", "secret"))["commit"]
    await rest.call("POST", PATH, {"path": "f"})
    job = rest.engine.catalog.claim_job(PURGE, "this test", now_ms=now_ms(), ttl_ms=TTL_MS)
    assert job is not None
    await rest.call("DELETE", PATH)
    await PurgeRunner(rest.engine, "this test").run(job)
    assert await status(rest, "GET") == (200, "cancelled")
    assert (await rest.call("GET", "/v1/repos/repo")).json()["headSha"] == before


async def test_a_worker_makes_what_is_asked_for_and_tells_of_it(rest: RestClient) -> None:
    await rest.create("repo")
    await commit(rest, "repo", "secret")
    await rest.call("POST", PATH, {"path": "f"})
    send, receive = trio.open_memory_channel[str](1)
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(PurgeTask(rest.engine, send.send_nowait).run_until, stop)
        assert await receive.receive() == "repo"
        stop.set()
    assert await status(rest, "GET") == (200, "done")
