"""Publishing a merge: the pack, then its derived files, then the manifest that names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from core_ext import Cancel
from packengine.maintenance.counting import counted
from packengine.maintenance.derived import DerivedWriter, Outcome, PackSubject
from packengine.maintenance.plan import Run
from packengine.maintenance.rounds import Rounds
from packengine.manifests import PublishKind
from packengine.repository import Actor, Progress, RepositoryState
from packengine.repository.derived import DerivedKind
from packengine.repository.merging import replacement
from packengine.repository.packs import PackIntake
from packengine.repository.parts import EngineParts
from packengine.storage.ports import Committed

FRONT_KINDS = (DerivedKind.REV,)
"""A pack in front of others refers to what is in those: neither graph nor bitmaps can be made of it alone."""

BULK_KINDS = (DerivedKind.REV, DerivedKind.GRAPH, DerivedKind.BITMAP)

_ROUNDS = 16
"""So often a merge is tried to be published. A round costs little: who loses that many is up against a stream."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of a merge."""

    committed: Committed | None
    """None: it was for nothing."""

    is_given_up: bool
    """Others published first again and again. If not, and it was for nothing, somebody else had merged the run."""

    derived_files: int


class MergePublisher:
    """Makes runs of packs into one, for all to see."""

    def __init__(self, parts: EngineParts, writer: DerivedWriter) -> None:
        self._parts = parts
        self._writer = writer

    def publish(self, state: RepositoryState, run: Run, actor: Actor, progress: Progress, cancel: Cancel) -> Merged:
        """Merge and publish. Raises Cancelled."""
        merge = partial(self._parts.merger.merge, state.manifest, run.packs, cancel)
        intake = counted("Merging packs", progress, cancel, merge)
        made: list[DerivedKind] = []
        committed = None
        rounds = Rounds(_ROUNDS)
        try:
            self._derive(state, run, intake, made, progress, cancel)
            derive = rounds.counted(lambda newest: replacement(newest, run.packs, intake))
            committed = self._parts.publisher.publish(state, actor, PublishKind.MAINTENANCE, derive)
        finally:
            if committed is None:
                self._writer.remove(intake.record.digest, made)
        return Merged(committed, rounds.is_given_up, len(made))

    def _derive(
        self,
        state: RepositoryState,
        run: Run,
        intake: PackIntake,
        made: list[DerivedKind],
        progress: Progress,
        cancel: Cancel,
    ) -> None:
        """Note in `made` what was not there before: the same bytes may be another repository's pack already."""
        if intake.record.object_count < self._parts.limits.min_bitmap_objects:
            return
        digest = intake.record.digest
        subject = PackSubject(digest, intake.ingested.pack(), state.manifest.object_format, ref_values(state))
        self._parts.shelf.derived.attach(digest, subject.pack)
        for kind in wanted_kinds(is_oldest=run.is_oldest, has_refs=bool(subject.tips)):
            if kind.is_attached(subject.pack):
                continue
            if self._writer.write(subject, kind, progress, cancel) is Outcome.MADE:
                made.append(kind)  # at once: what fails later must know of it


def wanted_kinds(*, is_oldest: bool, has_refs: bool) -> Sequence[DerivedKind]:
    """What a large pack is to have. Bitmaps are of commits that refs lead to."""
    if not is_oldest:
        return FRONT_KINDS
    return BULK_KINDS if has_refs else BULK_KINDS[:-1]


def ref_values(state: RepositoryState) -> list[bytes]:
    """What the refs name, annotated tags as what they tag."""
    return sorted({entry.peeled or entry.oid for entry in state.manifest.refs.scan()})
