"""The pack cache of a process: one build for all who wait, whatever happens to it, and to its disk."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from core_ext import Cancel, CorruptPack, PackStream
from packengine.protocol import PackFrame
from packengine.protocol._legacy_fetch_request import PackBands
from packengine.repository.answers import AnswerStore, CorruptEntry, Part, PartElsewhere
from packengine.repository.answers import store as store_module
from server.git.cached_pack import CachedPack
from server.git.native import ThreadPools
from server.git.pack_board import BuilderGone
from server.git.pack_cache import PackCache
from tests.support.answers import KEY, PIECES, FakeStream, claimed, entry_paths, fill, keep

BARE = PackFrame(PackBands.NONE)
"""No frame, so that pieces can be compared."""


class Source:
    """Makes the stream of every build, and counts them. `allow` lets them give so many pieces."""

    def __init__(self, pieces: list[bytes] = PIECES) -> None:
        self.pieces = pieces
        self.opened = 0
        self.allow = threading.Semaphore(0)
        self.cancels: list[Cancel] = []

    def open(self, cancel: Cancel) -> PackStream:
        """A new stream."""
        self.opened += 1
        self.cancels.append(cancel)
        return FakeStream(self.pieces, self.allow).as_stream()

    def allow_all(self) -> None:
        """Let everything go."""
        self.allow.release(1000)


class Node:
    """One process's cache, over a folder that others share."""

    def __init__(self, folder: Path, max_bytes: int = 1 << 30) -> None:
        self.store = AnswerStore(folder, max_bytes)
        self.cache = PackCache(self.store, ThreadPools.of(8, max_waiting=100))

    def pack(self, source: Source) -> CachedPack:
        """The one pack of these tests."""
        return self.cache.pack(KEY, source.open, BARE)

    def uses(self) -> tuple[int, int, int]:
        """(hits, misses, joined)."""
        stats = self.cache.stats()
        return stats.hits, stats.misses, stats.joined


class Client:
    """Reads a pack, and keeps what came and how it ended."""

    def __init__(self, pack: CachedPack) -> None:
        self.pack = pack
        self.got: list[bytes] = []
        self.failure: Exception | None = None
        self.scope = trio.CancelScope()
        self.may_read = trio.Event()
        self.may_read.set()

    async def run(self) -> None:
        """Until the end, or an error."""
        with self.scope:
            try:
                await self.pack.begin()
                assert self.pack.object_count == 7
                await self.may_read.wait()
                is_last = False
                while not is_last:
                    piece = await self.pack.read()
                    is_last = piece.is_last
                    self.got += [piece.data] if piece.data else []
                    await self.may_read.wait()
                assert self.pack.reused_count == 5
            except (CorruptPack, CorruptEntry, BuilderGone) as failure:
                self.failure = failure
            finally:
                await self.pack.close()


@pytest.fixture(autouse=True)
def _everything_is_worth_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MIN_BUILD_US", 0)
    monkeypatch.setattr("server.git.pack_source.PIECE_BYTES", 1)  # so that small pieces are not joined


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "answers"


@pytest.fixture
def node(folder: Path) -> Node:
    return Node(folder)


async def until(condition: Callable[[], bool]) -> None:
    """Threads are at work: look again until it is so."""
    with trio.fail_after(10):
        while not condition():  # noqa: ASYNC110  # threads set no event of ours
            await trio.sleep(0.001)


async def fetch(node: Node, source: Source) -> Client:
    client = Client(node.pack(source))
    await client.run()
    return client


async def test_the_second_fetch_is_a_hit(node: Node) -> None:
    source = Source()
    source.allow_all()
    for _ in range(2):
        client = await fetch(node, source)
        assert (client.got, client.failure) == (PIECES, None)
    await until(lambda: node.store.stats().stored == 1)
    assert source.opened == 1
    assert node.uses()[0] + node.uses()[2] == 1


async def test_requests_at_once_share_a_build(node: Node) -> None:
    source = Source()
    clients = [Client(node.pack(source)) for _ in range(10)]
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(client.run)
        await until(lambda: source.opened == 1)
        source.allow_all()
    assert [client.got for client in clients] == [PIECES] * 10
    assert source.opened == 1
    assert sum(node.uses()) == 10
    assert node.uses()[1] == 1


