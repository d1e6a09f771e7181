"""Native and blocking work off the event loop."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Generic, Self, TypeAlias, TypeVar

import outcome
import trio

from server.git.silence import SILENCE_S

T = TypeVar("T")

Meanwhile: TypeAlias = Callable[[], Awaitable[None]]
"""Called as often as a client is to hear something while it waits."""

INLINE_BYTES = 16 * 1024
"""So much of a request is read on the event loop: some 300 ids, a third of a millisecond. A visit to a thread costs
about as much, once the event loop and the thread have waited for each other's turns."""


class Overloaded(Exception):
    """So much work waits already that more had better come later."""


class WorkerThreads:
    """Runs engine calls in threads, so many at a time; the rest wait in turn, first come, first served.

    max_waiting: how long the line may get before `refuse_if_full` refuses; None for any length.
    """

    def __init__(self, count: int, *, max_waiting: int | None = None) -> None:
        self._limiter = trio.CapacityLimiter(count)
        self._max_waiting = max_waiting

    def refuse_if_full(self) -> None:
        """Ask before a request does its first work; one that has begun is never refused. Raises Overloaded."""
        line = self._limiter.statistics()
        is_busy = line.borrowed_tokens >= line.total_tokens
        if self._max_waiting is not None and is_busy and line.tasks_waiting >= self._max_waiting:
            raise Overloaded(f"{line.tasks_waiting} requests wait already (the limit is {self._max_waiting})")

    async def run(
        self,
        work: Callable[[], T],
        *,
        stop: Callable[[], None] | None = None,
        meanwhile: Meanwhile | None = None,
        every_s: float = SILENCE_S,
    ) -> T:
        """Run in a thread. `stop` must end the work soon when called from another thread.

        When the task is cancelled, `stop` is called and the thread is waited for: a thread that outlived its request
        would keep what the request holds.
        """
        # Waiting for a place must be cancellable as usual; only once the thread runs is it waited for.
        await trio.lowlevel.checkpoint_if_cancelled()
        token = object()
        try:
            self._limiter.acquire_on_behalf_of_nowait(token)
        except trio.WouldBlock:
            await self._wait_in_line(token, meanwhile, every_s)
        try:
            result = await _run_and_wait(work, stop or _let_it_run, meanwhile, every_s)
        finally:
            self._limiter.release_on_behalf_of(token)
        await trio.lowlevel.checkpoint_if_cancelled()
        return result.unwrap()

    async def _wait_in_line(self, token: object, meanwhile: Meanwhile | None, every_s: float) -> None:
        if meanwhile is None:
            await self._limiter.acquire_on_behalf_of(token)
            return
        has_place = False
        try:
            async with trio.open_nursery() as nursery:  # a task, since to wait again is to wait behind everybody
                nursery.start_soon(_repeat, meanwhile, every_s)
                await self._limiter.acquire_on_behalf_of(token)
                has_place = True
                nursery.cancel_scope.cancel()
        except BaseException:
            if has_place:
                self._limiter.release_on_behalf_of(token)
            raise


@dataclass(frozen=True, slots=True)
class ThreadPools:
    """The threads of one process, by what they do: none of them queues behind another kind of work."""

    lookups: WorkerThreads
    """Reading a row or a ref block."""

    fetches: WorkerThreads
    """Finding out what a fetch is to get."""

    packs: WorkerThreads
    """Reading the pieces of packs that are being sent already."""

    pushes: WorkerThreads
    """Taking in what comes in pieces."""

    whole_pushes: WorkerThreads
    """Publishing what came at once. Twice as many: most wait for each other, or for the disk, and share its sync."""

    @classmethod
    def of(cls, count: int, *, max_waiting: int) -> Self:
        """So many threads for each. max_waiting: fetches, and pushes of either kind."""
        return cls(
            lookups=WorkerThreads(count),
            fetches=WorkerThreads(count, max_waiting=max_waiting),
            packs=WorkerThreads(count),
            pushes=WorkerThreads(count, max_waiting=max_waiting),
            whole_pushes=WorkerThreads(2 * count, max_waiting=max_waiting),
        )


class _Bell:
    """Rung in a thread, heard on the event loop: Trio's own way back from a thread takes a task's turn more."""

    _at_rest: ClassVar[list[_Bell]] = []

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    @classmethod
    def take(cls) -> _Bell:
        """One that nobody else listens to. It may ring once more for whoever had it before."""
        return cls._at_rest.pop() if cls._at_rest else cls()

    def put_back(self) -> None:
        """For the next one."""
        self._at_rest.append(self)

    def ring(self) -> None:
        """In any thread."""
        os.eventfd_write(self.fd, 1)

    async def heard(self) -> None:
        """Until it rings, or has rung."""
        await trio.lowlevel.wait_readable(self.fd)
        with suppress(BlockingIOError):
            os.eventfd_read(self.fd)


class _Visit(Generic[T]):
    """One call in a thread, as `trio.to_thread.run_sync` has it, less what nobody here needs of that.

    A third of its price: no nursery, no name for the thread. The work sees the task's context, but cannot call into
    Trio.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._bell = _Bell.take()
        self.result: outcome.Outcome[T] | None = None
        trio.lowlevel.start_thread_soon(partial(copy_context().run, work), self._deliver)

    async def wait(self) -> outcome.Outcome[T]:
        """Until it is over, or until the task is cancelled, of which the thread hears nothing."""
        while self.result is None:
            await self._bell.heard()
        return self.result

    def close(self) -> None:
        """It is over, and nobody waits for it any more."""
        self._bell.put_back()

    def _deliver(self, result: outcome.Outcome[T]) -> None:
        self.result = result
        self._bell.ring()


async def _run_and_wait(
    work: Callable[[], T], stop: Callable[[], None], meanwhile: Meanwhile | None, every_s: float
) -> outcome.Outcome[T]:
    visit = _Visit(work)
    try:
        if meanwhile is not None:
            await _wait_aloud(visit, meanwhile, every_s)
        return await visit.wait()
    except BaseException:
        stop()
        with trio.CancelScope(shield=True):
            await visit.wait()
        raise
    finally:
        visit.close()


async def _wait_aloud(visit: _Visit[T], meanwhile: Meanwhile, every_s: float) -> None:
    """Wait, and call `meanwhile` now and then: each call is finished before it is seen that the wait is over."""
    while visit.result is None:
        with trio.move_on_after(every_s):
            await visit.wait()
        if visit.result is None:
            await meanwhile()


async def _repeat(meanwhile: Meanwhile, every_s: float) -> None:
    while True:
        await trio.sleep(every_s)
        await meanwhile()


def _let_it_run() -> None:
    """What cannot be stopped is short."""
