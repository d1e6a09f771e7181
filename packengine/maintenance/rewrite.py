"""Leaving garbage out: the packs that hold it are written anew, in their place, without it.

Nobody is disturbed: readers have the packs of the states that they opened, which are kept for the grace, and a push
builds on nothing but what refs reach (design, law 8), which is kept.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass

from cachetools import LRUCache

from core_ext import Cancel, MissingObject, ObjectDb, WorkCount
from packengine.maintenance.counting import counted
from packengine.maintenance.garbage import Garbage, GarbageFinder, Keepers
from packengine.maintenance.retention import Windows
from packengine.maintenance.rounds import Rounds
from packengine.manifests import PublishKind
from packengine.repository import Actor, Progress, RepositoryState
from packengine.repository.packs import PackIntake, open_database
from packengine.repository.parts import EngineParts
from packengine.repository.publish import Draft

_FINDINGS_KEPT = 64
"""Ten thousand forks of one source have some few findings in common."""

_ROUNDS = 4
"""So many drafts are derived for a repository: each looks at what all of its refs reach. If others publish before all
of them, or take away what was to be replaced, the repository waits for the next collection."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """What was left out of a repository."""

    object_count: int = 0
    size_bytes_before: int = 0
    """Of the packs that were written anew."""

    size_bytes_after: int = 0


@dataclass(slots=True)
class _Finding:
    """What was found out of some packs and what keeps their objects; and, once it is written, the pack without it."""

    garbage: Garbage | None
    is_written: bool = False
    intake: PackIntake | None = None
    """None, although written: nothing stays."""


class Rewriter:
    """Writes packs of repositories anew, as of one moment."""

    def __init__(self, parts: EngineParts, windows: Windows) -> None:
        self._parts = parts
        self._garbage = GarbageFinder(parts, windows)
        self._findings: LRUCache[bytes, _Finding] = LRUCache(_FINDINGS_KEPT)
        self._unsealable: LRUCache[bytes, bool] = LRUCache(_FINDINGS_KEPT)
        """States whose refs do not reach all that the packs hold."""

    def find(self, repository_id: str, cancel: Cancel) -> Garbage | None:
        """What there is to leave out of a repository. Raises RepositoryMissing, Cancelled."""
        state = self._parts.loader.load(repository_id)
        if state.manifest.sealed:
            return None
        return self._finding(state, self._garbage.keepers(state), cancel).garbage

    def rewrite(self, repository_id: str, actor: Actor, progress: Progress, cancel: Cancel) -> Rewritten:
        """Leave out what there is to leave out. Where nothing is left that no ref reaches, the manifest says so then.

        Raises RepositoryMissing, Cancelled.
        """
        state = self._parts.loader.load(repository_id)
        rounds = Rounds(_ROUNDS)
        while rounds.left and not state.manifest.sealed:
            progress("Looking for garbage", 0, None)
            finding = self._finding(state, self._garbage.keepers(state), cancel)
            if finding.garbage is None:
                done = self._seal(state, rounds, actor, cancel)
            else:
                done = self._leave_out(state, finding, rounds, actor, progress, cancel)
            if done is not None:
                return done
            state = self._parts.loader.reload(state)
        if not state.manifest.sealed:
            fields = {"repository": repository_id, "rounds": _ROUNDS}
            _log.info("a repository waits for the next collection: others publish to it", extra={"fields": fields})
        return Rewritten()

    def _finding(self, state: RepositoryState, keepers: Keepers, cancel: Cancel) -> _Finding:
        """What there is to leave out, worth it or nothing; known already if another repository is as this one."""
        signature = keepers.signature(state.manifest)
        finding = self._findings.get(signature)
        if finding is None:
            found = self._garbage.find(state, keepers, cancel)
            finding = _Finding(found if found is not None and found.is_worth_it else None)
            self._findings[signature] = finding
        return finding

    def _leave_out(
        self,
        state: RepositoryState,
        finding: _Finding,
        rounds: Rounds,
        actor: Actor,
        progress: Progress,
        cancel: Cancel,
    ) -> Rewritten | None:
        """None: nothing was left out, for others came first."""
        garbage = finding.garbage
        assert garbage is not None  # noqa: S101  # for the type checker
        if not finding.is_written:
            finding.intake = self._write(garbage, progress, cancel)
            finding.is_written = True
        intake = finding.intake
        derive = rounds.counted(lambda newest: self._draft(newest, state, garbage, intake, cancel))
        committed = self._parts.publisher.publish(state, actor, PublishKind.MAINTENANCE, derive)
        if committed is None:
            return None
        after_bytes = intake.record.size_bytes if intake is not None else 0
        return Rewritten(len(garbage.left_out), garbage.size_bytes, after_bytes)

    def _write(self, garbage: Garbage, progress: Progress, cancel: Cancel) -> PackIntake | None:
        """The pack that takes the place of the run; None if nothing of it stays."""
        staying = garbage.objects.all_objects().minus(garbage.left_out)
        if not len(staying):
            return None
        limits, path = self._parts.limits, self._parts.shelf.quarantine / f"{secrets.token_hex(16)}.pack"

        def write(work: WorkCount) -> PackIntake:
            written = garbage.objects.write_pack(
                staying,
                str(path),
                level=limits.compression_level,
                spill_bytes=limits.tail_pack_bytes,
                cancel=cancel,
                work=work,
            )
            return PackIntake(written, self._parts.shelf, self._parts.blobs, limits)

        return counted("Writing packs anew", progress, cancel, write)

    def _draft(
        self,
        newest: RepositoryState,
        looked_at: RepositoryState,
        garbage: Garbage,
        intake: PackIntake | None,
        cancel: Cancel,
    ) -> Draft | None:
        """None: the run is not there any more, or something that was left out is wanted by now."""
        drops = frozenset(pack.digest for pack in garbage.run)
        if not drops <= {pack.digest for pack in newest.manifest.packs}:
            return None
        after = self._database_after(newest, drops, intake)
        if newest.pointer != looked_at.pointer:
            before = self._garbage.database(newest.manifest.packs, newest.manifest.object_format)
            try:
                self._garbage.kept(newest, self._garbage.keepers(newest), before, cancel).moved_to(after, cancel=cancel)
            except MissingObject:
                return None
        packs = () if intake is None else (intake,)
        return Draft(changes=(), sealed=_reach_all(newest, after, cancel), packs=packs, drops=drops)

    def _database_after(self, newest: RepositoryState, drops: frozenset[bytes], intake: PackIntake | None) -> ObjectDb:
        object_format = newest.manifest.object_format
        kept = [pack for pack in newest.manifest.packs if pack.digest not in drops]
        packs = [self._parts.shelf.open(pack, object_format) for pack in kept]
        return open_database(
            [*packs, *([intake.ingested.pack()] if intake is not None else [])], object_format, self._parts.limits
        )

    def _seal(self, state: RepositoryState, rounds: Rounds, actor: Actor, cancel: Cancel) -> Rewritten | None:
        """Say so if the refs reach everything. None: others came first."""

        def derive(newest: RepositoryState) -> Draft | None:
            everything = self._garbage.database(newest.manifest.packs, newest.manifest.object_format)
            can_be_sealed = not newest.manifest.sealed and _reach_all(newest, everything, cancel)
            return Draft(changes=(), sealed=True) if can_be_sealed else None

        values = frozenset(entry.oid for entry in state.manifest.refs.scan())
        signature = Keepers(values, ()).signature(state.manifest)
        if signature not in self._unsealable:
            committed = self._parts.publisher.publish(state, actor, PublishKind.MAINTENANCE, rounds.counted(derive))
            if rounds.is_given_up:
                return None
            if committed is None:
                self._unsealable[signature] = True
        return Rewritten()


def _reach_all(state: RepositoryState, objects: ObjectDb, cancel: Cancel) -> bool:
    """Whether the refs reach everything in these packs."""
    tips = sorted({entry.oid for entry in state.manifest.refs.scan()})
    return len(objects.reachable(tips, cancel=cancel)) == len(objects)
