"""Sending a pack: read ahead in a thread, frame, write, and never wait silently."""

from __future__ import annotations

from dataclasses import dataclass

import trio

from packengine.protocol import PackFrame
from server.git.exchange import GitExchange
from server.git.failures import FAILURES, sentence_for
from server.git.held import check_held
from server.git.pack_source import PackSource, Piece
from server.git.silence import SILENCE_S


class PackCutShort(Exception):
    """A pack cannot be finished, and its frame has no words for that: only the connection's end tells the client."""


@dataclass(frozen=True, slots=True)
class _Failed:
    sentence: bytes


async def send_pack(exchange: GitExchange, source: PackSource, frame: PackFrame, *, quiet: bool) -> None:
    """Send a pack in its frame, and the end of the answer. What fails on the way is told in the error band.

    A pack of one piece, as that of most fetches, is one write with all that is held back before it.
    Memory: two pieces. The client's going away, noticed by the caller, cancels the thread. Raises PackCutShort.
    """
    # Without room of its own: the producer holds one piece, and the writer the other.
    sender, receiver = trio.open_memory_channel[Piece | _Failed](0)
    failed: _Failed | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_produce, sender, source, frame, quiet)
        async with receiver:
            failed = await _write_all(exchange, receiver, frame)
    if failed is None:
        exchange.hold(frame.end)
    elif words := frame.fatal(failed.sentence):
        exchange.hold(words)
    else:
        raise PackCutShort(failed.sentence.decode(errors="replace"))
    await exchange.end()


async def send_at_hand(exchange: GitExchange, source: PackSource, frame: PackFrame, *, quiet: bool) -> None:
    """Send a pack that has been read to its end, as most are: without a task that reads ahead."""
    check_held()
    await source.begin()
    piece = await source.read()
    said = (b"", b"") if quiet else (_first_words(source, frame), _last_words(source, frame))
    exchange.hold(said[0], *piece.parts, said[1], frame.end)
    await exchange.end()


async def _produce(
    sender: trio.MemorySendChannel[Piece | _Failed], source: PackSource, frame: PackFrame, quiet: bool
) -> None:
    async with sender:
        try:
            await source.begin()
            words = b"" if quiet else _first_words(source, frame)
            piece = Piece((), is_last=False)
            while not piece.is_last:
                check_held()
                piece = await source.read()
                last_words = _last_words(source, frame) if piece.is_last and not quiet else b""
                if words or last_words:
                    piece = Piece((words, *piece.parts, last_words), piece.is_last)
                    words = b""
                await sender.send(piece)
        except FAILURES as failure:
            await sender.send(_Failed(sentence_for(failure)))
        except trio.BrokenResourceError:
            return  # the writer gave up, and says why
        finally:
            await source.close()


def _first_words(source: PackSource, frame: PackFrame) -> bytes:
    return frame.progress(b"Enumerating objects: %d, done.\n" % source.object_count)


def _last_words(source: PackSource, frame: PackFrame) -> bytes:
    return frame.progress(b"Total %d (reused %d)\n" % (source.object_count, source.reused_count))


async def _write_all(
    exchange: GitExchange, pieces: trio.MemoryReceiveChannel[Piece | _Failed], frame: PackFrame
) -> _Failed | None:
    """Write what comes, and hold back the last of it for the end. Returns what went wrong."""
    while True:
        piece = await _next_or_keep_alive(pieces, exchange, frame)
        if isinstance(piece, _Failed):
            return piece
        exchange.hold(*piece.parts)
        if piece.is_last:
            return None
        await exchange.write()


async def _next_or_keep_alive(
    pieces: trio.MemoryReceiveChannel[Piece | _Failed], exchange: GitExchange, frame: PackFrame
) -> Piece | _Failed:
    while True:
        try:
            with trio.fail_after(SILENCE_S):
                return await pieces.receive()
        except trio.TooSlowError:
            await exchange.write(frame.keep_alive)
