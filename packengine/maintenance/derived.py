"""Making derived files: reverse index, commit-graph and bitmaps of one pack.

They are written in quarantine, where a sweep finds what a kill leaves, and renamed into place. They are not synced:
what a power loss does to them shows when they are opened.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from core_ext import Cancel, LimitExceeded, MissingObject, Pack, WorkCount, write_bitmaps, write_commit_graph, write_rev
from packengine.maintenance.counting import counted
from packengine.manifests import ObjectFormat
from packengine.repository import Limits, Progress
from packengine.repository.derived import DerivedFolder, DerivedKind
from packengine.repository.packs import open_database
from packengine.storage import quarantine_folder

_log = logging.getLogger(__name__)

_PHASES = {
    DerivedKind.REV: "Writing reverse index",
    DerivedKind.GRAPH: "Writing commit-graph",
    DerivedKind.BITMAP: "Writing bitmaps",
}


class Outcome(Enum):
    """What came of making one. The value says why there is none."""

    MADE = "it was made"
    NOT_CLOSED = "the pack refers to what it does not hold"
    OVER_MEMORY = "memory for bitmaps would not suffice"


@dataclass(frozen=True, slots=True)
class PackSubject:
    """A pack that is to have derived files, and for which tips."""

    digest: bytes
    pack: Pack
    object_format: ObjectFormat
    tips: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class _Task:
    subject: PackSubject
    path: Path
    progress: Progress
    cancel: Cancel


class DerivedWriter:
    """Makes them, one after the other."""

    def __init__(self, folder: DerivedFolder, quarantine: Path, limits: Limits) -> None:
        self._folder = folder
        self._quarantine = quarantine
        self._limits = limits
        self._write: dict[DerivedKind, Callable[[_Task, WorkCount], Outcome]] = {
            DerivedKind.REV: self._write_rev,
            DerivedKind.GRAPH: self._write_graph,
            DerivedKind.BITMAP: self._write_bitmaps,
        }

    def write(self, subject: PackSubject, kind: DerivedKind, progress: Progress, cancel: Cancel) -> Outcome:
        """Make one, if it can be made, and let the open handle have it."""
        path = self._folder.path(subject.digest, kind)
        with quarantine_folder(self._quarantine) as scratch:
            task = _Task(subject, scratch / path.name, progress, cancel)
            outcome = counted(_PHASES[kind], progress, cancel, lambda work: self._write[kind](task, work))
            if kind is DerivedKind.REV:  # sorting is not counted while it goes on
                progress(_PHASES[kind], subject.pack.object_count, subject.pack.object_count)
            if outcome is Outcome.MADE:
                task.path.replace(path)
        self._folder.attach(subject.digest, subject.pack)
        return outcome

    def remove(self, digest: bytes, kinds: Sequence[DerivedKind]) -> None:
        """Take back what was made for a pack that nobody came to name."""
        for kind in kinds:
            self._folder.path(digest, kind).unlink(missing_ok=True)

    @staticmethod
    def _write_rev(task: _Task, _work: WorkCount) -> Outcome:
        write_rev(task.subject.pack, str(task.path))
        return Outcome.MADE

    def _write_graph(self, task: _Task, work: WorkCount) -> Outcome:
        objects = open_database([task.subject.pack], task.subject.object_format, self._limits)
        try:
            write_commit_graph(objects, str(task.path), cancel=task.cancel, work=work)
        except MissingObject:
            return Outcome.NOT_CLOSED
        return Outcome.MADE

    def _write_bitmaps(self, task: _Task, work: WorkCount) -> Outcome:
        subject = task.subject
        objects = open_database([subject.pack], subject.object_format, self._limits)
        memory_bytes = self._limits.maintenance_memory_bytes
        try:
            count = write_bitmaps(
                objects, subject.tips, str(task.path), max_memory_bytes=memory_bytes, cancel=task.cancel, work=work
            )
        except LimitExceeded as error:
            fields = {"pack": subject.digest.hex(), "error": str(error)}
            _log.warning("a pack stays without bitmaps", extra={"fields": fields})
            return Outcome.OVER_MEMORY
        return Outcome.NOT_CLOSED if count is None else Outcome.MADE
