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
class _Piece:
    data: bytes
    is_last: bool


@dataclass(frozen=True, slots=True)
class _Failed:
    sentence: bytes


async def send_pack(
    exchange: GitExchange, pools: ThreadPools, open_pack: OpenPack, frame: PackFrame, *, quiet: bool
) -> None:
    """Send a pack in its frame, and the end of the answer. What fails on the way is told in the error band.

    A pack of one piece, as that of most fetches, is one write with all that is held back before it.
    Memory: two pieces. The client's going away, noticed by the caller, cancels the thread. Raises PackCutShort.
    """
    sender, receiver = trio.open_memory_channel[_Piece | _Failed](1)
    failed: _Failed | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_produce, sender, pools, open_pack, frame, quiet)
        async with receiver:
            failed = await _write_all(exchange, receiver, frame)
    if failed is None:
        exchange.hold(frame.end)
    elif words := frame.fatal(failed.sentence):
        exchange.hold(words)
    else:
        raise PackCutShort(failed.sentence.decode(errors="replace"))
    await exchange.end()


async def _produce(
    sender: trio.MemorySendChannel[_Piece | _Failed],
    pools: ThreadPools,
    open_pack: OpenPack,
    frame: PackFrame,
    quiet: bool,
) -> None:
    cancel = Cancel()

    def begin() -> tuple[PackStream, _Piece]:
        stream = open_pack(cancel)
        words = b"" if quiet else frame.progress(b"Enumerating objects: %d, done.\n" % stream.object_count)
        return stream, _next_piece(stream, frame, words, quiet=quiet)

    async with sender:
        try:
            stream, piece = await pools.fetches.run(begin, stop=cancel.set)
            await sender.send(piece)
            while not piece.is_last:
                piece = await pools.packs.run(lambda: _next_piece(stream, frame, quiet=quiet), stop=cancel.set)
                await sender.send(piece)
        except FAILURES as failure:
            await sender.send(_Failed(sentence_for(failure)))
        except trio.BrokenResourceError:
            return  # the writer gave up, and says why


def _next_piece(stream: PackStream, frame: PackFrame, words: bytes = b"", *, quiet: bool) -> _Piece:
    """Words and a piece of the pack, with its end if that is there: a visit to a thread for each read costs more."""
    parts = [stream.read(_PIECE_BYTES)]
    room_bytes = _PIECE_BYTES - len(parts[0])
    while parts[-1] and room_bytes:
        parts.append(stream.read(room_bytes))
        room_bytes -= len(parts[-1])
    is_last = not parts[-1]
    total = b"Total %d (reused %d)\n" % (stream.object_count, stream.reused_count)
    last_words = frame.progress(total) if is_last and not quiet else b""
    return _Piece(words + frame.data(b"".join(parts)) + last_words, is_last)


async def _write_all(
    exchange: GitExchange, pieces: trio.MemoryReceiveChannel[_Piece | _Failed], frame: PackFrame
) -> _Failed | None:
    """Write what comes, and hold back the last of it for the end. Returns what went wrong."""
    while True:
        piece = await _next_or_keep_alive(pieces, exchange, frame)
        if isinstance(piece, _Failed):
            return piece
        if piece.is_last:
            exchange.hold(piece.data)
            return None
        await exchange.write(piece.data)


async def _next_or_keep_alive(
    pieces: trio.MemoryReceiveChannel[_Piece | _Failed], exchange: GitExchange, frame: PackFrame
) -> _Piece | _Failed:
    while True:
        try:
            with trio.fail_after(SILENCE_S):
                return await pieces.receive()
        except trio.TooSlowError:
            await exchange.write(frame.keep_alive)
