"""The worker's row among the readers is renewed, withdrawn at the end, and what is lost is not sent on."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from packengine.repository import Engine
from packengine.repository.open_states import READER_TTL_MS, OpenStates, ReaderExpired, ReaderRow
from packengine.storage.ports import CatalogBusy, StorageError
from server.git.held import check_held, holding
from server.process.reader_task import RENEW_S, RETRY_S, keep_reader_row
from tests.support.fakes import MemoryCatalog


class FakeRow(ReaderRow):
    """Tells the event loop when it is asked for something."""

    def __init__(self) -> None:
        super().__init__(MemoryCatalog(), OpenStates())
        self.answers: list[bool | Exception] = []
        self.renewals = 0
        self.is_withdrawn = False
        self.let_go_calls = 0
        self._token = trio.lowlevel.current_trio_token()
        self._noticed = trio.Event()

    def renew(self) -> bool:
        """One of the answers, in turn; else yes."""
        self.renewals += 1
        self._token.run_sync_soon(self._notice)
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer
        return answer

    def let_go(self) -> None:
        """Noted."""
        self.let_go_calls += 1

    def withdraw(self) -> None:
        """Noted."""
        self.is_withdrawn = True

    async def renewed(self, count: int) -> None:
        """Wait until it was asked so often."""
        while self.renewals < count:
            await self._noticed.wait()

    def _notice(self) -> None:
        self._noticed.set()
        self._noticed = trio.Event()


@pytest.fixture
async def row() -> FakeRow:
    return FakeRow()


def test_a_row_lives_through_renewals_that_fail() -> None:
    assert 2 * RENEW_S < READER_TTL_MS / 1000


async def test_the_row_is_there_at_once_renewed_in_time_and_withdrawn_at_the_end(
    row: FakeRow, autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_reader_row, row, row.let_go)
        await row.renewed(1)
        begun_s = trio.current_time()
        await row.renewed(3)
        assert trio.current_time() - begun_s >= 2 * RENEW_S
        assert row.let_go_calls >= 2
        nursery.cancel_scope.cancel()
    assert row.is_withdrawn


async def test_a_renewal_that_fails_is_tried_again_soon(row: FakeRow, autojump_clock: MockClock) -> None:
    row.answers = [True, CatalogBusy("held by a test"), True]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_reader_row, row, row.let_go)
        await row.renewed(2)
        failed_s = trio.current_time()
        await row.renewed(3)
        assert trio.current_time() - failed_s < RENEW_S
        assert trio.current_time() - failed_s >= RETRY_S
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("error", [StorageError("a disk that fails"), RuntimeError("a defect")])
async def test_a_failure_to_let_go_is_logged_and_ends_nothing(
    row: FakeRow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail() -> None:
        raise error

    async with trio.open_nursery() as nursery:
        await nursery.start(keep_reader_row, row, fail)
        await row.renewed(3)
        nursery.cancel_scope.cancel()
    assert str(error) in caplog.text
    assert row.is_withdrawn


async def test_a_process_that_was_taken_out_says_so_in_the_log(
    row: FakeRow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    row.answers = [False]
    with caplog.at_level(logging.WARNING):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep_reader_row, row, row.let_go)
            await row.renewed(2)
            nursery.cancel_scope.cancel()
    assert "out of touch" in caplog.text


async def test_tasks_of_a_request_stop_reading_when_it_is_lost() -> None:
    states = OpenStates()
    stopped: list[str] = []

    async def read(name: str, after: Callable[[], None]) -> None:
        check_held()
        after()
        try:
            check_held()
        except ReaderExpired:
            stopped.append(name)

    with holding(states):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read, "a task of the request", states.lose)
    assert stopped == ["a task of the request"]
    check_held()


def test_an_engine_has_one_account_of_what_is_open(tmp_path_factory: pytest.TempPathFactory) -> None:
    engine = Engine.open(tmp_path_factory.mktemp("engine"))
    row = ReaderRow(engine.catalog, engine.open_states)
    row.renew()
    with engine.open_states.hold() as held:
        row.renew()
        (record,) = engine.catalog.readers()
        assert record.oldest_open_ms == held.since_ms
    row.withdraw()
    engine.close()
