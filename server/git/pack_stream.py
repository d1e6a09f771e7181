"""Sending a pack: read ahead in a thread, frame, write, and never wait silently."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from core_ext import Cancel, PackStream
from packengine.protocol import END, KEEP_ALIVE, fatal, pack_data, progress
from server.git.exchange import GitExchange
from server.git.failures import FAILURES, sentence_for
from server.git.native import WorkerThreads

_PIECE_BYTES = 1 << 20
_SILENCE_S = 5.0
"""wire.md, pitfall 7: silence kills connections."""

OpenPack = Callable[[Cancel], PackStream]


@dataclass(frozen=True, slots=True)
class _Failed:
    sentence: bytes


async def send_pack(exchange: GitExchange, threads: WorkerThreads, open_pack: OpenPack, *, quiet: bool) -> None:
    """Send the packfile section's packets and its end. What fails on the way is told in the error band.

    Memory: two pieces. The client's going away, noticed by the caller, cancels the thread.
    """
    sender, receiver = trio.open_memory_channel[bytes | _Failed](1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_produce, sender, threads, open_pack, quiet)
        async with receiver:
            await _write_all(exchange, receiver)


async def _produce(
    sender: trio.MemorySendChannel[bytes | _Failed], threads: WorkerThreads, open_pack: OpenPack, quiet: bool
) -> None:
    cancel = Cancel()
    async with sender:
        try:
            stream = await threads.run(lambda: open_pack(cancel), stop=cancel.set)
            if not quiet:
                await sender.send(progress(b"Enumerating objects: %d, done.\n" % stream.object_count))
            while piece := await threads.run(lambda: _framed(stream), stop=cancel.set):
                await sender.send(piece)
            if not quiet:
                counts = stream.object_count, stream.reused_count
                await sender.send(progress(b"Total %d (reused %d)\n" % counts))
        except FAILURES as failure:
            await sender.send(_Failed(sentence_for(failure)))
        except trio.BrokenResourceError:
            return  # the writer gave up, and says why


def _framed(stream: PackStream) -> bytes:
    return pack_data(stream.read(_PIECE_BYTES))


async def _write_all(exchange: GitExchange, pieces: trio.MemoryReceiveChannel[bytes | _Failed]) -> None:
    while True:
        piece = await _next_or_keep_alive(pieces, exchange.write)
        if piece is None:
            await exchange.write(END)
            return
        if isinstance(piece, _Failed):
            await exchange.write(fatal(piece.sentence))
            return
        await exchange.write(piece)


async def _next_or_keep_alive(
    pieces: trio.MemoryReceiveChannel[bytes | _Failed], write: Callable[[bytes], Awaitable[None]]
) -> bytes | _Failed | None:
    while True:
        try:
            with trio.fail_after(_SILENCE_S):
                return await pieces.receive()
        except trio.EndOfChannel:
            return None
        except trio.TooSlowError:
            await write(KEEP_ALIVE)
