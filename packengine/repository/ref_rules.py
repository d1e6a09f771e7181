"""Which commands of a push may move their refs: names, old values, kinds, folder conflicts, HEAD's branch.

The reasons are those that Git's receive-pack gives, so that its clients explain them as they always do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core_ext import ObjectDb

from packengine.protocol.receive_pack import Command
from packengine.refs import RefChange, RefEntry
from packengine.refs.names import is_valid_ref_name
from packengine.repository.limits import Limits
from packengine.repository.state import RepositoryState

_BRANCHES = b"refs/heads/"
_LOST_RACE = "non-fast-forward"
_ATOMIC = "atomic push failure"


@dataclass(frozen=True, slots=True)
class RefPlan:
    """What a push does to the refs of one state."""

    changes: Sequence[RefChange]
    reasons: Sequence[str | None]
    """For each command in order: None if its ref moves, else why not."""

    keeps_reach: bool
    """Whether everything that the refs reached before is still reached afterwards."""


class ObjectLookup:
    """The objects that a push may name: those usable before, and those of its own pack.

    own: a database of the pack alone; both: of the pack in front of everything stored, for following what is named.
    """

    def __init__(self, usable: ObjectDb, own: ObjectDb | None, both: ObjectDb) -> None:
        self._usable = usable
        self._own = own
        self._both = both

    def contains(self, oid: bytes) -> bool:
        """Whether the push may name it."""
        return self._usable.contains(oid) or (self._own is not None and self._own.contains(oid))

    def kind(self, oid: bytes) -> str:
        """The kind of an object that is contained."""
        header = self._both.header(oid)
        return header[0] if header is not None else "missing"

    def peel(self, oid: bytes) -> bytes | None:
        """What an annotated tag peels to; None for what is none."""
        peeled = self._both.peel(oid)[1]
        return None if peeled == oid else peeled

    def reaches(self, old: bytes, new: bytes) -> bool:
        """Whether a ref that moves from old to new still reaches all it did."""
        if old == new:
            return True
        return self.kind(old) == self.kind(new) == "commit" and self._both.is_ancestor(old, new)


def plan_refs(
    commands: Sequence[Command], state: RepositoryState, objects: ObjectLookup, limits: Limits, *, atomic: bool
) -> RefPlan:
    """Judge every command against one state. With `atomic` one bad command fails all."""
    reasons = [_refusal(command, state, objects, limits) for command in commands]
    _refuse_folder_conflicts(commands, reasons, state)
    if atomic and any(reasons):
        reasons = [reason or _ATOMIC for reason in reasons]
    moved = [command for command, reason in zip(commands, reasons, strict=True) if reason is None]
    changes = [_change(command, objects) for command in moved]
    return RefPlan(changes, reasons, _keeps_reach(moved, state, objects))


def _refusal(command: Command, state: RepositoryState, objects: ObjectLookup, limits: Limits) -> str | None:
    name = command.name
    if len(name) > limits.max_ref_name_bytes or not is_valid_ref_name(name):
        return "funny refname"
    if state.record.read_only:
        return "repository is read-only"
    entry = state.manifest.refs.get(name)
    if command.is_delete:
        return _delete_refusal(command, entry, state)
    if (entry.oid if entry is not None else None) != command.old_or_none:
        return _LOST_RACE
    if not objects.contains(command.new):
        return "missing necessary objects"
    if name.startswith(_BRANCHES) and objects.kind(command.new) != "commit":
        return "cannot point a branch at an object that is not a commit"
    return None


def _delete_refusal(command: Command, entry: RefEntry | None, state: RepositoryState) -> str | None:
    if entry is None:
        return "no such ref" if command.old_or_none is None else _LOST_RACE
    if command.name == state.manifest.head:
        return "deletion of the current branch prohibited"
    if command.old_or_none is not None and entry.oid != command.old_or_none:
        return _LOST_RACE
    return None


def _refuse_folder_conflicts(commands: Sequence[Command], reasons: list[str | None], state: RepositoryState) -> None:
    """Refuse `a` beside `a/b`, counting what this push itself creates and deletes."""
    gone = {c.name for c, r in zip(commands, reasons, strict=True) if r is None and c.is_delete}
    born: set[bytes] = set()
    for at, command in enumerate(commands):
        if reasons[at] is not None or command.is_delete or command.old_or_none is not None:
            continue
        rival = _folder_rival(command.name, state, gone, born)
        if rival is None:
            born.add(command.name)
        else:
            reasons[at] = f"{rival.decode('utf-8', 'replace')!r} exists; cannot create the ref beside it"


def _folder_rival(name: bytes, state: RepositoryState, gone: set[bytes], born: set[bytes]) -> bytes | None:
    parts = name.split(b"/")
    for depth in range(1, len(parts)):
        above = b"/".join(parts[:depth])
        if above in born or (above not in gone and state.manifest.refs.get(above) is not None):
            return above
    below = name + b"/"
    stored = (entry.name for entry in state.manifest.refs.with_prefix(below) if entry.name not in gone)
    return next(stored, None) or next((other for other in born if other.startswith(below)), None)


def _change(command: Command, objects: ObjectLookup) -> RefChange:
    if command.is_delete:
        return RefChange(command.name, None)
    return RefChange(command.name, RefEntry(command.name, command.new, objects.peel(command.new)))


def _keeps_reach(moved: Sequence[Command], state: RepositoryState, objects: ObjectLookup) -> bool:
    head = next((c.new for c in moved if c.name == state.manifest.head and not c.is_delete), None)
    if head is None and (entry := state.head_entry()) is not None:
        head = entry.oid
    for command in moved:
        old = command.old_or_none if not command.is_delete else _stored(command, state)
        new = head if command.is_delete else command.new
        if old is not None and (new is None or not objects.reaches(old, new)):
            return False
    return True


def _stored(command: Command, state: RepositoryState) -> bytes | None:
    entry = state.manifest.refs.get(command.name)
    return entry.oid if entry is not None else None
