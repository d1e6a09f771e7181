"""Work in threads: so many at a time, stopped and waited for when its request ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from server.git.native import Overloaded, WorkerThreads

HANG_S = 60.0
"""Nothing here waits that long unless it is broken."""


class Work:
    """Runs until it is stopped or let go, and says when it has begun."""

    def __init__(self) -> None:
        self.begun = trio.Event()
        self.ends = threading.Event()
        self.stops = 0
        self.has_ended = False
        self._token = trio.lowlevel.current_trio_token()

    def __call__(self) -> str:
        self._token.run_sync_soon(self.begun.set)
        assert self.ends.wait(HANG_S)
        self.has_ended = True
        return "done"

    def stop(self) -> None:
        self.stops += 1
        self.ends.set()


@pytest.fixture
def threads() -> WorkerThreads:
    return WorkerThreads(2)


async def test_the_result_comes_back(threads: WorkerThreads) -> None:
    assert await threads.run(lambda: 7) == 7
    assert await threads.run(lambda: 7, stop=lambda: None) == 7


async def test_it_runs_in_another_thread(threads: WorkerThreads) -> None:
    here = threading.get_ident()
    assert await threads.run(threading.get_ident) != here
    assert await threads.run(threading.get_ident, stop=lambda: None) != here


async def test_the_work_sees_the_context_of_its_task(threads: WorkerThreads) -> None:
    request: ContextVar[int] = ContextVar("request")
    seen: list[int] = []

    async def ask(number: int) -> None:
        request.set(number)
        seen.append(await threads.run(request.get))
        seen.append(await threads.run(request.get, stop=lambda: None))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, 1)
        nursery.start_soon(ask, 2)
    assert sorted(seen) == [1, 1, 2, 2]


@pytest.mark.parametrize("stoppable", [True, False])
async def test_what_the_work_raises_comes_out_alone(threads: WorkerThreads, stoppable: bool) -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await threads.run(fail, stop=(lambda: None) if stoppable else None)


async def test_work_that_ends_by_itself_is_not_stopped(threads: WorkerThreads) -> None:
    work = Work()
    work.ends.set()
    assert await threads.run(work, stop=work.stop) == "done"
    assert work.stops == 0


async def test_a_cancelled_task_stops_its_work_and_waits_for_it(threads: WorkerThreads) -> None:
    work = Work()
    async with trio.open_nursery() as nursery:

        async def request() -> None:
            await threads.run(work, stop=work.stop)

        nursery.start_soon(request)
        await work.begun.wait()
        assert not work.has_ended
        nursery.cancel_scope.cancel()
    assert (work.stops, work.has_ended) == (1, True)
    assert threads._limiter.borrowed_tokens == 0


async def test_the_result_of_work_whose_task_was_cancelled_is_not_used(threads: WorkerThreads) -> None:
    work = Work()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:

            async def cancel_when_begun() -> None:
                await work.begun.wait()
                scope.cancel()

            nursery.start_soon(cancel_when_begun)
            await threads.run(work, stop=work.stop)
            pytest.fail("the task went on after its cancellation")
    assert scope.cancelled_caught


async def test_no_more_run_at_a_time_than_there_are_places(threads: WorkerThreads) -> None:
    works = [Work() for _ in range(3)]
    async with trio.open_nursery() as nursery:

        async def request(work: Work) -> None:
            await threads.run(work, stop=work.stop)

        for work in works[:2]:
            nursery.start_soon(request, work)
        await works[0].begun.wait()
        await works[1].begun.wait()
        nursery.start_soon(request, works[2])
        await wait_all_tasks_blocked()
        assert not works[2].begun.is_set()
        works[0].ends.set()
        await works[2].begun.wait()
        assert not works[1].has_ended
        works[1].ends.set()
        works[2].ends.set()
    assert [work.has_ended for work in works] == [True] * 3


async def test_a_task_that_is_cancelled_while_it_waits_for_a_place_never_begins(threads: WorkerThreads) -> None:
    running, waiting = [Work(), Work()], Work()
    async with trio.open_nursery() as nursery:

        async def request(work: Work) -> None:
            await threads.run(work, stop=work.stop)

        for work in running:
            nursery.start_soon(request, work)
            await work.begun.wait()
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as inner:
                inner.start_soon(request, waiting)
                await wait_all_tasks_blocked()
                scope.cancel()
        assert (waiting.begun.is_set(), waiting.stops) == (False, 0)
        for work in running:
            work.ends.set()
    assert threads._limiter.borrowed_tokens == 0


@pytest.mark.parametrize("stoppable", [True, False])
async def test_a_task_that_is_cancelled_already_never_begins(threads: WorkerThreads, stoppable: bool) -> None:
    work = Work()
    with trio.CancelScope() as scope:
        scope.cancel()
        await threads.run(work, stop=work.stop if stoppable else None)
        pytest.fail("the task went on after its cancellation")
    assert (work.begun.is_set(), work.stops) == (False, 0)
    assert threads._limiter.borrowed_tokens == 0


async def test_the_place_is_given_back_when_the_work_fails(threads: WorkerThreads) -> None:
    def fail() -> None:
        raise ValueError("no")

    for _ in range(3):
        with pytest.raises(ValueError, match="no"):
            await threads.run(fail, stop=lambda: None)
    assert threads._limiter.borrowed_tokens == 0


@pytest.mark.parametrize("max_waiting", [0, 1, 3])
async def test_a_full_line_refuses_and_what_waits_is_done_in_its_order(max_waiting: int) -> None:
    threads = WorkerThreads(1, max_waiting=max_waiting)
    works = [Work() for _ in range(1 + max_waiting)]
    order: list[int] = []

    async def request(number: int) -> None:
        await threads.run(works[number], stop=works[number].stop)
        order.append(number)

    async with trio.open_nursery() as nursery:
        for number in range(len(works)):
            threads.refuse_if_full()
            nursery.start_soon(request, number)
            await wait_all_tasks_blocked()
        with pytest.raises(Overloaded, match=f"{max_waiting} requests wait"):
            threads.refuse_if_full()
        for work in works:
            work.ends.set()
    assert order == list(range(len(works)))
    threads.refuse_if_full()


async def test_a_line_without_bound_refuses_nobody() -> None:
    threads, work = WorkerThreads(1), Work()
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(threads.run, work)
        await work.begun.wait()
        threads.refuse_if_full()
        work.ends.set()


async def test_work_that_has_begun_is_taken_into_a_full_line(threads: WorkerThreads) -> None:
    full, work = WorkerThreads(1, max_waiting=0), Work()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(full.run, work)
        await work.begun.wait()
        nursery.start_soon(full.run, work)
        await wait_all_tasks_blocked()
        work.ends.set()


class Words:
    """What is said meanwhile; after so many words `then` is called."""

    def __init__(self, count: int, then: Callable[[], None]) -> None:
        self.at_s: list[float] = []
        self._count = count
        self._then = then

    async def say(self) -> None:
        self.at_s.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        if len(self.at_s) == self._count:
            self._then()


async def test_something_is_said_every_five_seconds_while_work_goes_on(
    threads: WorkerThreads, autojump_clock: MockClock
) -> None:
    work = Work()
    words = Words(3, work.ends.set)
    assert await threads.run(work, stop=work.stop, meanwhile=words.say) == "done"
    assert words.at_s[:3] == [5, 10, 15]
    assert work.stops == 0


async def test_something_is_said_while_a_task_waits_for_its_place(autojump_clock: MockClock) -> None:
    threads, first, second = WorkerThreads(1), Work(), Work()
    words = Words(2, first.ends.set)
    second.ends.set()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(threads.run, first)
        await first.begun.wait()
        assert await threads.run(second, meanwhile=words.say) == "done"
    assert len(words.at_s) >= 2
    assert threads._limiter.borrowed_tokens == 0


async def test_work_is_stopped_and_waited_for_if_nothing_can_be_said(
    threads: WorkerThreads, autojump_clock: MockClock
) -> None:
    work = Work()

    async def fail() -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        await threads.run(work, stop=work.stop, meanwhile=fail)
    assert (work.stops, work.has_ended) == (1, True)
    assert threads._limiter.borrowed_tokens == 0


async def test_no_place_is_taken_by_a_task_that_cannot_say_that_it_waits(autojump_clock: MockClock) -> None:
    threads, first, second = WorkerThreads(1), Work(), Work()

    async def fail() -> None:
        raise ConnectionError("gone")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(threads.run, first)
        await first.begun.wait()
        with pytest.RaisesGroup(pytest.RaisesExc(ConnectionError, match="gone")):
            await threads.run(second, meanwhile=fail)
        first.ends.set()
    assert not second.begun.is_set()
    assert threads._limiter.borrowed_tokens == 0
