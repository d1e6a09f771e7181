"""What waits to be sent on a stream of HTTP/2: bounded, and not for ever."""

from __future__ import annotations

import pytest
import trio
from hypercorn.protocol.h2 import BUFFER_HIGH_WATER, BufferCompleteError
from hypercorn.trio.worker_context import EventWrapper
from trio.testing import MockClock, wait_all_tasks_blocked

from server.http.http2.stream_buffer import STALL_S, StreamBuffer


@pytest.fixture
def buffer() -> StreamBuffer:
    return StreamBuffer(EventWrapper)


async def test_who_fills_it_waits_until_something_is_taken_out(buffer: StreamBuffer) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(buffer.push, bytes(BUFFER_HIGH_WATER))
        for _ in range(3):
            await wait_all_tasks_blocked()
            assert await buffer.pop(0) == b""  # a client that grants nothing
        assert len(nursery.child_tasks) == 1
        assert len(await buffer.pop(BUFFER_HIGH_WATER)) == BUFFER_HIGH_WATER
    assert not buffer.is_undelivered


async def test_what_is_taken_out_is_what_was_put_in(buffer: StreamBuffer) -> None:
    data = bytes(range(256)) * 1024
    taken = b""
    async with trio.open_nursery() as nursery:

        async def fill() -> None:
            for at in range(0, len(data), 5000):
                await buffer.push(data[at : at + 5000])
            buffer.set_complete()
            await buffer.drain()

        nursery.start_soon(fill)
        while nursery.child_tasks:
            await wait_all_tasks_blocked()
            assert len(buffer.buffer) < 2 * BUFFER_HIGH_WATER
            taken += await buffer.pop(7000)
    assert taken == data
    assert buffer.complete


@pytest.mark.parametrize("step", ["push", "drain"])
async def test_a_client_that_takes_nothing_for_long_is_not_waited_for(
    buffer: StreamBuffer, autojump_clock: MockClock, step: str
) -> None:
    started = trio.current_time()
    if step == "push":
        with pytest.raises(BufferCompleteError):
            await buffer.push(bytes(BUFFER_HIGH_WATER))
    else:
        await buffer.push(b"x")
        with pytest.raises(BufferCompleteError):
            await buffer.drain()
    assert trio.current_time() - started == STALL_S
    with pytest.raises(BufferCompleteError):
        await buffer.push(b"more")
    assert buffer.is_undelivered


async def test_a_client_that_takes_a_little_now_and_then_is_waited_for(
    buffer: StreamBuffer, autojump_clock: MockClock
) -> None:
    started = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(buffer.push, bytes(BUFFER_HIGH_WATER))
        while nursery.child_tasks:
            await trio.sleep(STALL_S - 1)
            await buffer.pop(1000)
    assert trio.current_time() - started > 10 * STALL_S
