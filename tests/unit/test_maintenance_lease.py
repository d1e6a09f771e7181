"""The lease: one holder at a time, who keeps it while working and stops when it is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock

import pytest

from core_ext import Cancel, Cancelled
from packengine.maintenance import lease as lease_module
from packengine.maintenance.lease import LEASE_NAME, LeaseHeld, LeaseLost, MaintenanceLease
from packengine.storage import SqliteCatalog
from packengine.storage.ports import CatalogBusy
from tests.support.fakes import MemoryCatalog

HANG_S = 60.0
"""Nothing here waits that long unless it is broken."""

SHORT_MS = 30
"""A lease that is renewed every 10 ms."""


class NoisyCatalog(MemoryCatalog):
    """Says when a lease is taken; `refuse` may fail instead."""

    def __init__(self) -> None:
        super().__init__()
        self.takings = 0
        self.awaited: dict[int, Event] = {}
        self.refuse: Callable[[], None] = lambda: None
        self._noise = Lock()

    def take_lease(self, name: str, holder: str, *, now_ms: int, ttl_ms: int) -> bool:
        """Take or renew."""
        with self._noise:
            self.takings += 1
            for count, event in self.awaited.items():
                if self.takings >= count:
                    event.set()
        self.refuse()
        return super().take_lease(name, holder, now_ms=now_ms, ttl_ms=ttl_ms)

    def wait_for_takings(self, count: int) -> None:
        with self._noise:
            event = self.awaited.setdefault(self.takings + count, Event())
        assert event.wait(HANG_S)


def wait_until_set(cancel: Cancel) -> None:
    ended = Event()
    for _ in range(int(HANG_S * 1000)):
        if cancel.is_set():
            return
        ended.wait(0.001)
    pytest.fail("nobody stopped the work")


def test_a_second_holder_is_told_who_has_it_and_until_when() -> None:
    catalog = MemoryCatalog()
    first, second = MaintenanceLease(catalog), MaintenanceLease(catalog)
    with first.hold(Cancel()):
        held = catalog.lease_holder(LEASE_NAME)
        assert held is not None
        expected = r"under way in process \d+ on .*; it has the lease until \d\d:\d\d:\d\dZ"
        with pytest.raises(LeaseHeld, match=expected), second.hold(Cancel()):
            pytest.fail("two hold it")
    with second.hold(Cancel()):
        assert catalog.lease_holder(LEASE_NAME) != held


def test_it_is_free_again_after_work_that_failed() -> None:
    catalog = MemoryCatalog()
    with pytest.raises(ValueError, match="no"), MaintenanceLease(catalog).hold(Cancel()):
        raise ValueError("no")
    assert catalog.lease_holder(LEASE_NAME) is None


def test_it_is_renewed_while_the_work_goes_on() -> None:
    catalog = NoisyCatalog()
    cancel = Cancel()
    with MaintenanceLease(catalog, ttl_ms=SHORT_MS).hold(cancel):
        catalog.wait_for_takings(5)
        assert not cancel.is_set()


def test_work_is_stopped_when_another_process_has_taken_it() -> None:
    catalog, cancel = NoisyCatalog(), Cancel()

    def work() -> None:
        assert MemoryCatalog.take_lease(catalog, LEASE_NAME, "somebody else", now_ms=10**15, ttl_ms=SHORT_MS)
        wait_until_set(cancel)
        raise Cancelled("stopped")

    with pytest.raises(LeaseLost), MaintenanceLease(catalog, ttl_ms=SHORT_MS).hold(cancel):
        work()
    held = catalog.lease_holder(LEASE_NAME)
    assert held is not None
    assert held.holder == "somebody else"


def test_work_that_was_stopped_by_its_caller_is_not_said_to_have_lost_it() -> None:
    with pytest.raises(Cancelled), MaintenanceLease(MemoryCatalog()).hold(Cancel()):
        raise Cancelled("by its caller")


def test_a_busy_catalog_is_borne_until_the_lease_has_run_out() -> None:
    catalog, cancel = NoisyCatalog(), Cancel()

    def busy() -> None:
        raise CatalogBusy("somebody else writes")

    def work() -> None:
        catalog.refuse = busy
        catalog.wait_for_takings(2)
        wait_until_set(cancel)
        raise Cancelled("stopped")

    with pytest.raises(LeaseLost), MaintenanceLease(catalog, ttl_ms=SHORT_MS).hold(cancel):
        work()


def test_a_lease_of_a_killed_process_can_be_taken_when_it_has_run_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = SqliteCatalog(tmp_path / "catalog.sqlite")
    killed, other = MaintenanceLease(catalog), MaintenanceLease(catalog)
    clock_ms = 1_700_000_000_000
    monkeypatch.setattr(lease_module, "now_ms", lambda: clock_ms)
    assert killed._take()
    with pytest.raises(LeaseHeld), other.hold(Cancel()):
        pytest.fail("two hold it")
    clock_ms += lease_module.TTL_MS + 1
    with other.hold(Cancel()):
        pass
    catalog.close()
