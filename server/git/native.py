"""Native and blocking work off the event loop."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Self, TypeVar

import outcome
import trio

T = TypeVar("T")

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

    async def run(self, work: Callable[[], T], *, stop: Callable[[], None] | None = None) -> T:
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
            await self._limiter.acquire_on_behalf_of(token)
        try:
            result = await _run_and_wait(work, stop or _let_it_run)
        finally:
            self._limiter.release_on_behalf_of(token)
        await trio.lowlevel.checkpoint_if_cancelled()
        return result.unwrap()


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

    @classmethod
    def of(cls, count: int, *, max_waiting: int) -> Self:
        """So many threads for each. max_waiting: fetches, and pushes."""
        return cls(
            lookups=WorkerThreads(count),
            fetches=WorkerThreads(count, max_waiting=max_waiting),
            packs=WorkerThreads(count),
            pushes=WorkerThreads(count, max_waiting=max_waiting),
        )


async def _run_and_wait(work: Callable[[], T], stop: Callable[[], None]) -> outcome.Outcome[T]:
    """As `trio.to_thread.run_sync`, less what nobody here needs of it, and with a word to the thread on cancellation.

    Half its price: no nursery, no name for the thread. The work sees the task's context, but cannot call into Trio.
    """
    task, trio_token = trio.lowlevel.current_task(), trio.lowlevel.current_trio_token()

    def deliver(result: outcome.Outcome[T]) -> None:
        trio_token.run_sync_soon(trio.lowlevel.reschedule, task, outcome.Value(result))

    def abort(_: object) -> trio.lowlevel.Abort:
        stop()
        return trio.lowlevel.Abort.FAILED  # the thread ends the wait, and soon

    trio.lowlevel.start_thread_soon(partial(copy_context().run, work), deliver)
    result: outcome.Outcome[T] = await trio.lowlevel.wait_task_rescheduled(abort)
    return result


def _let_it_run() -> None:
    """What cannot be stopped is short."""
