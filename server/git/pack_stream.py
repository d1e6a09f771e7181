"""Sending a pack: read ahead in a thread, frame, write, and never wait silently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import trio

from core_ext import Cancel, PackStream
from packengine.protocol import PackFrame
from server.git.exchange import GitExchange
from server.git.failures import FAILURES, sentence_for
from server.git.native import ThreadPools
from server.git.silence import SILENCE_S

_PIECE_BYTES = 1 << 20

OpenPack = Callable[[Cancel], PackStream]


class PackCutShort(Exception):
    """A pack cannot be finished, and its frame has no words for that: only the connection's end tells the client."""


@dataclass(frozen=True, slots=True)
class _Failed:
    sentence: bytes


async def send_pack(
    exchange: GitExchange, pools: ThreadPools, open_pack: OpenPack, frame: PackFrame, *, quiet: bool
) -> None:
    """Send a pack in its frame, and its end. What fails on the way is told in the error band.

    Memory: two pieces. The client's going away, noticed by the caller, cancels the thread. Raises PackCutShort.
    """
    sender, receiver = trio.open_memory_channel[bytes | _Failed](1)
    failed: _Failed | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_produce, sender, pools, open_pack, frame, quiet)
        async with receiver:
            failed = await _write_all(exchange, receiver, frame)
    if failed is None:
        await exchange.write(frame.end)
    elif words := frame.fatal(failed.sentence):
        await exchange.write(words)
    else:
        raise PackCutShort(failed.sentence.decode(errors="replace"))


async def _produce(
    sender: trio.MemorySendChannel[bytes | _Failed],
    pools: ThreadPools,
    open_pack: OpenPack,
    frame: PackFrame,
    quiet: bool,
) -> None:
    cancel = Cancel()
    async with sender:
        try:
            stream = await pools.fetches.run(lambda: open_pack(cancel), stop=cancel.set)
            if not quiet:
                await sender.send(frame.progress(b"Enumerating objects: %d, done.\n" % stream.object_count))
            while piece := await pools.packs.run(lambda: frame.data(stream.read(_PIECE_BYTES)), stop=cancel.set):
                await sender.send(piece)
            if not quiet:
                counts = stream.object_count, stream.reused_count
                await sender.send(frame.progress(b"Total %d (reused %d)\n" % counts))
        except FAILURES as failure:
            await sender.send(_Failed(sentence_for(failure)))
        except trio.BrokenResourceError:
            return  # the writer gave up, and says why


async def _write_all(
    exchange: GitExchange, pieces: trio.MemoryReceiveChannel[bytes | _Failed], frame: PackFrame
) -> _Failed | None:
    """Write what comes, up to its end. Returns what went wrong."""
    while True:
        piece = await _next_or_keep_alive(pieces, exchange, frame)
        if piece is None or isinstance(piece, _Failed):
            return piece
        await exchange.write(piece)


async def _next_or_keep_alive(
    pieces: trio.MemoryReceiveChannel[bytes | _Failed], exchange: GitExchange, frame: PackFrame
) -> bytes | _Failed | None:
    while True:
        try:
            with trio.fail_after(SILENCE_S):
                return await pieces.receive()
        except trio.EndOfChannel:
            return None
        except trio.TooSlowError:
            await exchange.write(frame.keep_alive)