async def test_pieces_come_while_the_build_goes_on(node: Node) -> None:
    source = Source()
    first, late = Client(node.pack(source)), Client(node.pack(source))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.run)
        for number in (1, 2):
            source.allow.release()
            await until(lambda number=number: len(first.got) == number)  # type: ignore[misc]
        nursery.start_soon(late.run)
        await until(lambda: len(late.got) == 2)
        source.allow_all()
    assert first.got == late.got == PIECES


async def test_a_build_outlives_its_first_client_while_others_wait(node: Node) -> None:
    source = Source()
    first, second = Client(node.pack(source)), Client(node.pack(source))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.run)
        await until(lambda: source.opened == 1)
        nursery.start_soon(second.run)
        source.allow.release()
        await until(lambda: bool(first.got) and bool(second.got))
        first.scope.cancel()
        source.allow_all()
    assert second.got == PIECES
    assert source.opened == 1


async def test_a_build_ends_when_nobody_waits(node: Node, folder: Path) -> None:
    source = Source()
    client = Client(node.pack(source))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.run)
        source.allow.release()
        await until(lambda: bool(client.got))
        client.scope.cancel()
    await until(source.cancels[0].is_set)
    source.allow_all()
    await until(lambda: not list(folder.rglob("*.part")))
    assert entry_paths(folder) == []
    assert (await fetch(node, source)).got == PIECES
    assert source.opened == 2


