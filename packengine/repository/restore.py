"""Refs as they were: values of a past state over the packs of the newest one, by one publish.

Nothing is taken back: the state that is left behind is a past state from then on, and can be restored as well. What
reads the newest state is made again if another publish came first: a restored ref has its old value, whoever moved it
meanwhile, and protection, read-only and what is stored are judged as they are then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packengine.manifests import PublishKind
from packengine.refs import HiddenRefs, RefChange, RefTable
from packengine.refs.comparison import RefMove, moves_between
from packengine.repository.errors import AccessEnded, RefRefused, RestoreRefused, StateGone
from packengine.repository.folder_conflicts import stored_rivals
from packengine.repository.protection import BEYOND_TOKEN, NOT_FORWARD, Protection
from packengine.repository.publish import Draft, Publisher
from packengine.repository.ref_rules import READ_ONLY, ObjectLookup
from packengine.repository.state import RepositoryState, StateLoader
from packengine.repository.writing import Writer
from packengine.storage.ports import Committed, Pointer, RowMissing

_SEALED_BY = 1000
"""Of more moves it is not asked whether they keep all that the refs reached: maintenance finds out."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restoration did. `pointer` is the newest, also if there was nothing to be done."""

    pointer: Pointer
    committed: Committed | None
    moves: Sequence[RefMove]


class Restorer:
    """Publishes the past again."""

    def __init__(self, loader: StateLoader, publisher: Publisher, hidden: HiddenRefs) -> None:
        self._loader = loader
        self._publisher = publisher
        self._hidden = hidden

    def restore(
        self,
        begun: RepositoryState,
        past: RepositoryState,
        names: Sequence[bytes] | None,
        writer: Writer,
    ) -> Restored:
        """Give refs the values that they had in a past state of the same repository; hidden ones stay as they are.

        names: of these refs alone; None for all, and then HEAD names again what it named. Durable on return. Raises
        StateGone, RefRefused, RestoreRefused, AccessEnded.
        """
        restoration = _Restoration(self._loader, self._hidden, past, names, writer)
        committed = self._publisher.publish(begun, writer.actor, PublishKind.RESTORE, restoration.draft)
        pointer = committed.pointer if committed is not None else restoration.seen.pointer
        return Restored(pointer, committed, restoration.moves)


class _Restoration:
    """One restoration, derived from one state after the other. `moves` are those of the last."""

    def __init__(
        self,
        loader: StateLoader,
        hidden: HiddenRefs,
        past: RepositoryState,
        names: Sequence[bytes] | None,
        writer: Writer,
    ) -> None:
        self._loader = loader
        self._hidden = hidden
        self._past = past
        self._names = names
        self._writer = writer
        self.seen = past
        self.moves: Sequence[RefMove] = ()

    def draft(self, state: RepositoryState) -> Draft | None:
        """Raises as `restore`."""
        if not self._writer.may_write():
            raise AccessEnded("access to the repository ended while this was restored")
        self.seen, self.moves = state, ()
        try:
            moves = list(self._moves(state))
        except RowMissing:
            raise _gone() from None
        head = self._past.manifest.head if self._names is None else state.manifest.head
        if not moves and head == state.manifest.head:
            return None
        lookup = self._lookup(state)
        self._check(state, moves, head, lookup)
        self.moves = moves
        return Draft(
            [RefChange(move.name, move.after) for move in moves], _stays_sealed(state, moves, lookup), head=head
        )

    def _moves(self, state: RepositoryState) -> Iterable[RefMove]:
        now, then = state.manifest.refs, self._past.manifest.refs
        moves = moves_between(now, then) if self._names is None else _named_moves(now, then, self._names)
        return (move for move in moves if not self._hidden.hides(move.name))

    def _lookup(self, state: RepositoryState) -> ObjectLookup:
        """Over all that is stored: that a ref of this repository had a value is leave to give it that again."""
        stored = self._loader.objects(state.manifest)
        return ObjectLookup(stored, None, stored)

    def _check(self, state: RepositoryState, moves: Sequence[RefMove], head: bytes, stored: ObjectLookup) -> None:
        if state.record.read_only:
            raise RefRefused(moves[0].name if moves else head, READ_ONLY, is_forbidden=True)
        protection = Protection(state.record.rules, self._writer.access)
        for move in moves:
            if move.after is not None and not stored.contains(move.after.oid):
                raise _gone()
            _check_rules(move, protection, stored)
            if self._names is not None and move.after is None and move.name == head:
                raise RestoreRefused(f"{_shown(move.name)}: HEAD names it, and it was not there then")
        _check_folders(state.manifest.refs, moves)


def _named_moves(now: RefTable, then: RefTable, names: Sequence[bytes]) -> Iterable[RefMove]:
    """Raises RestoreRefused for a name that neither table has."""
    before, after = now.get_many(names), then.get_many(names)
    for name in sorted(set(names)):
        old, new = before.get(name), after.get(name)
        if old is None and new is None:
            raise RestoreRefused(f"{_shown(name)}: no such ref, neither now nor then")
        if old is None or new is None or old.oid != new.oid:
            yield RefMove(name, old, new)


def _check_rules(move: RefMove, protection: Protection, stored: ObjectLookup) -> None:
    """What holds for pushes holds here: who may do away with it, changes the rules first."""
    reason = protection.objection(move.name, deletes=move.after is None)
    if protection.is_beyond_token(move.name):
        reason = BEYOND_TOKEN
    elif reason is None and move.before is not None and move.after is not None and protection.only_forward(move.name):
        reason = None if stored.reaches(move.before.oid, move.after.oid) else NOT_FORWARD
    if reason is not None:
        raise RefRefused(move.name, reason, is_forbidden=True)


def _check_folders(now: RefTable, moves: Sequence[RefMove]) -> None:
    """Of all refs none is in another's way then; of some, what stays may be."""
    born = [move.name for move in moves if move.before is None]
    if not born:
        return
    dying = [RefChange(move.name, None) for move in moves if move.after is None]
    rivals = stored_rivals(now.preview(dying) if dying else now, born)
    for name, rival in rivals.items():
        raise RestoreRefused(f"{_shown(name)}: cannot be beside {_shown(rival)}")


def _stays_sealed(state: RepositoryState, moves: Sequence[RefMove], stored: ObjectLookup) -> bool:
    if not state.manifest.sealed or len(moves) > _SEALED_BY:
        return False
    return all(
        move.before is None or (move.after is not None and stored.reaches(move.before.oid, move.after.oid))
        for move in moves
    )


def _gone() -> StateGone:
    return StateGone("what the refs reached then is no longer stored: it is beyond the retention of history")


def _shown(name: bytes) -> str:
    return name.decode(errors="replace")
