"""How pieces of an answer get into a socket, and what comes out of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trio
import trio.testing

from server.http.transport import ConnectionLost, PlainTransport

LARGE = bytes(range(256)) * 4096

CALLS = 1000
"""Of the kernel; so many take some milliseconds."""


@contextmanager
def socket_pair() -> Iterator[tuple[PlainTransport, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # so that no write takes all
    for each in (ours, theirs):
        each.setblocking(False)
    with ours, theirs:
        yield PlainTransport(ours), theirs


async def receive_all(peer: socket.socket) -> bytes:
    received = bytearray()
    while True:
        await trio.lowlevel.wait_readable(peer)
        if not (chunk := peer.recv(65536)):
            return bytes(received)
        received += chunk


@pytest.mark.parametrize(
    "pieces",
    [
        [b"small"],
        [b"head", LARGE, b"tail"],
        [b"", LARGE, b"", memoryview(LARGE)],
        [LARGE, b"x", b"y" * 70_000],
        [b"many" * 30] * 3000,
    ],
    ids=["small", "head-and-tail", "empty-ones", "mixed", "more-than-a-call-takes"],
)
async def test_pieces_arrive_whole_and_in_order_however_little_a_write_takes(pieces: list[bytes]) -> None:
    received: list[bytes] = []

    async def receive() -> None:
        received.append(await receive_all(theirs))

    with socket_pair() as (transport, theirs):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await transport.send(pieces)
            await transport.finish()
    assert received == [b"".join(pieces)]


async def test_a_write_is_completed_whoever_is_cancelled_meanwhile() -> None:
    with socket_pair() as (transport, theirs):
        async with trio.open_nursery() as nursery:

            async def send_and_finish() -> None:
                with trio.CancelScope() as scope:
                    scope.cancel()
                    await transport.send([LARGE])
                await transport.finish()

            nursery.start_soon(send_and_finish)
            assert await receive_all(theirs) == LARGE


@pytest.mark.parametrize("pieces", [[b"small"], [LARGE, LARGE]])
async def test_a_peer_that_is_gone_is_a_lost_connection(pieces: list[bytes]) -> None:
    with socket_pair() as (transport, theirs):
        theirs.close()
        with pytest.raises(ConnectionLost):
            await transport.send(pieces)


async def test_what_came_is_received_and_nothing_at_the_end() -> None:
    with socket_pair() as (transport, theirs):
        async with trio.open_nursery() as nursery:
            received: list[bytes] = []

            async def receive() -> None:
                received.append(await transport.receive())
                received.append(await transport.receive())

            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            theirs.send(b"data")
            await trio.testing.wait_all_tasks_blocked()
            theirs.shutdown(socket.SHUT_WR)
    assert received == [b"data", b""]


async def test_a_client_that_takes_as_fast_as_we_send_lets_others_have_their_turn() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    with socket_pair() as (transport, theirs):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(count_turns)
            for _ in range(12_000):
                await transport.send([b"x" * 1024])
                theirs.recv(1024)
            turns_meanwhile = turns
            nursery.cancel_scope.cancel()
    assert turns_meanwhile >= 1


class Endless(socket.socket):
    """A peer that is faster than we are: whoever reads finds a byte, and whoever writes room for one."""

    def recv(self, *_: object) -> bytes:
        return b"x"

    def send(self, *_: object) -> int:
        return 1


async def test_who_reads_without_ever_having_to_wait_can_be_cancelled() -> None:
    with Endless() as peer, trio.CancelScope() as scope:
        transport = PlainTransport(peer)
        scope.cancel()
        for _ in range(CALLS):
            await transport.receive()
    assert scope.cancelled_caught


@pytest.mark.parametrize("step", ["receive", "send"])
async def test_others_have_their_turn_however_small_the_pieces_are(step: str) -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    with Endless() as peer:
        transport = PlainTransport(peer)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(count_turns)
            for _ in range(CALLS):
                await (transport.receive() if step == "receive" else transport.send([b"x"]))
            nursery.cancel_scope.cancel()
    assert turns >= 2


async def test_a_wait_ends_when_the_connection_is_closed() -> None:
    with socket_pair() as (transport, _):
        async with trio.open_nursery() as nursery:

            async def receive() -> None:
                with pytest.raises(ConnectionLost):
                    await transport.receive()

            nursery.start_soon(receive)
            await trio.testing.wait_all_tasks_blocked()
            await transport.close()
            await transport.close()