async def test_everybody_is_told_why_a_build_failed(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    source, failing = Source(), Source()
    source.allow_all()

    def fail(*_: object) -> bytes:
        raise CorruptPack("the third piece cannot be read")

    def open_failing(_: Cancel) -> PackStream:
        stream = FakeStream(PIECES[:2], failing.allow)
        read = stream.read
        monkeypatch.setattr(stream, "read", lambda size: read(size) or fail())
        return stream.as_stream()

    clients = [Client(node.cache.pack(KEY, open_failing, BARE)) for _ in range(3)]
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(client.run)
        # The third is in the thread that makes the first piece.
        await until(lambda: len(node.cache._builds[KEY].board._taken) == 2 if node.cache._builds else False)
        failing.allow_all()
    for client in clients:
        assert isinstance(client.failure, CorruptPack)
        assert client.got == PIECES[: len(client.got)]
    assert (await fetch(node, source)).got == PIECES


Break = Callable[[pytest.MonkeyPatch], None]


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def full_at(name: str, call: int) -> Break:
    """A disk that is full at the so-manieth call of a method of Part."""

    def install(patch: pytest.MonkeyPatch) -> None:
        real, calls = getattr(Part, name), 0

        def method(*arguments: Any, **named: Any) -> None:
            nonlocal calls
            calls += 1
            (real if calls < call else full)(*arguments, **named)

        patch.setattr(Part, name, method)

    return install


@pytest.mark.parametrize(
    "break_disk",
    [
        lambda patch: patch.setattr(AnswerStore, "claim", full),
        full_at("begin", 1),
        full_at("append", 1),
        full_at("append", 2),
        full_at("append", 3),
        full_at("finish", 1),
        full_at("link", 1),
        full_at("abandon", 1),
        lambda patch: patch.setattr(AnswerStore, "make_room", full),
    ],
    ids=["claim", "begin", "first", "second", "third", "finish", "link", "abandon", "eviction"],
)
async def test_with_a_full_disk_answers_go_on_without_the_cache(
    node: Node, monkeypatch: pytest.MonkeyPatch, break_disk: Break
) -> None:
    source = Source()
    quick, slow = Client(node.pack(source)), Client(node.pack(source))
    slow.may_read = trio.Event()
    with monkeypatch.context() as patch:
        break_disk(patch)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(quick.run)
            nursery.start_soon(slow.run)
            source.allow_all()
            await until(lambda: bool(quick.got))
            slow.may_read.set()
    assert quick.got == slow.got == PIECES
    assert (await fetch(node, source)).got == PIECES, "once there is room again"


async def test_a_client_that_goes_does_not_hold_up_those_who_share_memory(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_at("append", 2)(monkeypatch)
    source = Source()
    source.allow.release()
    quick, stuck = Client(node.pack(source)), Client(node.pack(source))
    stuck.may_read = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(quick.run)
        nursery.start_soon(stuck.run)
        await until(lambda: len(node.cache._builds[KEY].board._taken) == 2 if node.cache._builds else False)
        source.allow_all()
        await until(lambda: len(quick.got) == 2)
        stuck.scope.cancel()
    assert quick.got == PIECES


async def test_an_answer_that_would_fill_the_cache_is_not_kept(folder: Path) -> None:
    node, source = Node(folder, max_bytes=2 * len(PIECES[1])), Source()
    source.allow_all()
    assert (await fetch(node, source)).got == PIECES
    await until(lambda: not list(folder.rglob("*.part")))
    assert entry_paths(folder) == []


async def test_damage_at_the_start_of_an_entry_is_mended_unseen(node: Node, folder: Path) -> None:
    keep(node.store)
    damage(folder, PIECES[0])
    source = Source()
    source.allow_all()
    client = await fetch(node, source)
    assert (client.got, client.failure, client.pack.use) == (PIECES, None, "miss")
    assert source.opened == 1
    assert node.store.stats().corrupt == 1


async def test_damage_further_on_ends_the_answer_and_is_mended_for_the_next(node: Node, folder: Path) -> None:
    keep(node.store)
    damage(folder, PIECES[1])
    source = Source()
    source.allow_all()
    client = await fetch(node, source)
    assert client.got == PIECES[:1]
    assert isinstance(client.failure, CorruptEntry)
    assert (await fetch(node, source)).got == PIECES


def damage(folder: Path, piece: bytes) -> None:
    (path,) = entry_paths(folder)
    path.write_bytes(path.read_bytes().replace(piece, piece.swapcase()))


async def test_another_process_reads_along_and_never_builds(folder: Path) -> None:
    here, there, source = Node(folder), Node(folder), Source()
    first = Client(here.pack(source))
    others = [Client(there.pack(source)) for _ in range(3)]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.run)
        await until(lambda: source.opened == 1)
        for client in others:
            nursery.start_soon(client.run)
        source.allow.release()
        await until(lambda: all(len(client.got) == 1 for client in others))
        source.allow_all()
    assert [client.got for client in (first, *others)] == [PIECES] * 4
    assert source.opened == 1
    assert (here.uses(), there.uses()) == ((0, 1, 0), (0, 0, 3))


async def test_a_build_goes_on_for_those_who_wait_in_another_process(folder: Path) -> None:
    here, there, source = Node(folder), Node(folder), Source()
    first, other = Client(here.pack(source)), Client(there.pack(source))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.run)
        await until(lambda: source.opened == 1)
        nursery.start_soon(other.run)
        source.allow.release()
        await until(lambda: bool(other.got))
        first.scope.cancel()
        source.allow_all()
    assert other.got == PIECES
    assert source.opened == 1


async def test_it_ends_once_those_have_gone_too(folder: Path) -> None:
    here, there, source = Node(folder), Node(folder), Source([b"piece"] * 100)
    first, other = Client(here.pack(source)), Client(there.pack(source))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.run)
        await until(lambda: source.opened == 1)
        nursery.start_soon(other.run)
        source.allow.release()
        await until(lambda: bool(other.got))
        first.scope.cancel()
        other.scope.cancel()
    source.allow.release(5)
    await until(lambda: not list(folder.rglob("*.part")))
    assert entry_paths(folder) == []


async def dead_builder(folder: Path, node: Node, source: Source, pieces: list[bytes]) -> tuple[Client, Part]:
    """A client that reads along with a part whose builder has written these pieces, and dies now."""
    part = claimed(AnswerStore(folder, 1 << 30))
    part.begin(7)
    for piece in pieces:
        part.append(piece)
    client = Client(node.pack(source))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.run)
        await until(lambda: part.is_awaited() and len(client.got) == len(pieces))
        part.close()  # without a trailer, and with its name still there: as the end of a process leaves it
    return client, part


