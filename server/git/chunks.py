"""Answers that are made as they are sent, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from server.git.exchange import GitExchange
from server.git.native import WorkerThreads

_FIRST_PIECE_BYTES = 60 * 1024
"""Chunks are gathered up to here before anything is sent: as much as a thousand lines of refs come to."""

_PIECE_BYTES = 256 * 1024
"""The same for what follows. A visit to a thread, and a write, have their price: 500,000 refs took 600 of each."""


async def send_chunks(
    exchange: GitExchange, threads: WorkerThreads, content_type: str, chunks: Iterator[bytes]
) -> None:
    """The whole answer. A small one, as most are, takes one visit to a thread and one write, and says its length."""
    piece, is_last = await threads.run(partial(_gather, chunks, _FIRST_PIECE_BYTES))
    if is_last:
        await exchange.answer(200, piece, (b"content-type", content_type.encode()))
        return
    await exchange.start(200, content_type)
    while not is_last:
        await exchange.write(piece)
        piece, is_last = await threads.run(partial(_gather, chunks, _PIECE_BYTES))
    exchange.hold(piece)
    await exchange.end()


def _gather(chunks: Iterator[bytes], piece_bytes: int) -> tuple[bytes, bool]:
    """The next piece, and whether it is the last."""
    parts, size_bytes = [], 0
    for chunk in chunks:
        parts.append(chunk)
        size_bytes += len(chunk)
        if size_bytes >= piece_bytes:
            return b"".join(parts), False
    return b"".join(parts), True
