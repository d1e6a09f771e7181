"""The publish path: the only way a repository changes (design, laws 3 to 7).

A publish derives a draft from a state, makes its bytes durable, and compare-and-swaps the pointer. If another publish
came first, nothing of the draft is kept: it is derived anew from the state that won, with every check that reads state
made again. A round that fails is one in which somebody else's publish succeeded, so the repository gets on; that a
certain publish does, follows only from taking turns.

Publishes to one repository that come at once in one process and are derived in a moment take turns: whoever has the
turn derives all that wait, each from the manifest of the one before, and all of them are one compare-and-swap, from the
published manifest to the last of the chain. It is made as a whole or not at all, so that nobody's state was one that
never came to be. One that takes its time is derived beside them, and they may overtake it; after some rounds it takes
its turn too, where nobody of this process does, and they wait. Other processes may still overtake it, without end if
they never pause: it has one round in a turn, so that it holds up nobody for longer than that. Who would rather give up
returns None from `derive`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context, copy_context
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import groupby
from threading import Lock

from cachetools import TTLCache

from core_ext import ObjectDb
from packengine.manifests import Manifest, PackRecord, PublishKind, digest_of, encode_manifest
from packengine.refs import RefChange
from packengine.repository.actor import Actor
from packengine.repository.errors import ByteQuotaExceeded, LimitReached
from packengine.repository.limits import Limits
from packengine.repository.packs import PackIntake
from packengine.repository.provenance import NOTHING_SAID, Provenance
from packengine.repository.state import RepositoryState, StateLoader
from packengine.repository.turns import Turns
from packengine.storage.ports import (
    NO_QUOTA,
    Catalog,
    CatalogBusy,
    Committed,
    CondemnedBlob,
    Pointer,
    Publish,
    Row,
    RowKind,
    StorageError,
)

_log = logging.getLogger(__name__)

REFS_LOGGED = 20
"""A log line names so many refs of a push; the manifests keep all of them."""

_BEYOND_QUOTA = frozenset({PublishKind.MAINTENANCE, PublishKind.PURGE})
"""Maintenance may need more for a while to need less, and nothing is to keep a secret where it is."""

_CONTENDED_KEPT = 4096
_CONTENDED_S = 1.0
"""So long after a lost round those of a repository queue with other processes before they derive anything."""

_ROUNDS_BESIDE = 3
"""So many rounds one that takes its time may lose to those that need not wait for it; then they wait."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to change, derived from one state."""

    changes: Sequence[RefChange]
    sealed: bool
    packs: Sequence[PackIntake] = ()
    head: bytes | None = None
    """A new target for HEAD, or None to leave it."""

    drops: frozenset[bytes] = frozenset()
    """Packs that are no longer named, by digest: their objects are in the others. `packs` take the place of these."""

    objects: ObjectDb | None = None
    """A database of everything in `packs` and, behind it, in the packs of the state, if there is one."""

    forgets_past: bool = False
    """Whether the manifest is to have no parent, so that nothing leads to what was before."""


Derive = Callable[[RepositoryState], Draft | None]
"""Make a draft from a state, or None if nothing is to be published. Called once for each round; reads nothing else."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a wish, without a way back to it: in such a circle 500,000 refs of a push would outlive it."""

    draft: Draft | None = None
    error: Exception | None = None


@dataclass(eq=False, slots=True)
class _Wish:
    """A publish that is asked for, and later what became of it."""

    begun: RepositoryState
    actor: Actor
    kind: PublishKind
    derive: Derive
    is_quick: bool
    context: Context = field(default_factory=copy_context)
    """Whose request it is, for what is logged while it is derived, perhaps by another one's thread."""

    outcome: _Outcome | None = None
    """Of the step that counts: its state came to be."""

    committed: Committed | None = None

    @property
    def line(self) -> tuple[str, int]:
        """Where it takes turns: a successor of the id is another repository."""
        return self.begun.record.id, self.begun.record.first_version

    def result(self) -> Committed | None:
        """Raises what kept it from being published."""
        if self.outcome is None:
            raise StorageError(f"repository {self.begun.record.id}: the publish was interrupted")
        if self.outcome.error is not None:
            raise self.outcome.error
        return self.committed


@dataclass(frozen=True, slots=True)
class _Step:
    """A wish as derived from one state: either what is to be stored, or why it cannot be, or nothing to be done."""

    wish: _Wish
    draft: Draft | None = None
    publish: Publish | None = None
    after: RepositoryState | None = None
    error: Exception | None = None

    def renew(self) -> None:
        for pack in self.draft.packs if self.draft is not None else ():
            pack.renew()


class _Round(Enum):
    """What became of some steps together."""

    COUNTS = auto()
    LOST = auto()
    """Somebody else published first."""

    SPOILED = auto()
    """By one of them, perhaps."""


