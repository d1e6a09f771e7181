"""Garbage collection of a node: what nothing keeps is left out, condemned, deleted (docs/storage.md).

Each step can be the last one before a kill, and each can be made by several processes at once. A step that was made is
not made again; one that was not is made by the next collection.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from core_ext import Cancel, Cancelled, CoreError
from packengine.maintenance.key_list import KeyList
from packengine.maintenance.named import Marker, Named
from packengine.maintenance.retention import Windows
from packengine.maintenance.rewrite import Rewriter, Rewritten
from packengine.maintenance.sweep import Deleted, Sweeper
from packengine.manifests import CorruptManifest
from packengine.refs import CorruptRefBlock
from packengine.repository import Actor, Progress
from packengine.repository.parts import EngineParts
from packengine.repository.publish import now_ms
from packengine.storage.ports import BlobKey, RepositoryMissing, StorageError

_AT_A_TIME = 1000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RepositoryGarbage:
    """What would be left out of a repository."""

    repository_id: str
    object_count: int
    size_bytes: int
    """Of the packs that would be written anew for it."""


@dataclass(slots=True)
class CollectionPlan:
    """What a collection would do now, in figures."""

    garbage: list[RepositoryGarbage] = field(default_factory=list)
    unnamed_rows: int = 0
    unnamed_blobs: int = 0
    """What nothing names, condemned already or not."""

    due_rows: int = 0
    due_blobs: int = 0
    """Of what is condemned, what would be deleted now; at most 100,000 of each are counted."""

    due_bytes: int = 0
    held_up_by: str | None = None
    """The process that has opened something so long ago that it keeps more than the grace does."""


@dataclass(slots=True)
class CollectionReport:
    """What a collection did."""

    rewritten: int = 0
    """Repositories from which something was left out."""

    passed_over: int = 0
    """Repositories that could not be read, from which nothing was left out: see `packhouse fsck`."""

    objects_left_out: int = 0
    condemned: int = 0
    given_up: int = 0
    """Deleted repositories that cannot come back any more."""

    deleted: Deleted = field(default_factory=Deleted)
    duration_s: float = 0.0


class Collector:
    """Collects the garbage of all repositories of a data folder. One at a time is enough, but several do no harm."""

    def __init__(self, parts: EngineParts, *, clock_ms: Callable[[], int] = now_ms) -> None:
        self._parts = parts
        self._catalog = parts.catalog
        self._clock_ms = clock_ms

    def preview(self, progress: Progress, cancel: Cancel) -> CollectionPlan:
        """What `collect` would do. Changes nothing; what others do meanwhile blurs the figures. Raises Cancelled."""
        plan = CollectionPlan()
        windows = Windows.at(self._clock_ms(), self._parts.limits)
        rewriter = Rewriter(self._parts, windows)
        for repository_id in self._each_repository("Looking for garbage", progress, cancel):
            garbage = rewriter.find(repository_id, cancel)
            if garbage is not None:
                plan.garbage.append(RepositoryGarbage(repository_id, len(garbage.left_out), garbage.size_bytes))
        rows, blobs = self._stored(cancel)
        named = Marker(self._catalog, windows.history_ms).run(progress, cancel)
        plan.unnamed_rows = sum(not named.has_row(key) for key in rows)
        plan.unnamed_blobs = sum(blob not in named.blobs for blob in blobs)
        self._count_due(plan, windows, named)
        return plan

    def collect(self, progress: Progress, cancel: Cancel) -> CollectionReport:
        """Leave out, condemn, delete. Raises Cancelled; MarkLost if another collection began to mark meanwhile;
        CollectionRefused, and nothing is condemned or deleted then."""
        began_s = time.monotonic()
        report = CollectionReport()
        windows = Windows.at(self._clock_ms(), self._parts.limits)
        self._leave_out(windows, report, progress, cancel)
        report.given_up = self._catalog.give_up_tombstones(windows.undelete_ms // 1000)
        named = self._condemn(windows, report, progress, cancel)
        self._catalog.expire_readers(self._clock_ms())
        before_ms = min(windows.young_ms, self._oldest_open_ms(windows.young_ms))
        sweeper = Sweeper(self._catalog, self._parts.blobs, self._parts.derived, named, before_ms)
        report.deleted = sweeper.run(progress, cancel)
        report.duration_s = time.monotonic() - began_s
        _announce(report)
        return report

    def _leave_out(self, windows: Windows, report: CollectionReport, progress: Progress, cancel: Cancel) -> None:
        rewriter = Rewriter(self._parts, windows)
        for repository_id in self._each_repository("Looking for garbage", progress, cancel):
            done = self._rewrite(rewriter, repository_id, progress, cancel)
            if done is None:
                report.passed_over += 1
                continue
            report.rewritten += done.object_count > 0
            report.objects_left_out += done.object_count

    @staticmethod
    def _rewrite(rewriter: Rewriter, repository_id: str, progress: Progress, cancel: Cancel) -> Rewritten | None:
        """None: the repository cannot be read."""
        try:
            return rewriter.rewrite(repository_id, Actor("maintenance", secrets.token_hex(16)), progress, cancel)
        except Cancelled:
            raise
        except RepositoryMissing:  # deleted just now
            return Rewritten()
        except (CoreError, StorageError, CorruptManifest, CorruptRefBlock) as error:
            fields = {"repository": repository_id, "error": str(error)}
            _log.warning("a collection passed over a repository", extra={"fields": fields})
            return None

    def _condemn(self, windows: Windows, report: CollectionReport, progress: Progress, cancel: Cancel) -> Named:
        """Condemn what nothing names. In this order: see `Catalog.begin_mark`. Returns what is named."""
        mark = self._catalog.begin_mark(kept_since_ms=windows.history_ms)
        try:
            rows, blobs = self._stored(cancel)
            named = Marker(self._catalog, windows.history_ms).run(progress, cancel)
            unnamed_rows = [key for key in rows if not named.has_row(key)]
            unnamed_blobs = [blob for blob in blobs if blob not in named.blobs]
            del rows, blobs
            for at in range(0, max(len(unnamed_rows), len(unnamed_blobs)), _AT_A_TIME):
                progress("Condemning", at, None)
                if cancel.is_set():
                    raise Cancelled("the collection was stopped")
                some = slice(at, at + _AT_A_TIME)
                now = self._clock_ms()
                report.condemned += self._catalog.condemn(mark, unnamed_rows[some], unnamed_blobs[some], now_ms=now)
        finally:
            self._catalog.end_mark(mark)
        return named

    def _stored(self, cancel: Cancel) -> tuple[KeyList, list[BlobKey]]:
        rows, last = KeyList(), None
        while page := self._catalog.row_keys(after=last, limit=_AT_A_TIME):
            if cancel.is_set():
                raise Cancelled("the collection was stopped")
            rows.extend(page)
            last = page[-1]
        return rows, list(self._parts.blobs.stored())

    def _oldest_open_ms(self, default_ms: int) -> int:
        return min((reader.oldest_open_ms for reader in self._catalog.readers()), default=default_ms)

    def _count_due(self, plan: CollectionPlan, windows: Windows, named: Named) -> None:
        now = self._clock_ms()
        alive = [reader for reader in self._catalog.readers() if reader.expires_at_ms > now]
        oldest = min(alive, key=lambda reader: reader.oldest_open_ms, default=None)
        before_ms = windows.young_ms
        if oldest is not None and oldest.oldest_open_ms < before_ms:
            before_ms, plan.held_up_by = oldest.oldest_open_ms, oldest.id
        due = self._catalog.condemned(before_ms=before_ms, limit=100 * _AT_A_TIME)
        rows = [row for row in due.rows if not named.has_row(row.key)]
        plan.due_rows, plan.due_blobs = len(rows), len(due.blobs)
        sizes = (self._parts.blobs.size_bytes(blob.digest, blob.generation) for blob in self._there(due.blobs))
        plan.due_bytes = sum(row.size_bytes for row in rows) + sum(sizes)

    def _there(self, blobs: Iterable[BlobKey]) -> Iterator[BlobKey]:
        return (blob for blob in blobs if self._parts.blobs.contains(blob.digest, blob.generation))

    def _each_repository(self, phase: str, progress: Progress, cancel: Cancel) -> Iterator[str]:
        """The live ones. Those that are created meanwhile may be passed over or come twice."""
        offset = 0
        while page := self._catalog.repositories(limit=_AT_A_TIME, offset=offset)[0]:
            for at, record in enumerate(page):
                if cancel.is_set():
                    raise Cancelled("the collection was stopped")
                progress(phase, offset + at, None)
                yield record.id
            offset += len(page)


def _announce(report: CollectionReport) -> None:
    deleted = report.deleted
    fields = {
        "rewritten": report.rewritten,
        "passed_over": report.passed_over or None,
        "objects_left_out": report.objects_left_out,
        "condemned": report.condemned,
        "given_up": report.given_up,
        "deleted_rows": deleted.rows,
        "deleted_blobs": deleted.blobs,
        "deleted_derived_files": deleted.derived_files,
        "deleted_bytes": deleted.size_bytes,
        "duration_ms": round(report.duration_s * 1000, 1),
    }
    _log.info("collected", extra={"fields": fields})
