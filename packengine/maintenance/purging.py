"""Taking blobs out of a repository: out of everything that its refs reach, and of all that is stored of its past.

What reaches such a blob is written anew without it. One pack of what the new refs reach takes the place of all packs,
and the manifest that names it has no parent: history, restoration, forks of a moment and the grace of moved refs come
from parents, so nothing leads to what was before. It is published as everything is, by comparison, and derived anew if
another publish came first. A push that is under way builds on what is no longer there, and is refused (law 5).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core_ext import Cancel, IngestedPack, ObjectDb, ObjectSet, WorkCount, hash_object
from packengine.maintenance.counting import counted
from packengine.maintenance.rounds import Rounds
from packengine.manifests import Manifest, ObjectFormat, PublishKind
from packengine.refs import RefChange, RefEntry
from packengine.refs.comparison import RefMove
from packengine.repository import Actor, Progress, RepositoryError, RepositoryState
from packengine.repository.errors import AccessEnded
from packengine.repository.packs import PackIntake, open_database
from packengine.repository.parts import EngineParts
from packengine.repository.publish import Draft
from packengine.storage import quarantine_folder
from packengine.storage.ports import Committed

MAX_BLOBS = 5_000
"""So many contents may a path have had: they are remembered with the job."""

_ROUNDS = 8
"""So many times the history is written anew for one purge; each is as long as a walk over all of it."""


class PurgeFailed(RepositoryError):
    """Nothing was changed. The message says why."""


@dataclass(frozen=True, slots=True)
class PurgeTarget:
    """What is to go: blobs by their ids, and those that any commit has at a path."""

    blobs: frozenset[bytes] = frozenset()
    path: bytes | None = None


@dataclass(frozen=True, slots=True)
class Purged:
    """What became of one repository."""

    committed: Committed
    moves: Sequence[RefMove]
    commits: int
    """Written anew; so are the next two."""

    trees: int
    tags: int
    former_packs: int
    """Are named no longer, and deleted by the collections to come."""

    former_bytes: int


class Purger:
    """Purges one repository at a time."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts

    def blobs_of(
        self, state: RepositoryState, target: PurgeTarget, progress: Progress, cancel: Cancel
    ) -> frozenset[bytes]:
        """What is to go from a state. The empty blob stays, wherever it is: it holds nothing. Raises LimitExceeded."""
        if target.path is None:
            return target.blobs
        objects, tips, path = self.objects(state.manifest), _tips(state), target.path
        search = partial(objects.blobs_at_path, tips, path, max_blobs=MAX_BLOBS, cancel=cancel)
        found = counted("Looking at commits", progress, cancel, lambda work: search(work=work))
        return target.blobs | (frozenset(found) - {empty_blob(state.manifest.object_format)})

    def holds_any(self, state: RepositoryState, blobs: frozenset[bytes]) -> bool:
        """Whether any of them is in the repository's packs, reached from its refs or not."""
        objects = self.objects(state.manifest)
        return any(objects.contains(blob) for blob in blobs)

    def purge(
        self,
        begun: RepositoryState,
        target: PurgeTarget,
        actor: Actor,
        may_publish: Callable[[], bool],
        progress: Progress,
        cancel: Cancel,
    ) -> Purged:
        """Purge a repository, whatever its refs reach of the target. Durable on return.

        may_publish: asked each time that it is derived. Raises PurgeFailed, AccessEnded, RepositoryMissing, Cancelled.
        """
        purge = _Purge(self, self._parts, target, may_publish, progress, cancel)
        rounds = Rounds(_ROUNDS)
        committed = self._parts.publisher.publish(begun, actor, PublishKind.PURGE, rounds.counted(purge.draft))
        if committed is None:
            raise PurgeFailed(f"others published to {begun.record.id} {_ROUNDS} times meanwhile; ask again")
        return purge.done(committed)

    def objects(self, manifest: Manifest) -> ObjectDb:
        """All that a manifest's packs hold; none of the engine's databases, which are for those who ask again."""
        opened = [self._parts.shelf.open(pack, manifest.object_format) for pack in manifest.packs]
        return open_database(opened, manifest.object_format, self._parts.limits)


