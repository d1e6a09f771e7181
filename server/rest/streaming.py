"""Answers that are made while they are sent: piece by piece, in bounded memory, in a thread each time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import trio
from quart.wrappers.response import ResponseBody

from server.git.exchange import ClientGone
from server.git.native import WorkerThreads


@dataclass(frozen=True, slots=True)
class Source:
    """read: the next piece, b"" at the end; called in threads, one at a time. stop: ends a read in another thread.

    close: lets go of everything; called once.
    """

    read: Callable[[], bytes]
    stop: Callable[[], None]
    close: Callable[[], None]


class StreamBody(ResponseBody):
    """The body of a streamed answer. An error in the middle cuts the connection: nothing else tells the client.

    patience_s: how long a client may take for a piece. Over HTTP/2 it can stop one stream alone, which the kernel
    cannot see, and would keep what is held for it.
    """

    def __init__(self, source: Source, threads: WorkerThreads, *, patience_s: float = math.inf) -> None:
        self._source = source
        self._threads = threads
        self._patience_s = patience_s
        self._scope = trio.CancelScope()

    async def __aenter__(self) -> Self:
        self._scope.__enter__()
        return self

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self._scope.deadline = math.inf
        piece = await self._threads.run(self._source.read, stop=self._source.stop)
        if not piece:
            raise StopAsyncIteration
        self._scope.deadline = trio.current_time() + self._patience_s
        return piece

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._source.close()
        self._scope.__exit__(exc_type, exc_value, tb)
        if self._scope.cancelled_caught:
            raise ClientGone(f"it took nothing for {self._patience_s:g} s")
