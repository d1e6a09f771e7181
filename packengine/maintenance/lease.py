"""The lease: one process of a data folder maintains at a time.

It keeps work from being done twice. What must not go wrong does not hang on it: publishes compare and swap, and a
collection's mark is lost when another one begins.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread

from core_ext import Cancel, Cancelled
from packengine.repository import RepositoryError
from packengine.repository.publish import now_ms
from packengine.storage.ports import Catalog, StorageError

LEASE_NAME = "maintenance"
TTL_MS = 30_000
"""How long a lease outlives a process that was killed."""

_RENEWALS = 3
"""So many fit into its life: one or two may fail."""

_log = logging.getLogger(__name__)


class LeaseHeld(RepositoryError):
    """Another process maintains."""

    def __init__(self, holder: str, expires_at_ms: int) -> None:
        until = datetime.fromtimestamp(expires_at_ms / 1000, UTC).strftime("%H:%M:%SZ")
        super().__init__(f"maintenance is under way in {holder}; it has the lease until {until} and may renew it")
        self.holder = holder
        self.expires_at_ms = expires_at_ms


class LeaseLost(RepositoryError):
    """The lease could not be renewed in time, so another process may maintain now. What was published is kept."""


class MaintenanceLease:
    """One process's claim; a holder of its own for each object."""

    def __init__(self, catalog: Catalog, *, ttl_ms: int = TTL_MS) -> None:
        self._catalog = catalog
        self._ttl_ms = ttl_ms
        self.holder = f"process {os.getpid()} on {os.uname().nodename} ({secrets.token_hex(4)})"

    @contextmanager
    def hold(self, cancel: Cancel) -> Iterator[None]:
        """Hold it while the body runs; `cancel` is set if it is lost. Raises LeaseHeld, LeaseLost."""
        if not self._take():
            self._raise_held()
        ended, lost = Event(), Event()
        keeper = Thread(target=self._keep, args=(ended, lost, cancel), name="lease", daemon=True)
        keeper.start()
        try:
            yield
        except Cancelled as error:
            if lost.is_set():
                raise LeaseLost("the maintenance lease was lost; what was finished before is kept") from error
            raise
        finally:
            ended.set()
            keeper.join()
            self._release()

    def _take(self) -> bool:
        return self._catalog.take_lease(LEASE_NAME, self.holder, now_ms=now_ms(), ttl_ms=self._ttl_ms)

    def _raise_held(self) -> None:
        held = self._catalog.lease_holder(LEASE_NAME)
        if held is None:  # given back just now
            raise LeaseHeld("another process", now_ms())
        raise LeaseHeld(held.holder, held.expires_at_ms)

    def _keep(self, ended: Event, lost: Event, cancel: Cancel) -> None:
        renewed_s = time.monotonic()
        while not ended.wait(self._ttl_ms / 1000 / _RENEWALS):
            asked_s = time.monotonic()
            try:
                is_ours = self._take()
            except StorageError as error:
                _log.warning("a lease was not renewed", extra={"fields": {"lease": LEASE_NAME, "error": str(error)}})
                is_ours = time.monotonic() - renewed_s < self._ttl_ms / 1000
            else:
                renewed_s = asked_s
            if not is_ours:
                lost.set()
                cancel.set()
                return

    def _release(self) -> None:
        try:
            self._catalog.release_lease(LEASE_NAME, self.holder)
        except StorageError as error:  # it expires by itself
            _log.warning("a lease was not given back", extra={"fields": {"lease": LEASE_NAME, "error": str(error)}})
