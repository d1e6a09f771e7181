"""Answers that are made as they are sent, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from server.git.exchange import GitExchange
from server.git.native import WorkerThreads


async def send_chunks(
    exchange: GitExchange, threads: WorkerThreads, content_type: str, chunks: Iterator[bytes]
) -> None:
    """The whole answer. One of a single chunk, as most are, takes one visit to a thread and one write."""
    first, chunk = await threads.run(lambda: (next(chunks, b""), next(chunks, None)))
    if chunk is None:
        await exchange.answer(200, first, (b"content-type", content_type.encode()))
        return
    await exchange.start(200, content_type)
    await exchange.write(first)
    while chunk is not None:
        await exchange.write(chunk)
        chunk = await threads.run(partial(next, chunks, None))
    await exchange.end()