class Publisher:
    """Moves pointers."""

    def __init__(self, catalog: Catalog, loader: StateLoader, limits: Limits) -> None:
        self._catalog = catalog
        self._loader = loader
        self._limits = limits
        self._turns: Turns[_Wish] = Turns(self._serve, self._in_turn)
        self._contended_lock = Lock()
        self._contended: TTLCache[tuple[str, int], bool] = TTLCache(_CONTENDED_KEPT, _CONTENDED_S)
        """Where another process came first a moment ago."""

    def publish(
        self,
        begun: RepositoryState,
        actor: Actor,
        kind: PublishKind,
        derive: Derive,
        provenance: Provenance = NOTHING_SAID,
        *,
        is_quick: bool = False,
    ) -> Committed | None:
        """Publish what `derive` makes of the newest state; None if it wants nothing published. Durable on return.

        begun: the state that the request was let in to. A successor of its id is not published to: RepositoryMissing.
        provenance: told with the publish once it is committed.
        is_quick: whether it is derived in a moment, so that others of the repository can wait for it. They wait for
            another one, too, once it lost some rounds.
        """
        wish = _Wish(begun, actor, kind, derive, is_quick)
        if is_quick:
            self._turns.take(wish.line, wish)
        else:
            self._publish_patiently(wish)
        committed = wish.result()
        if committed is not None and wish.outcome is not None and wish.outcome.draft is not None:
            self._announce(committed, actor, kind, wish.outcome.draft, provenance)
        return committed

    def _publish_patiently(self, wish: _Wish) -> None:
        """Beside the others at first, then in its turn, as often as that takes."""
        for _ in range(_ROUNDS_BESIDE):
            if self._try([wish]):
                return
        _log.info("others wait for a publish that was overtaken", extra={"fields": {"repository": wish.line[0]}})
        while wish.outcome is None:
            self._turns.take(wish.line, wish)

    def _serve(self, wishes: Sequence[_Wish]) -> None:
        """The quick ones get their results. Each other one has a single round, and comes again if it was lost."""
        for is_quick, some in groupby(wishes, key=lambda wish: wish.is_quick):
            if is_quick:
                self._publish_all(list(some))
            else:
                for wish in some:
                    self._try([wish])

    def _in_turn(self, line: tuple[str, int]) -> AbstractContextManager[None]:
        with self._contended_lock:
            is_contended = line in self._contended
        return self._catalog.publishing_turn(line[0]) if is_contended else nullcontext()

    def _try(self, wishes: Sequence[_Wish]) -> bool:
        return self._commit(self._derive_all(wishes)) is _Round.COUNTS

    def _publish_all(self, wishes: Sequence[_Wish]) -> None:
        """Give each of them its result. All are of one repository. What fails together is tried in smaller parts."""
        at_most = len(wishes)
        while wishes:
            steps = self._derive_all(wishes[:at_most])
            outcome = self._commit(steps)
            if outcome is _Round.COUNTS:
                wishes = wishes[len(steps) :]
            elif outcome is _Round.SPOILED:
                at_most = max(1, len(steps) // 2)

    def _derive_all(self, wishes: Sequence[_Wish]) -> list[_Step]:
        """As many steps as can be made one from the other; at least one."""
        try:
            state = self._loader.reload(wishes[0].begun)
        except StorageError as error:
            return [_Step(wishes[0], error=error)]
        steps: list[_Step] = []
        for wish in wishes:
            steps.append(wish.context.run(self._derive, wish, state))
            state = steps[-1].after or state
            if not state.manifest.sealed:
                break  # views of what its refs reach are kept: of published states only
        return steps

    def _derive(self, wish: _Wish, state: RepositoryState) -> _Step:
        try:
            draft = wish.derive(state)
            if draft is None:
                return _Step(wish)
            # First of all: what it refuses must leave no blob behind.
            publish, manifest = self._prepare(state, draft, wish.actor, wish.kind)
            for pack in draft.packs:
                pack.store()
        except Exception as error:  # noqa: BLE001 - the wish's, who gets it
            return _Step(wish, error=error)
        blocks = {row.digest: row.data for row in publish.rows if row.kind is RowKind.REF_BLOCK}
        # Not where a pack was named before, or took the place of others.
        is_front = len(manifest.packs) == len(draft.packs) + len(state.manifest.packs)
        self._loader.keep(publish.manifest, manifest, blocks, draft.objects if is_front else None)
        after = RepositoryState(state.record, Pointer(state.pointer.version + 1, publish.manifest), manifest)
        return _Step(wish, draft, publish, after)

    def _commit(self, steps: Sequence[_Step]) -> _Round:
        """If the steps do not count, they are to be derived anew."""
        published = [(step, step.publish) for step in steps if step.publish is not None]
        if published:
            try:
                outcome = self._catalog.publish(_joined([publish for _, publish in published]))
            except CondemnedBlob as error:
                _log.info("packs are stored again", extra={"fields": {"reason": str(error)}})
                for step in steps:
                    step.renew()
                return _Round.SPOILED
            except StorageError as error:
                return self._refuse(steps, error)
            if not isinstance(outcome, Committed):
                _log.debug("publish superseded", extra={"fields": {"repository": outcome.repository_id}})
                with self._contended_lock:
                    self._contended[steps[0].wish.line] = True
                return _Round.LOST
            first_version = outcome.pointer.version - len(published) + 1
            for version, (step, publish) in enumerate(published, first_version):
                is_last = version == outcome.pointer.version
                pointer = Pointer(version, publish.manifest)
                step.wish.committed = outcome if is_last else replace(outcome, pointer=pointer)
        for step in steps:
            step.wish.outcome = _Outcome(step.draft, step.error)
        return _Round.COUNTS

    @staticmethod
    def _refuse(steps: Sequence[_Step], error: StorageError) -> _Round:
        """One of several may be to blame: then each is tried alone. But who waited for the catalog waits no longer."""
        if len(steps) > 1 and not isinstance(error, CatalogBusy):
            return _Round.SPOILED
        for step in steps:
            step.wish.outcome = _Outcome(error=type(error)(*error.args))
        return _Round.COUNTS

    def _prepare(
        self, state: RepositoryState, draft: Draft, actor: Actor, kind: PublishKind
    ) -> tuple[Publish, Manifest]:
        old = state.manifest
        refs, blocks = old.refs.apply(draft.changes)
        named = {pack.digest for pack in old.packs} - draft.drops
        fresh = [pack for pack in draft.packs if pack.record.digest not in named]
        packs = _packs_after(old.packs, draft.drops, [pack.record for pack in fresh])
        self._check_limits(len(packs), len(refs))
        manifest = Manifest(
            object_format=old.object_format,
            head=draft.head or old.head,
            parent=None if draft.forgets_past else state.pointer.manifest,
            time_ms=max(now_ms(), old.time_ms),
            actor=actor.subject,
            request_id=actor.request_id,
            kind=kind,
            sealed=draft.sealed,
            packs=packs,
            refs=refs,
        )
        data = encode_manifest(manifest)
        rows = [Row(RowKind.REF_BLOCK, digest, block) for digest, block in blocks.items()]
        rows += [row for pack in fresh for row in pack.rows()]
        rows.append(Row(RowKind.MANIFEST, digest_of(data), data))
        blobs = [pack.blob for pack in fresh if pack.blob is not None]
        size_bytes = _size_bytes(packs)
        quota = NO_QUOTA
        if kind not in _BEYOND_QUOTA:
            self._check_size(state, size_bytes)
            quota = self._limits.owner_quota
        publish = Publish(
            state.record.id, state.pointer, digest_of(data), rows, blobs, size_bytes=size_bytes, quota=quota
        )
        return publish, manifest

    def _check_size(self, state: RepositoryState, size_bytes: int) -> None:
        """What adds nothing is never refused: a ref can be deleted in a repository that is too large."""
        limit_bytes = self._limits.max_repository_bytes
        if 0 < limit_bytes < size_bytes and size_bytes > _size_bytes(state.manifest.packs):
            raise ByteQuotaExceeded(state.record.id, size_bytes, limit_bytes)

    def _check_limits(self, pack_count: int, ref_count: int) -> None:
        if pack_count > self._limits.max_packs:
            raise LimitReached(f"the repository has {pack_count - 1} packs, the limit is {self._limits.max_packs}")
        if ref_count > self._limits.max_refs:
            raise LimitReached(f"the repository would have {ref_count} refs, the limit is {self._limits.max_refs}")

    @staticmethod
    def _announce(committed: Committed, actor: Actor, kind: PublishKind, draft: Draft, provenance: Provenance) -> None:
        # Law 7: what others hear of a publish follows its commit. The manifest chain is the record; this is a log line.
        _log.info(
            "published",
            extra={
                "fields": {
                    "repository": committed.repository_id,
                    "actor": actor.subject,
                    "request_id": actor.request_id,
                    "kind": kind.value,
                    "version": committed.pointer.version,
                    "ref_count": len(draft.changes),
                    "refs": [_shown(change) for change in draft.changes[:REFS_LOGGED]] or None,
                    **provenance.log_fields(),
                }
            },
        )


def _size_bytes(packs: Sequence[PackRecord]) -> int:
    return sum(pack.size_bytes for pack in packs)


def _packs_after(
    old: Sequence[PackRecord], drops: frozenset[bytes], fresh: Sequence[PackRecord]
) -> tuple[PackRecord, ...]:
    """New packs go to the front, or where those were that they replace: whatever is behind a pack stays closed."""
    at = next((place for place, pack in enumerate(old) if pack.digest in drops), 0)
    return (*old[:at], *fresh, *(pack for pack in old[at:] if pack.digest not in drops))


def _joined(publishes: Sequence[Publish]) -> Publish:
    """One from before the first to after the last, of which each was derived from the one before."""
    if len(publishes) == 1:
        return publishes[0]
    return replace(
        publishes[-1],
        expected=publishes[0].expected,
        rows=[row for publish in publishes for row in publish.rows],
        blobs=[blob for publish in publishes for blob in publish.blobs],
        steps=len(publishes),
    )


def _shown(change: RefChange) -> str:
    value = "deleted" if change.entry is None else change.entry.oid.hex()
    return f"{change.name.decode(errors='replace')} {value}"


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000