async def test_the_death_of_a_builder_is_not_noticed_where_nothing_was_sent(folder: Path, node: Node) -> None:
    source = Source()
    source.allow_all()
    client, _ = await dead_builder(folder, node, source, [])
    assert (client.got, client.failure) == (PIECES, None)
    assert source.opened == 1


async def test_the_death_of_a_builder_is_told_where_pieces_were_sent(folder: Path, node: Node) -> None:
    source = Source()
    source.allow_all()
    client, _ = await dead_builder(folder, node, source, PIECES[:2])
    assert client.got == PIECES[:2]
    assert isinstance(client.failure, BuilderGone)
    assert (await fetch(node, source)).got == PIECES


async def test_a_slow_builder_is_waited_for(folder: Path, node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    part, looks, has_builder = claimed(AnswerStore(folder, 1 << 30)), 0, PartElsewhere.has_builder

    def look(watched: PartElsewhere) -> bool:
        nonlocal looks
        looks += 1
        return has_builder(watched)

    monkeypatch.setattr(PartElsewhere, "has_builder", look)
    client = Client(node.pack(Source()))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.run)
        await until(lambda: looks > 5)
        assert client.got == []
        fill(part)
        part.abandon()
    part.close()
    assert client.got == PIECES


async def test_a_pack_is_made_directly_if_whatever_it_relies_on_goes_away(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise BuilderGone("again")

    monkeypatch.setattr("server.git.pack_build.Build._begin", gone)
    source = Source()
    source.allow_all()
    client = await fetch(node, source)
    assert (client.got, client.failure) == (PIECES, None)
    assert source.opened == 1


async def test_an_evicted_entry_is_read_to_its_end(node: Node) -> None:
    keep(node.store)
    client = Client(node.pack(Source()))
    client.may_read = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.run)
        await trio.testing.wait_all_tasks_blocked(0.05)
        node.store.clear()
        client.may_read.set()
    assert (client.got, client.pack.use) == (PIECES, "hit")


async def test_a_slow_client_holds_no_builder(node: Node) -> None:
    source = Source()
    source.allow_all()
    slow = Client(node.pack(source))
    slow.may_read = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(slow.run)
        await until(lambda: node.store.stats().stored == 1)
        slow.may_read.set()
    assert slow.got == PIECES
    entry = node.store.open(KEY)
    assert entry is not None
    entry.close()


def likely_small(node: Node, source: Source) -> CachedPack:
    return node.cache.pack(KEY, source.open, BARE, is_likely_small=True)


async def test_what_is_small_as_expected_leaves_no_file_and_is_one_build_for_all(
    node: Node, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.git.pack_source.PIECE_BYTES", 1 << 20)
    source = Source([b"little"])
    clients = [Client(likely_small(node, source)) for _ in range(5)]
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(client.run)
        await until(lambda: source.opened == 1)
        source.allow_all()
    assert [client.got for client in clients] == [[b"little"]] * 5
    assert source.opened == 1
    assert not entry_paths(folder)
    assert node.uses() == (0, 1, 4)


async def test_what_is_larger_than_expected_is_kept_as_ever(
    node: Node, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.git.pack_build._UNKEPT_BYTES", 0)
    source = Source()
    source.allow_all()
    client = Client(likely_small(node, source))
    await client.run()
    assert b"".join(client.got) == b"".join(PIECES)
    assert source.opened == 1
    assert len(entry_paths(folder)) == 1


async def test_what_is_larger_than_expected_and_made_elsewhere_by_now_comes_from_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.git.pack_build._UNKEPT_BYTES", 0)
    here, there = Node(folder), Node(folder)
    slow, quick = Source(), Source()
    first, second = Client(there.pack(slow)), Client(likely_small(here, quick))
    quick.allow_all()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(first.run)
        await until(lambda: slow.opened == 1)
        nursery.start_soon(second.run)
        await until(lambda: quick.opened == 1)
        slow.allow_all()
    assert b"".join(second.got) == b"".join(first.got) == b"".join(PIECES)
    assert here.uses() == (0, 0, 1)
