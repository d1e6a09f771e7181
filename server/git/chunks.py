"""Answers that are made as they are sent, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from server.git.exchange import GitExchange
from server.git.native import WorkerThreads

_FIRST_PIECE_BYTES = 60 * 1024
"""Chunks are gathered up to here before anything is sent: as much as a thousand lines of refs come to."""

_PIECE_BYTES = 512 * 1024
"""The same for what follows. A visit to a thread, and a write, have their price, and 500,000 refs take 75 of each; but
the thread has the interpreter for itself meanwhile, half a millisecond for so much, and others wait for that."""


async def send_chunks(
    exchange: GitExchange, threads: WorkerThreads, content_type: str, chunks: Iterator[bytes]
) -> bytes | None:
    """The whole answer. A small one, as most are, takes one visit to a thread and one write, and says its length.

    Returns that one; None for a larger one, which is nowhere in memory.
    """
    parts, is_last = await threads.run(partial(_gather, chunks, _FIRST_PIECE_BYTES))
    if is_last:
        whole = b"".join(parts)
        await exchange.answer(200, whole, (b"content-type", content_type.encode()))
        return whole
    await exchange.start(200, content_type)
    while not is_last:
        exchange.hold(*parts)
        await exchange.write()
        parts, is_last = await threads.run(partial(_gather, chunks, _PIECE_BYTES))
    exchange.hold(*parts)
    await exchange.end()
    return None


def _gather(chunks: Iterator[bytes], piece_bytes: int) -> tuple[list[bytes], bool]:
    """The next chunks, as many as make a piece, and whether they are the last. They are not put together."""
    parts: list[bytes] = []
    for chunk in chunks:
        parts.append(chunk)
        piece_bytes -= len(chunk)
        if piece_bytes <= 0:
            return parts, False
    return parts, True
