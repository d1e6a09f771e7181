"""How pieces of an answer get into a socket."""

from __future__ import annotations

import socket

import pytest
import trio
import trio.testing

from server.process.connection import send_pieces

LARGE = bytes(range(256)) * 4096


async def socket_pair() -> tuple[trio.SocketStream, trio.SocketStream]:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # so that no write takes all
    return trio.SocketStream(trio.socket.from_stdlib_socket(ours)), trio.SocketStream(
        trio.socket.from_stdlib_socket(theirs)
    )


@pytest.mark.parametrize(
    "pieces", [[b"small"], [b"head", LARGE, b"tail"], [b"", LARGE, b"", LARGE], [LARGE, b"x", b"y" * 70_000]]
)
async def test_pieces_arrive_whole_and_in_order_however_little_a_write_takes(pieces: list[bytes]) -> None:
    sender, receiver = await socket_pair()
    received = bytearray()

    async def receive() -> None:
        async for chunk in receiver:
            received.extend(chunk)

    async with sender, receiver, trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await send_pieces(sender, pieces)
        await sender.aclose()
    assert bytes(received) == b"".join(pieces)


@pytest.mark.parametrize("pieces", [[b"small"], [LARGE, LARGE]])
async def test_a_peer_that_is_gone_is_a_broken_stream(pieces: list[bytes]) -> None:
    sender, receiver = await socket_pair()
    await receiver.aclose()
    async with sender:
        with pytest.raises(trio.BrokenResourceError):
            await send_pieces(sender, pieces)


async def test_a_stream_that_is_no_socket_gets_the_same_bytes() -> None:
    sender, receiver = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_pieces, sender, [b"head", LARGE])
        received = bytearray()
        while len(received) < len(LARGE) + 4:
            received += await receiver.receive_some()
    assert bytes(received) == b"head" + LARGE
