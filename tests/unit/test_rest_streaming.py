"""Bodies that are made while they are sent."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from threading import get_ident

import pytest
import trio
from trio.testing import MockClock

from server.git.exchange import ClientGone
from server.git.native import WorkerThreads
from server.rest.streaming import Source, StreamBody


@dataclass
class Pieces:
    """A source that counts what is done with it."""

    pieces: list[bytes]
    threads: set[int] = field(default_factory=set)
    stopped: int = 0
    closed: int = 0

    def read(self) -> bytes:
        self.threads.add(get_ident())
        return self.pieces.pop(0) if self.pieces else b""

    def stop(self) -> None:
        self.stopped += 1

    def close(self) -> None:
        self.closed += 1

    def body(self, *, patience_s: float = math.inf) -> StreamBody:
        return StreamBody(Source(self.read, self.stop, self.close), WorkerThreads(1), patience_s=patience_s)


async def test_pieces_come_in_order_and_from_threads() -> None:
    source = Pieces([b"one", b"two"])
    async with source.body() as body:
        assert [piece async for piece in body] == [b"one", b"two"]
    assert get_ident() not in source.threads
    assert (source.stopped, source.closed) == (0, 1)


async def test_error_in_the_middle_ends_the_answer_with_it() -> None:
    source = Pieces([b"one", b"two"])
    body = StreamBody(Source(_fail, source.stop, source.close), WorkerThreads(1))
    with pytest.raises(OSError, match="disk"):
        await _send(body)
    assert source.closed == 1


def _fail() -> bytes:
    raise OSError("disk")


async def test_client_that_takes_nothing_is_given_up(mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    source = Pieces([b"one", b"two"])
    with pytest.raises(ClientGone):
        await _send(source.body(patience_s=300), seconds_a_piece=301)
    assert source.closed == 1
    assert source.pieces == [b"two"]


async def test_client_that_is_slow_is_waited_for(mock_clock: MockClock) -> None:
    mock_clock.autojump_threshold = 0
    source = Pieces([b"x"] * 10)
    await _send(source.body(patience_s=300), seconds_a_piece=299)
    assert source.pieces == []


async def _send(body: StreamBody, *, seconds_a_piece: float = 0) -> None:
    """As the framework sends it."""
    async with body:
        async for _ in body:
            await trio.sleep(seconds_a_piece)


async def test_cancelled_answer_closes_its_source() -> None:
    source = Pieces([b"one", b"two"])
    with trio.CancelScope() as scope:
        async with source.body() as body:
            async for _ in body:
                scope.cancel()
                await trio.sleep_forever()
    assert scope.cancelled_caught
    assert source.closed == 1
