"""When an answer comes, and in what pieces: not before the whole request, large, and never after long silence."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from packengine.repository import Engine, Fetch
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.fetch_cases import Case
from tests.support.git_client import GitClient
from tests.support.raw_packs import BLOB, COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of, tree_content
from tests.support.wire_client import push_request

MIB = 1 << 20
LARGE = random.Random(1).randbytes(5 * MIB)
TREE_OF_ALL = tree_content([(b"100644", b"large", oid_of(BLOB, LARGE))])
ROOT = commit_content(oid_of(TREE, TREE_OF_ALL))
TIP = oid_of(COMMIT, ROOT)
PACK = pack_of([entry(BLOB, LARGE, level=0), entry(TREE, TREE_OF_ALL), entry(COMMIT, ROOT)])
KEEP_ALIVE, EARLY_KEEP_ALIVE = b"0005\1", b"0005\2"
SETTLED_S = 0.2
"""Threads have got as far as they can."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine.open(tmp_path)
    opened.create_repository("project", ACTOR)
    begin_push(opened, "project", [(NULL, TIP, b"refs/heads/main")], PACK).finish()
    yield opened
    opened.close()


def clone_request(version: int, *words: str, end: bytes = b"") -> bytes:
    framing = [] if version == 2 else ["side-band-64k"]
    return Case(version=version, wants=[TIP.hex()], flags=[*framing, *words]).body("sha1") + end


@pytest.mark.parametrize("version", [0, 1, 2])
async def test_no_fetch_is_answered_before_the_whole_request_has_come(engine: Engine, version: int) -> None:
    """Though all that matters is known: a client that writes without reading would wait for us, and we for it."""
    client = GitClient(engine)
    client.sends_rest = trio.Event()
    async with trio.open_nursery() as nursery:
        body = clone_request(version, end=b"0000")
        nursery.start_soon(lambda: client.post("git-upload-pack", body, version=version))
        await wait_all_tasks_blocked(SETTLED_S)
        assert client.was_read
        assert (client.status, client.body) == (0, b"")
        client.sends_rest.set()
    assert b"PACK" in client.body


async def test_no_push_hears_anything_before_its_pack_has_come(engine: Engine, mock_clock: MockClock) -> None:
    client = GitClient(engine)
    client.sends_rest = trio.Event()
    body = push_request([(NULL, TIP, b"refs/heads/other")], PACK)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.post, "git-receive-pack", body)
        for _ in range(3):
            await trio.to_thread.run_sync(lambda: None)
            mock_clock.jump(15)
            await trio.testing.wait_all_tasks_blocked()
        assert (client.status, client.body) == (0, b"")
        client.sends_rest.set()
    assert client.status == 200


@pytest.mark.parametrize("version", [0, 1, 2])
async def test_a_pack_goes_out_as_it_is_stored_in_few_large_writes(engine: Engine, version: int) -> None:
    client = GitClient(engine)
    await client.post("git-upload-pack", clone_request(version), version=version)
    assert client.writes < 12
    assert b"content-encoding" not in client.headers
    assert len(client.body) > len(LARGE)


class Slow:
    """A step of a fetch that lasts until the client has been told that we are alive."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.goes_on = threading.Event()
        passed = getattr(Fetch, name)

        def wait_and_pass(*args: object, **kwargs: object) -> object:
            assert self.goes_on.wait(10)
            return passed(*args, **kwargs)

        monkeypatch.setattr(Fetch, name, wait_and_pass)


class Listener(GitClient):
    """Ends a slow step when it has heard something."""

    slow: Slow
    expected: bytes

    async def _send(self, event: object) -> None:
        await super()._send(event)
        if self.body.endswith(self.expected):
            self.slow.goes_on.set()


@pytest.mark.parametrize(
    ("version", "step", "words", "expected"),
    [
        (0, "select", (), KEEP_ALIVE),
        (1, "select", (), KEEP_ALIVE),
        (2, "select", (), KEEP_ALIVE),
        (2, "select", ("sideband-all",), KEEP_ALIVE),
        (2, "common", ("sideband-all",), EARLY_KEEP_ALIVE),
    ],
)
async def test_five_seconds_of_silence_are_broken(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    autojump_clock: MockClock,
    version: int,
    step: str,
    words: tuple[str, ...],
    expected: bytes,
) -> None:
    other = commit_content(oid_of(TREE, TREE_OF_ALL), message=b"Other\n")  # else the only pack goes out as it is stored
    begin_push(
        engine, "project", [(NULL, oid_of(COMMIT, other), b"refs/heads/other")], pack_of([entry(COMMIT, other)])
    ).finish()
    client = Listener(engine)
    client.slow, client.expected = Slow(monkeypatch, step), expected
    began_s = trio.current_time()
    await client.post("git-upload-pack", clone_request(version, *words), version=version)
    assert client.slow.goes_on.is_set()
    assert trio.current_time() - began_s >= 5
    assert b"PACK" in client.body
