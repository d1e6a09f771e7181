"""The one visit to a thread that a fetch makes: where its budget runs over, what was begun there goes on, once only."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from hypercorn.typing import ASGIFramework
from trio.testing import wait_all_tasks_blocked

from core_ext import Cancel, LimitExceeded, PackStream
from packengine.repository import Engine, Fetch, Selection
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.git_client import GitClient, open_app
from tests.support.raw_packs import BLOB, COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of, tree_content
from tests.support.wire_client import fetch_request, parse_fetch_answer

PIECE_BYTES = 8 * 1024
LARGE = random.Random(1).randbytes(5 * PIECE_BYTES)
TREE_WITH_LARGE = tree_content([(b"100644", b"large", oid_of(BLOB, LARGE))])
ROOT = commit_content()
FIRST = oid_of(COMMIT, ROOT)
CHILD = commit_content(oid_of(TREE, TREE_WITH_LARGE), parents=[FIRST])
SECOND = oid_of(COMMIT, CHILD)
CLONE_OF_SECOND, UPDATE = fetch_request([SECOND]), fetch_request([SECOND], [FIRST])
SETTLED_S = 0.2
"""Threads have got as far as they can."""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Two packs, so that nothing goes out as it is stored, and pieces that the second commit does not fit into."""
    monkeypatch.setattr("server.git.pack_source.PIECE_BYTES", PIECE_BYTES)
    monkeypatch.setattr("server.git.pack_source.STORED_PIECE_BYTES", PIECE_BYTES)
    opened = Engine.open(tmp_path)
    opened.create_repository("project", ACTOR)
    first = pack_of([entry(TREE, b""), entry(COMMIT, ROOT)])
    second = pack_of([entry(BLOB, LARGE, level=0), entry(TREE, TREE_WITH_LARGE), entry(COMMIT, CHILD)])
    begin_push(opened, "project", [(NULL, FIRST, b"refs/heads/main")], first).finish()
    begin_push(opened, "project", [(FIRST, SECOND, b"refs/heads/main")], second).finish()
    yield opened
    opened.close()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Cancel]:
    """The handles of all packs that were opened."""
    cancels: list[Cancel] = []
    open_pack = Fetch.open_pack

    def note_and_open(self: Fetch, selection: Selection, cancel: Cancel, **how: bool) -> PackStream:
        cancels.append(cancel)
        return open_pack(self, selection, cancel, **how)

    monkeypatch.setattr(Fetch, "open_pack", note_and_open)
    return cancels


