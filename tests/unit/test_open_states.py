"""What a process has open: its row among the readers, and what becomes of it when that expires."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from packengine.repository.open_states import READER_TTL_MS, OpenStates, ReaderExpired, ReaderRow
from packengine.storage.ports import CatalogBusy
from tests.support.fakes import MemoryCatalog

START_MS = 1_700_000_000_000


@dataclass
class Clock:
    """Wall clock and timer of one process."""

    passed_ms: int = 0

    def now_ms(self) -> int:
        return START_MS + self.passed_ms

    def timer_s(self) -> float:
        return self.passed_ms / 1000


class LockedCatalog(MemoryCatalog):
    """Whose writer may be held by somebody else."""

    is_busy = False

    def renew_reader(self, reader_id: str, *, oldest_open_ms: int, now_ms: int, ttl_ms: int) -> bool:
        if self.is_busy:
            raise CatalogBusy("held by a test")
        return super().renew_reader(reader_id, oldest_open_ms=oldest_open_ms, now_ms=now_ms, ttl_ms=ttl_ms)


class Worker:
    """The parts of one, and a way to let time pass."""

    def __init__(self, catalog: MemoryCatalog) -> None:
        self.clock = Clock()
        self.states = OpenStates(clock_ms=self.clock.now_ms, timer_s=self.clock.timer_s)
        self.row = ReaderRow(catalog, self.states, clock_ms=self.clock.now_ms, timer_s=self.clock.timer_s)


@pytest.fixture
def catalog() -> LockedCatalog:
    return LockedCatalog()


@pytest.fixture
def worker(catalog: LockedCatalog) -> Worker:
    return Worker(catalog)


def test_a_process_with_nothing_open_holds_nothing_up(catalog: LockedCatalog, worker: Worker) -> None:
    for passed_ms in (0, 30_000, 60_000):
        worker.clock.passed_ms = passed_ms
        assert worker.row.renew()
        (record,) = catalog.readers()
        assert (record.oldest_open_ms, record.expires_at_ms) == (
            START_MS + passed_ms,
            START_MS + passed_ms + READER_TTL_MS,
        )


def test_the_row_says_when_the_oldest_was_opened_that_is_open_still(catalog: LockedCatalog, worker: Worker) -> None:
    worker.row.renew()

    def told() -> int:
        assert worker.row.renew()
        return catalog.readers()[0].oldest_open_ms - START_MS

    worker.clock.passed_ms = 1000
    with worker.states.hold():
        worker.clock.passed_ms = 2000
        with worker.states.hold():
            worker.clock.passed_ms = 3000
            assert told() == 1000
    assert told() == 3000


def test_a_process_that_ends_leaves_no_row(catalog: LockedCatalog, worker: Worker) -> None:
    worker.row.withdraw()
    worker.row.renew()
    worker.row.withdraw()
    assert catalog.readers() == []


def test_what_is_open_may_be_read_while_the_row_is_renewed(worker: Worker) -> None:
    worker.row.renew()
    with worker.states.hold() as held:
        for _ in range(10):
            worker.clock.passed_ms += READER_TTL_MS - 1
            held.check()
            worker.row.renew()


def test_what_is_open_is_lost_when_the_row_could_not_be_renewed_in_time(catalog: LockedCatalog, worker: Worker) -> None:
    """Nobody needs to tell: the catalog may be out of reach."""
    worker.row.renew()
    with worker.states.hold() as held:
        catalog.is_busy = True
        worker.clock.passed_ms = READER_TTL_MS - 1
        with pytest.raises(CatalogBusy):
            worker.row.renew()
        held.check()
        worker.clock.passed_ms = READER_TTL_MS
        with pytest.raises(ReaderExpired):
            held.check()
        with worker.states.hold() as later:
            later.check()
        catalog.is_busy = False
        assert worker.row.renew()
        with pytest.raises(ReaderExpired):
            held.check()


def test_a_process_that_was_taken_out_loses_what_it_has_open_and_goes_on_under_another_id(
    catalog: LockedCatalog, worker: Worker
) -> None:
    """By a node whose clock runs ahead, or after a sleep that the timer did not count."""
    worker.row.renew()
    (before,) = catalog.readers()
    with worker.states.hold() as held:
        catalog.expire_readers(START_MS + READER_TTL_MS)
        held.check()
        worker.clock.passed_ms = 1000
        assert not worker.row.renew()
        with pytest.raises(ReaderExpired):
            held.check()
        (after,) = catalog.readers()
        assert after.id != before.id
        assert after.oldest_open_ms == START_MS + 1000
    with worker.states.hold() as later:
        later.check()
        assert worker.row.renew()


def test_without_a_row_nothing_expires(worker: Worker) -> None:
    with worker.states.hold() as held:
        worker.clock.passed_ms = 10**12
        held.check()