class _Purge:
    """One purge of one repository, derived from one state after the other."""

    def __init__(
        self,
        purger: Purger,
        parts: EngineParts,
        target: PurgeTarget,
        may_publish: Callable[[], bool],
        progress: Progress,
        cancel: Cancel,
    ) -> None:
        self._purger = purger
        self._parts = parts
        self._target = target
        self._may_publish = may_publish
        self._progress = progress
        self._cancel = cancel
        self._before: Manifest | None = None
        self._counts = (0, 0, 0)
        self._moves: Sequence[RefMove] = ()

    def draft(self, state: RepositoryState) -> Draft:
        """Raises as `Purger.purge`."""
        manifest = self._before = state.manifest
        blobs = self._purger.blobs_of(state, self._target, self._progress, self._cancel)
        tips = _tips(state)
        with quarantine_folder(self._parts.shelf.quarantine) as scratch:
            successors, new_packs, self._counts = self._rewrite(manifest, tips, blobs, scratch)
            objects = self._with_new(manifest, new_packs)
            kept = self._kept(objects, [oid for oid in successors if oid is not None], blobs)
            intake = self._write(objects, kept)
        self._moves = _moves(state, dict(zip(tips, successors, strict=True)), objects)
        if not self._may_publish():
            raise AccessEnded("the purge was stopped, or access to the repository ended, before anything was changed")
        return Draft(
            [RefChange(move.name, move.after) for move in self._moves],
            sealed=True,
            packs=() if intake is None else (intake,),
            drops=frozenset(pack.digest for pack in manifest.packs),
            forgets_past=True,
        )

    def done(self, committed: Committed) -> Purged:
        """What the draft that counted did."""
        former = () if self._before is None else self._before.packs
        return Purged(committed, self._moves, *self._counts, len(former), sum(pack.size_bytes for pack in former))

    def _rewrite(
        self, manifest: Manifest, tips: Sequence[bytes], blobs: frozenset[bytes], scratch: Path
    ) -> tuple[list[bytes | None], list[IngestedPack], tuple[int, int, int]]:
        objects, level = self._purger.objects(manifest), self._parts.limits.compression_level
        rewrite = partial(objects.without_blobs, tips, sorted(blobs), str(scratch), level=level, cancel=self._cancel)
        return counted("Writing history anew", self._progress, self._cancel, lambda work: rewrite(work=work))

    def _with_new(self, manifest: Manifest, new_packs: Sequence[IngestedPack]) -> ObjectDb:
        stored = [self._parts.shelf.open(pack, manifest.object_format) for pack in manifest.packs]
        opened = [*(pack.pack() for pack in new_packs), *stored]
        return open_database(opened, manifest.object_format, self._parts.limits)

    def _kept(self, objects: ObjectDb, tips: Sequence[bytes], blobs: frozenset[bytes]) -> ObjectSet:
        kept = objects.reachable(sorted(set(tips)), cancel=self._cancel)
        left = next((blob for blob in blobs if blob in kept), None)
        if left is not None:  # as where a tree says that it is a folder
            raise PurgeFailed(f"{left.hex()} is reached still, by way of a damaged object; nothing was changed")
        return kept

    def _write(self, objects: ObjectDb, kept: ObjectSet) -> PackIntake | None:
        """The pack of everything; None if there is nothing."""
        if not len(kept):
            return None
        limits, path = self._parts.limits, self._parts.shelf.quarantine / f"{secrets.token_hex(16)}.pack"

        def write(work: WorkCount) -> PackIntake:
            written = objects.write_pack(
                kept,
                str(path),
                level=limits.compression_level,
                threads=limits.threads,
                spill_bytes=limits.tail_pack_bytes,
                cancel=self._cancel,
                work=work,
            )
            return PackIntake(written, self._parts.shelf, self._parts.blobs, limits)

        return counted("Writing the pack", self._progress, self._cancel, write)


def empty_blob(object_format: ObjectFormat) -> bytes:
    """The id of the blob without content."""
    return hash_object("blob", b"", object_format=object_format)


def _tips(state: RepositoryState) -> list[bytes]:
    return sorted({entry.oid for entry in state.manifest.refs.scan()})


def _moves(state: RepositoryState, successors: dict[bytes, bytes | None], objects: ObjectDb) -> list[RefMove]:
    moves = []
    for entry in state.manifest.refs.scan():
        successor = successors[entry.oid]
        if successor != entry.oid:
            after = None if successor is None else _entry(entry.name, successor, objects)
            moves.append(RefMove(entry.name, entry, after))
    return moves


def _entry(name: bytes, oid: bytes, objects: ObjectDb) -> RefEntry:
    peeled = objects.peel(oid)[1]
    return RefEntry(name, oid, None if peeled == oid else peeled)
