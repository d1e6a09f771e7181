"""Maintenance by itself: of repositories that were pushed to, and once a day of all (design, section 6).

Synchronous; a server calls it in a thread of low priority. Several processes may: the lease lets one work at a time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator

from cachetools import TTLCache

from core_ext import Cancel, Cancelled, CoreError
from packengine.maintenance.collector import Collector
from packengine.maintenance.lease import LeaseHeld, MaintenanceLease
from packengine.maintenance.maintainer import Maintainer
from packengine.manifests import CorruptManifest
from packengine.refs import CorruptRefBlock
from packengine.repository import RepositoryError
from packengine.repository.parts import EngineParts
from packengine.repository.progress import no_progress
from packengine.repository.publish import now_ms
from packengine.storage.ports import RepositoryMissing, StorageError

ROUND_NAME = "maintenance round"
ROUND_EVERY_MS = 86_400_000
_SPARED_S = 600.0
"""For so long nothing is tried again where it failed."""

_SPARED_KEPT = 10_000
_PAGE = 1000
FAILURES = (RepositoryError, StorageError, CoreError, CorruptManifest, CorruptRefBlock, OSError)
"""What one repository may raise, and is no reason to leave the others alone. Cancelled is among them."""

_log = logging.getLogger(__name__)


class Schedule:
    """Finds out what is due, and does it."""

    def __init__(self, parts: EngineParts) -> None:
        self._catalog = parts.catalog
        self._lease = MaintenanceLease(parts.catalog)
        self._maintainer = Maintainer(parts)
        self._collector = Collector(parts)
        self._spared: TTLCache[str, bool] = TTLCache(_SPARED_KEPT, _SPARED_S)

    def maintain_due(self, repository_ids: Iterable[str], cancel: Cancel) -> None:
        """Maintain those of them that want it. Raises LeaseHeld, LeaseLost, Cancelled; CatalogBusy."""
        due = [each for each in repository_ids if self._is_due(each)]
        if due:
            with self._lease.hold(cancel):
                for repository_id in due:
                    self._maintain(repository_id, cancel)

    def is_round_due(self) -> bool:
        """Whether nobody of this data folder went round all repositories for a day."""
        last = self._catalog.lease_holder(ROUND_NAME)
        return last is None or last.expires_at_ms <= now_ms()

    def go_round(self, cancel: Cancel) -> None:
        """Collect garbage, and maintain every repository that wants it. Raises as `maintain_due` does."""
        with self._lease.hold(cancel):
            if not self.is_round_due():
                return  # another process was quicker
            began_s, count = time.monotonic(), 0
            self._collect(cancel)
            for repository_id in self._all_ids():
                if cancel.is_set():
                    raise Cancelled("maintenance was stopped")
                count += 1
                if self._is_due(repository_id):
                    self._maintain(repository_id, cancel)
            # A lease that nobody gives back: it says when the next round is due.
            self._catalog.take_lease(ROUND_NAME, self._lease.holder, now_ms=now_ms(), ttl_ms=ROUND_EVERY_MS)
            _log.info("maintained all", extra={"fields": {"repositories": count, "duration_ms": _since_ms(began_s)}})

    def _collect(self, cancel: Cancel) -> None:
        try:
            self._collector.collect(no_progress, cancel)
        except (Cancelled, LeaseHeld):
            raise
        except FAILURES as error:
            _log.warning("no garbage was collected", extra={"fields": {"error": str(error)}})

    def _is_due(self, repository_id: str) -> bool:
        if repository_id in self._spared:
            return False
        try:
            return not self._maintainer.plan(repository_id, due_only=True).is_empty
        except RepositoryMissing:
            return False
        except FAILURES as error:
            self._spare(repository_id, error)
            return False

    def _maintain(self, repository_id: str, cancel: Cancel) -> None:
        try:
            self._maintainer.maintain(repository_id, progress=no_progress, cancel=cancel, due_only=True)
        except (Cancelled, LeaseHeld):
            raise
        except RepositoryMissing:
            return
        except FAILURES as error:
            self._spare(repository_id, error)

    def _spare(self, repository_id: str, error: Exception) -> None:
        self._spared[repository_id] = True
        fields = {"repository": repository_id, "error": str(error), "again_in_s": _SPARED_S}
        _log.warning("maintenance failed", extra={"fields": fields})

    def _all_ids(self) -> Iterator[str]:
        """Pages shift when repositories come and go meanwhile: one may be missed, until the next round."""
        offset = 0
        while page := self._catalog.repositories(limit=_PAGE, offset=offset)[0]:
            yield from (record.id for record in page)
            offset += len(page)


def _since_ms(began_s: float) -> float:
    return round((time.monotonic() - began_s) * 1000, 1)
