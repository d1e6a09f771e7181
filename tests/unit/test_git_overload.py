"""Too much to do at once: what waits is done in turn, what would wait too long is told to come later, at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from hypercorn.typing import ASGIFramework
from trio.testing import wait_all_tasks_blocked

from packengine.repository import Engine
from server.auth import GitAuthenticator
from server.config import Settings
from server.git import app as git_app_module
from server.git import git_app
from server.git.native import ThreadPools
from tests.support.engine_pushes import ACTOR
from tests.support.git_client import GitClient
from tests.support.raw_packs import COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of
from tests.support.wire_client import command_request, fetch_request, ls_refs_request, parse_push_report, push_request

ROOT = commit_content()
TIP = oid_of(COMMIT, ROOT)
PACK = pack_of([entry(TREE, b""), entry(COMMIT, ROOT)])
FETCH = fetch_request([TIP])
SIZES = command_request(b"object-info", [b"size", b"oid " + TIP.hex().encode()])
BUNDLES = command_request(b"bundle-uri", [])
PLACES, WAITING = 2, 3
SETTLED_S = 0.2
"""Threads have got as far as they can."""


def push_of(branch: bytes) -> bytes:
    return push_request([(NULL, TIP, b"refs/heads/" + branch)], PACK)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine.open(tmp_path)
    opened.create_repository("project", ACTOR)
    yield opened
    opened.close()


@pytest.fixture
def app(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> ASGIFramework:
    """With two threads for each kind of work, four for pushes that come whole, and room for three that wait."""
    monkeypatch.setattr(git_app_module, "_THREADS_PER_CORE", PLACES)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    return git_app(engine, Settings(max_waiting_requests=WAITING), GitAuthenticator(engine.catalog))


class Gate:
    """Holds up a method of the engine until it opens."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        self._opens = threading.Event()
        passed = getattr(owner, name)

        def wait_and_pass(*args: object, **kwargs: object) -> object:
            self._opens.wait()
            return passed(*args, **kwargs)

        monkeypatch.setattr(owner, name, wait_and_pass)

    def open(self) -> None:
        self._opens.set()


async def _push_main(engine: Engine, app: ASGIFramework) -> None:
    await GitClient(engine, app).post("git-receive-pack", push_of(b"main"))


async def test_a_fetch_beyond_the_line_is_told_to_come_later_and_those_in_it_are_served(
    engine: Engine, app: ASGIFramework, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _push_main(engine, app)
    gate = Gate(monkeypatch, engine.fetches, "begin")
    served = [GitClient(engine, app) for _ in range(PLACES + WAITING)]
    late = GitClient(engine, app)
    async with trio.open_nursery() as nursery:
        for client in served:
            nursery.start_soon(client.post, "git-upload-pack", FETCH)
        await wait_all_tasks_blocked(SETTLED_S)
        with trio.fail_after(10):
            await late.post("git-upload-pack", FETCH)
        assert (late.status, late.headers[b"retry-after"]) == (429, b"5")
        assert b"try again later" in late.body
        gate.open()
    assert [client.status for client in served] == [200] * len(served)
    assert all(b"PACK" in client.body for client in served)


async def test_listing_and_pushing_do_not_queue_behind_fetches(
    engine: Engine, app: ASGIFramework, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _push_main(engine, app)
    gate = Gate(monkeypatch, engine.fetches, "begin")
    lister, pusher = GitClient(engine, app), GitClient(engine, app)
    async with trio.open_nursery() as nursery:
        for _ in range(PLACES + WAITING):
            nursery.start_soon(GitClient(engine, app).post, "git-upload-pack", FETCH)
        await wait_all_tasks_blocked(SETTLED_S)
        with trio.fail_after(10):
            await lister.post("git-upload-pack", ls_refs_request())
            await pusher.post("git-receive-pack", push_of(b"other"))
        gate.open()
    assert b"refs/heads/main" in lister.body
    assert parse_push_report(pusher.body).refs == {b"refs/heads/other": None}


@pytest.mark.parametrize(
    ("owner", "method", "request_body"), [("fetches", "sizes", SIZES), ("bundles", "offer", BUNDLES)]
)
async def test_what_can_take_as_long_as_a_fetch_waits_with_the_fetches(
    engine: Engine, app: ASGIFramework, monkeypatch: pytest.MonkeyPatch, owner: str, method: str, request_body: bytes
) -> None:
    gate = Gate(monkeypatch, getattr(engine, owner), method)
    late, lister = GitClient(engine, app), GitClient(engine, app)
    async with trio.open_nursery() as nursery:
        for _ in range(PLACES + WAITING):
            nursery.start_soon(GitClient(engine, app).post, "git-upload-pack", request_body)
        await wait_all_tasks_blocked(SETTLED_S)
        with trio.fail_after(10):
            await late.post("git-upload-pack", request_body)
            await lister.post("git-upload-pack", ls_refs_request())
        gate.open()
    assert (late.status, lister.status) == (429, 200)


async def test_a_push_beyond_the_line_is_refused_unread_and_none_is_cut_off(
    engine: Engine, app: ASGIFramework, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, engine.pushes.publisher, "publish")
    pushers = [GitClient(engine, app) for _ in range(2 * PLACES + WAITING)]
    late = GitClient(engine, app)
    async with trio.open_nursery() as nursery:
        for number, client in enumerate(pushers):
            nursery.start_soon(client.post, "git-receive-pack", push_of(b"%d" % number))
        await wait_all_tasks_blocked(SETTLED_S)
        with trio.fail_after(10):
            await late.post("git-receive-pack", push_of(b"late"))
        assert late.status == 429
        assert not late.was_read
        gate.open()
    for number, client in enumerate(pushers):
        assert parse_push_report(client.body).refs == {b"refs/heads/%d" % number: None}


async def test_pieces_of_packs_do_not_queue_behind_new_fetches() -> None:
    pools = ThreadPools.of(1, max_waiting=0)
    opens = threading.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pools.fetches.run, opens.wait)
        await wait_all_tasks_blocked()
        with trio.fail_after(10):
            assert await pools.packs.run(lambda: b"piece") == b"piece"
        opens.set()