class Gate:
    """Holds up the opening of packs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._opens = threading.Event()
        open_pack = Fetch.open_pack

        def wait_and_open(fetch: Fetch, selection: Selection, cancel: Cancel, **how: bool) -> PackStream:
            assert self._opens.wait(30)
            return open_pack(fetch, selection, cancel, **how)

        monkeypatch.setattr(Fetch, "open_pack", wait_and_open)

    def open(self) -> None:
        self._opens.set()


def app_of(engine: Engine, *, has_cache: bool) -> ASGIFramework:
    if not has_cache:
        engine.answers = None
    return open_app(engine)


@pytest.mark.parametrize("has_cache", [True, False])
@pytest.mark.parametrize("request_body", [CLONE_OF_SECOND, UPDATE], ids=["clone", "update"])
async def test_a_pack_that_turns_out_large_is_streamed_from_where_the_visit_got_to(
    engine: Engine, opened: list[Cancel], request_body: bytes, has_cache: bool
) -> None:
    client = GitClient(engine, app_of(engine, has_cache=has_cache))
    await client.post("git-upload-pack", request_body)
    answer = parse_fetch_answer(client.body)
    assert answer.pack is not None
    assert LARGE in answer.pack
    assert answer.pack[:4] == b"PACK"
    assert client.writes > 2
    assert len(opened) == 1


@pytest.mark.parametrize("has_cache", [True, False])
@pytest.mark.parametrize("request_body", [CLONE_OF_SECOND, UPDATE], ids=["clone", "update"])
async def test_what_goes_wrong_with_the_pack_is_told_in_its_frame_to_all_who_wait(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, request_body: bytes, has_cache: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise LimitExceeded("depth of a tree: 2049, limit 2048")

    monkeypatch.setattr(Fetch, "select", fail)
    app = app_of(engine, has_cache=has_cache)
    clients = [GitClient(engine, app) for _ in range(3)]
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(client.post, "git-upload-pack", request_body)
    for client in clients:
        answer = parse_fetch_answer(client.body)
        assert (client.status, answer.pack) == (200, b"")
        assert answer.error == b"depth of a tree: 2049, limit 2048\n"


@pytest.mark.parametrize("request_body", [CLONE_OF_SECOND, UPDATE], ids=["clone", "update"])
async def test_who_asks_for_the_same_while_it_is_made_shares_it(
    engine: Engine, opened: list[Cancel], monkeypatch: pytest.MonkeyPatch, request_body: bytes
) -> None:
    gate, app = Gate(monkeypatch), open_app(engine)
    clients = [GitClient(engine, app) for _ in range(4)]
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(client.post, "git-upload-pack", request_body)
        await wait_all_tasks_blocked(SETTLED_S)
        gate.open()
    assert len({client.body for client in clients}) == 1
    assert LARGE in (parse_fetch_answer(clients[0].body).pack or b"")
    assert len(opened) == 1


@pytest.mark.parametrize("request_body", [CLONE_OF_SECOND, UPDATE], ids=["clone", "update"])
async def test_what_nobody_waits_for_any_more_is_stopped_and_can_be_asked_for_again(
    engine: Engine, opened: list[Cancel], monkeypatch: pytest.MonkeyPatch, request_body: bytes
) -> None:
    gate, app = Gate(monkeypatch), open_app(engine)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(GitClient(engine, app).post, "git-upload-pack", request_body)
        await wait_all_tasks_blocked(SETTLED_S)
        nursery.cancel_scope.cancel()
        gate.open()
    assert [cancel.is_set() for cancel in opened] == [True]
    client = GitClient(engine, app)
    await client.post("git-upload-pack", request_body)
    assert LARGE in (parse_fetch_answer(client.body).pack or b"")


@pytest.mark.parametrize("request_body", [CLONE_OF_SECOND, UPDATE], ids=["clone", "update"])
async def test_the_client_that_asked_first_may_go_while_others_wait(
    engine: Engine, opened: list[Cancel], monkeypatch: pytest.MonkeyPatch, request_body: bytes
) -> None:
    gate, app, leaving = Gate(monkeypatch), open_app(engine), trio.CancelScope()
    other = GitClient(engine, app)

    async def ask_and_leave() -> None:
        with leaving:
            await GitClient(engine, app).post("git-upload-pack", request_body)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask_and_leave)
        await wait_all_tasks_blocked(SETTLED_S)
        nursery.start_soon(other.post, "git-upload-pack", request_body)
        await wait_all_tasks_blocked(SETTLED_S)
        leaving.cancel()
        gate.open()
    assert LARGE in (parse_fetch_answer(other.body).pack or b"")
    assert len(opened) == 1


@pytest.mark.parametrize("is_costly", [True, False])
async def test_an_update_is_kept_after_its_answer_if_it_took_long_to_make(
    engine: Engine, opened: list[Cancel], monkeypatch: pytest.MonkeyPatch, is_costly: bool
) -> None:
    monkeypatch.setattr("server.git.pack_source.PIECE_BYTES", 1 << 20)
    monkeypatch.setattr("packengine.repository.answers.store.MIN_BUILD_US", 0 if is_costly else 10**9)
    app = open_app(engine)
    for _ in range(2):
        client = GitClient(engine, app)
        await client.post("git-upload-pack", UPDATE)
        assert client.writes == 1
    assert LARGE in (parse_fetch_answer(client.body).pack or b"")
    assert len(opened) == (1 if is_costly else 2)
