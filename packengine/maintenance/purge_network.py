"""A purge through a fork network, and what holds the blobs still when it is done.

The repositories of a network are asked for again until no new one is found: a fork that was made while its source was
purged may have what the source had before.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from core_ext import Cancel, Cancelled, CoreError
from packengine.maintenance.purging import Purged, Purger, PurgeTarget
from packengine.manifests import CorruptManifest, PackRecord
from packengine.repository import Actor, Progress, RepositoryError, RepositoryState
from packengine.repository.packs import open_database
from packengine.repository.parts import EngineParts
from packengine.storage.ports import RepositoryMissing, RepositoryRecord, StorageError

_AT_A_TIME = 1_000
_FAILURES = (CoreError, StorageError, RepositoryError, CorruptManifest)
_log = logging.getLogger(__name__)

MayPurge = Callable[[RepositoryRecord], bool]
"""Whether who asked may change a repository."""


@dataclass(slots=True)
class NetworkPurge:
    """What became of the other repositories of a network."""

    purged: list[Purged] = field(default_factory=list)
    holding: list[str] = field(default_factory=list)
    """Repositories that hold a blob still: somebody else's, or such as could not be purged."""


class NetworkPurger:
    """Goes from one repository to all that were forked from it or that it was forked from."""

    def __init__(self, parts: EngineParts, purger: Purger) -> None:
        self._parts = parts
        self._purger = purger

    def purge(
        self,
        first_id: str,
        target: PurgeTarget,
        actor: Actor,
        may_purge: MayPurge,
        may_publish: Callable[[], bool],
        progress: Progress,
        cancel: Cancel,
    ) -> NetworkPurge:
        """Purge what may be purged of the others. Raises Cancelled."""
        done = NetworkPurge()
        for repository_id in self._others(first_id, cancel):
            try:
                state = self._parts.loader.load(repository_id)
                if may_purge(state.record):
                    blobs = self._purger.blobs_of(state, target, progress, cancel)
                    if self._purger.holds_any(state, blobs):
                        done.purged.append(self._purger.purge(state, target, actor, may_publish, progress, cancel))
                elif self._purger.holds_any(state, target.blobs):
                    done.holding.append(repository_id)
            except RepositoryMissing:  # deleted just now
                continue
            except Cancelled:
                raise
            except _FAILURES as error:
                fields = {"repository": repository_id, "error": str(error)}
                _log.warning("a purge passed over a repository", extra={"fields": fields})
                done.holding.append(repository_id)
        return done

    def _others(self, first_id: str, cancel: Cancel) -> Iterator[str]:
        seen = {first_id}
        while fresh := sorted(self._reached(seen) - seen):
            for repository_id in fresh:
                if cancel.is_set():
                    raise Cancelled("the purge was stopped")
                seen.add(repository_id)
                yield repository_id

    def _reached(self, known: set[str]) -> set[str]:
        """What is one step away."""
        reached: set[str] = set()
        for repository_id in known:
            reached.update(self._parts.catalog.live_forks(repository_id))
            record = self._parts.catalog.repository(repository_id)
            if record is not None and record.source_id is not None:
                reached.add(record.source_id)
        return reached

    def holders(self, blobs: frozenset[bytes], limit: int, progress: Progress, cancel: Cancel) -> list[str]:
        """Live repositories of the node whose packs hold any of the blobs, the first of them. Looks at each pack once.

        Raises Cancelled.
        """
        known: dict[bytes, bool] = {}
        holders: list[str] = []
        for at, repository_id in enumerate(self._all()):
            if cancel.is_set():
                raise Cancelled("the purge was stopped")
            progress("Looking at repositories", at, None)
            try:
                state = self._parts.loader.load(repository_id)
                if any(self._holds(pack, state, blobs, known) for pack in state.manifest.packs):
                    holders.append(repository_id)
            except (StorageError, CorruptManifest, CoreError) as error:
                fields = {"repository": repository_id, "error": str(error)}
                _log.warning("a purge cannot look at a repository", extra={"fields": fields})
            if len(holders) == limit:
                break
        return holders

    def _holds(
        self, pack: PackRecord, state: RepositoryState, blobs: frozenset[bytes], known: dict[bytes, bool]
    ) -> bool:
        if pack.digest not in known:
            object_format = state.manifest.object_format
            opened = self._parts.shelf.open(pack, object_format)
            objects = open_database([opened], object_format, self._parts.limits)
            known[pack.digest] = any(objects.contains(blob) for blob in blobs)
        return known[pack.digest]

    def _all(self) -> Iterator[str]:
        offset = 0
        while page := self._parts.catalog.repositories(limit=_AT_A_TIME, offset=offset)[0]:
            yield from (record.id for record in page)
            offset += len(page)
