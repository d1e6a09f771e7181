"""Maintaining one repository: its packs merged, and their derived files made (design, section 6)."""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass
from threading import Lock

from cachetools import LRUCache

from core_ext import Cancel, Pack
from packengine.maintenance.derived import DerivedWriter, Outcome, PackSubject
from packengine.maintenance.figures import Derivation, MaintenancePlan, MaintenanceReport, announce
from packengine.maintenance.merge import MergePublisher, ref_values, wanted_kinds
from packengine.maintenance.plan import Run, is_worth_a_publish, plan_runs, whole
from packengine.maintenance.sharing import count_shared
from packengine.manifests import PackRecord
from packengine.repository import Actor, Progress, RepositoryState
from packengine.repository.derived import DerivedKind
from packengine.repository.parts import EngineParts

_ROUNDS = 8
"""So many merges may be lost to others who merge the same packs; then they can be left to it."""

_UNMADE_KEPT = 10_000
_log = logging.getLogger(__name__)


class Maintainer:
    """Plans and works on one repository after the other. From any thread."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts
        self._writer = DerivedWriter(parts.shelf.derived, parts.shelf.quarantine, parts.limits)
        self._merges = MergePublisher(parts, self._writer)
        self._lock = Lock()
        self._not_closed: LRUCache[bytes, bool] = LRUCache(_UNMADE_KEPT)
        """Oldest packs that are not closed by themselves, but perhaps with those in front: merging all is the cure."""

        self._unmade: LRUCache[tuple[bytes, DerivedKind], bool] = LRUCache(_UNMADE_KEPT)
        """What could not be made, for whatever reason: it would cost the same again."""

    def plan(self, repository_id: str, *, due_only: bool = False) -> MaintenancePlan:
        """What there is to do. due_only: leave out merges so small that they are not worth a publish yet.

        Raises RepositoryMissing. Cost: large packs are opened, and perhaps some forks looked at.
        """
        return self._plan(self._parts.loader.load(repository_id), due_only=due_only)

    def maintain(
        self, repository_id: str, *, progress: Progress, cancel: Cancel, due_only: bool = False
    ) -> MaintenanceReport:
        """Do what `plan` says. Stopped at any point, it leaves what was published and nothing else that can be seen.

        Raises RepositoryMissing, Cancelled.
        """
        began_s = time.monotonic()
        state = self._parts.loader.load(repository_id)
        work = _Work(state, progress, cancel, MaintenanceReport(repository_id, len(state.manifest.packs)))
        while not work.is_over and not (plan := self._plan(work.state, due_only=due_only)).is_empty:
            if plan.runs:
                self._merge(work, plan.runs[-1])
            else:
                self._derive(work, plan.derivations[0])
        report = work.report
        report.packs_after = len(work.state.manifest.packs)
        report.duration_s = time.monotonic() - began_s
        if not report.is_idle:
            announce(report)
        return report

    def _plan(self, state: RepositoryState, *, due_only: bool) -> MaintenancePlan:
        packs, limits = state.manifest.packs, self._parts.limits
        runs = self._runs(state)
        if due_only:
            min_packs, min_objects = limits.rollup_packs, limits.min_bitmap_objects
            runs = [run for run in runs if is_worth_a_publish(run, min_packs=min_packs, min_objects=min_objects)]
        merged = {pack.digest for run in runs for pack in run.packs}
        staying = [pack for pack in packs if pack.digest not in merged]
        return MaintenancePlan(
            repository_id=state.record.id,
            pack_count=len(packs),
            object_count=sum(pack.object_count for pack in packs),
            runs=tuple(runs),
            derivations=tuple(lack for pack in staying if (lack := self._lack(state, pack)).kinds),
        )

    def _runs(self, state: RepositoryState) -> list[Run]:
        packs = state.manifest.packs
        if len(packs) > 1 and self._is_known_not_closed(packs[-1]):
            return [whole(packs)]
        return plan_runs(
            packs,
            lambda: count_shared(self._parts.catalog, self._parts.loader, state),
            min_shared_bytes=self._parts.limits.min_shared_pack_bytes,
        )

    def _lack(self, state: RepositoryState, record: PackRecord) -> Derivation:
        if record.object_count < self._parts.limits.min_bitmap_objects:
            return Derivation(record, ())
        pack = self._open(state, record)
        is_oldest = record == state.manifest.packs[-1]
        wanted = wanted_kinds(is_oldest=is_oldest, has_refs=len(state.manifest.refs) > 0)
        missing = (kind for kind in wanted if not kind.is_attached(pack))
        return Derivation(record, tuple(kind for kind in missing if not self._is_unmade(record, kind)))

    def _open(self, state: RepositoryState, record: PackRecord) -> Pack:
        pack = self._parts.shelf.open(record, state.manifest.object_format)
        self._parts.shelf.derived.attach(record.digest, pack)
        return pack

    def _merge(self, work: _Work, run: Run) -> None:
        merged = self._merges.publish(work.state, run, _actor(), work.progress, work.cancel)
        if merged.committed is None:
            work.report.overtaken += 1
            work.is_given_up = merged.is_given_up
        else:
            work.report.merged_packs += len(run.packs)
            work.report.merged_objects += run.object_count
            work.report.derived_files += merged.derived_files
        work.state = self._parts.loader.reload(work.state)

    def _derive(self, work: _Work, lack: Derivation) -> None:
        digest, pack = lack.pack.digest, self._open(work.state, lack.pack)
        subject = PackSubject(digest, pack, work.state.manifest.object_format, ref_values(work.state))
        for kind in lack.kinds:
            outcome = self._writer.write(subject, kind, work.progress, work.cancel)
            if outcome is Outcome.MADE and kind.is_attached(pack):
                work.report.derived_files += 1
            else:
                self._give_up(work.state, lack.pack, kind, outcome)

    def _is_known_not_closed(self, pack: PackRecord) -> bool:
        with self._lock:
            return pack.digest in self._not_closed

    def _is_unmade(self, pack: PackRecord, kind: DerivedKind) -> bool:
        with self._lock:
            return (pack.digest, kind) in self._unmade

    def _give_up(self, state: RepositoryState, pack: PackRecord, kind: DerivedKind, outcome: Outcome) -> None:
        reason = "it cannot be opened" if outcome is Outcome.MADE else outcome.value
        fields = {"pack": pack.digest.hex(), "file": kind.value, "reason": reason}
        _log.info("a pack goes without a derived file", extra={"fields": fields})
        with self._lock:
            self._unmade[pack.digest, kind] = True
            if outcome is Outcome.NOT_CLOSED and len(state.manifest.packs) > 1:
                self._not_closed[pack.digest] = True


@dataclass(slots=True)
class _Work:
    """One repository while it is maintained."""

    state: RepositoryState
    progress: Progress
    cancel: Cancel
    report: MaintenanceReport
    is_given_up: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it is left to others, or to the next time."""
        return self.is_given_up or self.report.overtaken >= _ROUNDS


def _actor() -> Actor:
    return Actor("maintenance", secrets.token_hex(16))
