"""Maintenance in a worker: it follows pushes, waits for its turn, gives way to requests, and stops when told."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
import trio
from trio.testing import MockClock

from core_ext import Cancel, Cancelled
from packengine.maintenance import LeaseHeld
from packengine.storage.ports import CatalogBusy
from server.process.low_priority import at_low_priority
from server.process.upkeep import ASK_ROUND_S, FIRST_ROUND_S, RETRY_S, SETTLE_S, UpkeepTask


class FakeUpkeep:
    """Notes what it is asked for, and tells the event loop; `work` is done each time."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.work: Callable[[Cancel], None] = lambda _: None
        self.rounds_due = [False]
        """What is answered to the question whether a round is due; the last answer again and again."""

        self._token = trio.lowlevel.current_trio_token()
        self._noticed = trio.Event()

    def maintain_due(self, repository_ids: Iterable[str], cancel: Cancel) -> None:
        self._note(sorted(repository_ids))
        self.work(cancel)

    def is_round_due(self) -> bool:
        self._note("due?")
        return self.rounds_due.pop(0) if len(self.rounds_due) > 1 else self.rounds_due[0]

    def go_round(self, cancel: Cancel) -> None:
        self._note("round")
        self.work(cancel)

    def _note(self, what: object) -> None:
        self.asked.append(what)
        self._token.run_sync_soon(self._notice)

    def _notice(self) -> None:
        self._noticed.set()
        self._noticed = trio.Event()

    async def asked_for(self, count: int) -> list[object]:
        """The pushed repositories that it was asked to look after, once it was asked so often."""
        while len(asked := [*filter(lambda what: isinstance(what, list), self.asked)]) < count:
            await self._noticed.wait()
        return asked

    async def noted(self, count: int) -> list[object]:
        """All that it was asked for, once that was so much."""
        while len(self.asked) < count:
            await self._noticed.wait()
        return self.asked


@pytest.fixture
async def upkeep() -> FakeUpkeep:
    return FakeUpkeep()


async def test_what_is_pushed_within_a_second_is_looked_after_once(
    upkeep: FakeUpkeep, autojump_clock: MockClock
) -> None:
    task, stop = UpkeepTask(upkeep), trio.Event()
    task.pushed("one")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(task.run_until, stop)
        await trio.sleep(SETTLE_S / 2)
        assert autojump_clock.current_time() < SETTLE_S
        task.pushed("two")
        task.pushed("one")
        assert await upkeep.asked_for(1) == [["one", "two"]]
        task.pushed("three")
        assert await upkeep.asked_for(2) == [["one", "two"], ["three"]]
        stop.set()


@pytest.mark.parametrize(
    "failure", [LeaseHeld("another process", 0), CatalogBusy("somebody writes")], ids=["held", "busy"]
)
async def test_while_another_process_maintains_it_waits_and_forgets_nothing(
    upkeep: FakeUpkeep, autojump_clock: MockClock, failure: Exception
) -> None:
    task, stop = UpkeepTask(upkeep), trio.Event()

    def refuse_once(_: Cancel) -> None:
        upkeep.work = lambda _: None
        raise failure

    upkeep.work = refuse_once
    async with trio.open_nursery() as nursery:
        nursery.start_soon(task.run_until, stop)
        task.pushed("one")
        await upkeep.asked_for(1)
        task.pushed("two")
        assert await upkeep.asked_for(2) == [["one"], ["one", "two"]]
        assert autojump_clock.current_time() >= RETRY_S
        stop.set()


async def test_what_is_under_way_at_the_end_is_stopped_and_waited_for(
    upkeep: FakeUpkeep, autojump_clock: MockClock
) -> None:
    task, stop = UpkeepTask(upkeep), trio.Event()
    stopped: list[bool] = []

    def work(cancel: Cancel) -> None:
        tick = threading.Event()
        while not cancel.is_set():
            tick.wait(0.001)
        stopped.append(True)
        raise Cancelled("told to stop")

    upkeep.work = work
    async with trio.open_nursery() as nursery:
        nursery.start_soon(task.run_until, stop)
        task.pushed("one")
        await upkeep.asked_for(1)
        stop.set()
    assert stopped == [True]
    assert autojump_clock.current_time() >= SETTLE_S


@pytest.mark.usefixtures("autojump_clock")
async def test_a_defect_is_logged_and_ends_nothing(upkeep: FakeUpkeep, caplog: pytest.LogCaptureFixture) -> None:
    task, stop = UpkeepTask(upkeep), trio.Event()

    def fail(_: Cancel) -> None:
        raise KeyError("a defect")

    upkeep.work = fail
    async with trio.open_nursery() as nursery:
        nursery.start_soon(task.run_until, stop)
        task.pushed("one")
        await upkeep.asked_for(1)
        task.pushed("two")
        await upkeep.asked_for(2)
        stop.set()
    assert [(record.levelno, record.message) for record in caplog.records][:1] == [
        (logging.ERROR, "maintenance failed")
    ]


async def test_whether_a_round_is_due_is_asked_soon_after_the_start_and_then_every_hour(
    upkeep: FakeUpkeep, autojump_clock: MockClock
) -> None:
    task, stop = UpkeepTask(upkeep), trio.Event()
    upkeep.rounds_due = [False, True, False]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(task.run_until, stop)
        assert await upkeep.noted(1) == ["due?"]
        assert FIRST_ROUND_S <= autojump_clock.current_time() < ASK_ROUND_S
        assert (await upkeep.noted(4))[:4] == ["due?", "due?", "round", "due?"]
        assert autojump_clock.current_time() >= FIRST_ROUND_S + 2 * ASK_ROUND_S
        stop.set()


async def test_a_catalog_that_cannot_tell_whether_a_round_is_due_is_asked_again_soon(
    upkeep: FakeUpkeep, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_once() -> bool:
        monkeypatch.undo()
        raise CatalogBusy("held by a test")

    monkeypatch.setattr(upkeep, "is_round_due", fail_once)
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(UpkeepTask(upkeep).run_until, stop)
        assert await upkeep.noted(1) == ["due?"]
        assert FIRST_ROUND_S + RETRY_S <= trio.current_time() < ASK_ROUND_S
        stop.set()


def test_low_priority_is_of_that_thread_and_of_those_that_it_starts() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def here_and_in_another() -> tuple[int, int]:
        with ThreadPoolExecutor(1) as pool:
            return niceness(), pool.submit(niceness).result()

    before = niceness()
    lowered = at_low_priority(here_and_in_another)
    assert lowered == (min(before + 10, 19),) * 2
    assert niceness() == before


def test_what_low_priority_work_raises_comes_out() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        at_low_priority(fail)
