"""Which commands of a push may move their refs: names, old values, kinds, folder conflicts, HEAD's branch.

The reasons are those that Git's receive-pack gives, so that its clients explain them as they always do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core_ext import ObjectDb
from packengine.protocol import Command, PushCommands, command_refusals
from packengine.refs import HiddenRefs, RefChange, RefEntry
from packengine.refs.names import is_branch
from packengine.repository.folder_conflicts import Births, stored_rivals
from packengine.repository.limits import Limits
from packengine.repository.protection import BEYOND_TOKEN, NOT_FORWARD, PROTECTED, Protection
from packengine.repository.ref_access import RefAccess
from packengine.repository.state import RepositoryState

READ_ONLY = "repository is read-only"
_LOST_RACE = "non-fast-forward"
_ATOMIC = "atomic push failure"
MISSING = "missing necessary objects"
_SHALLOW = "shallow update not allowed"
"""The same from a shallow client: the parents behind its boundary are not here either."""

_REMARKS = 20
_EVERYTHING = RefAccess.everything()


@dataclass(frozen=True, slots=True)
class RefPlan:
    """What a push does to the refs of one state."""

    changes: Sequence[RefChange]
    reasons: Sequence[str | None]
    """For each command in order: None if its ref moves, else why not."""

    keeps_reach: bool
    """Whether everything that the refs reached before is still reached afterwards."""

    remarks: Sequence[str] = ()
    """Sentences for the person who pushes, about what is protected: of a few refs."""


class ObjectLookup:
    """The objects that a push may name: those usable before, and those of its own pack.

    own: a database of the pack alone; both: of the pack in front of everything stored, for following what is named.
    """

    def __init__(self, usable: ObjectDb, own: ObjectDb | None, both: ObjectDb) -> None:
        self._usable = usable
        self._own = own
        self._both = both

    @property
    def everything(self) -> ObjectDb:
        """The database of the pack in front of everything stored."""
        return self._both

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
    request: PushCommands,
    state: RepositoryState,
    objects: ObjectLookup,
    limits: Limits,
    hidden: HiddenRefs,
    access: RefAccess = _EVERYTHING,
) -> RefPlan:
    """Judge every command against one state. In an atomic push one bad command fails all."""
    commands = request.commands
    stored = state.manifest.refs.get_many(command.name for command in commands)
    missing = _SHALLOW if request.shallow else MISSING
    protection = Protection(state.record.rules, access)
    remarks: list[str] = []
    reasons = [
        refusal
        or _hidden_refusal(command, hidden)
        or _repository_refusal(command, state, limits)
        or _rule_refusal(command, protection, remarks)
        or _refusal(command, stored.get(command.name), state)
        or _value_refusal(command, objects, missing)
        or _force_refusal(command, objects, protection, remarks)
        for command, refusal in zip(commands, command_refusals(commands), strict=True)
    ]
    _refuse_folder_conflicts(commands, reasons, state)
    if request.capabilities.atomic and any(reasons):
        reasons = [reason or _ATOMIC for reason in reasons]
    moved = [command for command, reason in zip(commands, reasons, strict=True) if reason is None]
    changes = [_change(command, objects) for command in moved]
    return RefPlan(changes, reasons, _keeps_reach(moved, stored, state, objects), remarks[:_REMARKS])


def _hidden_refusal(command: Command, hidden: HiddenRefs) -> str | None:
    if not hidden.hides(command.name):
        return None
    return "deny deleting a hidden ref" if command.is_delete else "deny updating a hidden ref"


def _repository_refusal(command: Command, state: RepositoryState, limits: Limits) -> str | None:
    if len(command.name) > limits.max_ref_name_bytes:
        return f"ref name is {len(command.name)} bytes long, the limit is {limits.max_ref_name_bytes}"
    return READ_ONLY if state.record.read_only else None


def _rule_refusal(command: Command, protection: Protection, remarks: list[str]) -> str | None:
    if protection.is_beyond_token(command.name):
        return BEYOND_TOKEN
    objection = protection.objection(command.name, deletes=command.is_delete)
    if objection is None:
        return None
    remarks.append(_remark(command, objection))
    return PROTECTED


def _force_refusal(command: Command, objects: ObjectLookup, protection: Protection, remarks: list[str]) -> str | None:
    """Asked last: whether a value descends from another can only be told of values that may be named."""
    old = command.old_or_none
    if old is None or command.is_delete or not protection.only_forward(command.name):
        return None
    if objects.reaches(old, command.new):
        return None
    remarks.append(_remark(command, NOT_FORWARD))
    return PROTECTED


def _remark(command: Command, objection: str) -> str:
    return f"{command.name.decode(errors='replace')}: {objection}"


def _refusal(command: Command, entry: RefEntry | None, state: RepositoryState) -> str | None:
    if command.is_delete:
        return _delete_refusal(command, entry, state)
    if (entry.oid if entry is not None else None) != command.old_or_none:
        return _LOST_RACE
    return None


def _value_refusal(command: Command, objects: ObjectLookup, missing: str) -> str | None:
    if command.is_delete:
        return None
    if not objects.contains(command.new):
        return missing
    if is_branch(command.name) and objects.kind(command.new) != "commit":
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
    """Refuse `a` beside `a/b`, counting what this push itself deletes and creates. Of its own the first wins."""
    allowed = [command for command, reason in zip(commands, reasons, strict=True) if reason is None]
    created = [
        at for at, command in enumerate(commands) if reasons[at] is None and command.is_create and not command.is_delete
    ]
    if not created:
        return
    deletions = [RefChange(command.name, None) for command in allowed if command.is_delete]
    stored = state.manifest.refs.preview(deletions) if deletions else state.manifest.refs
    names = [commands[at].name for at in created]
    rivals, births = stored_rivals(stored, names), Births(names)
    for at, name in zip(created, names, strict=True):
        rival = rivals.get(name) or births.rival_of(name)
        if rival is None:
            births.add(name)
        else:
            reasons[at] = f"{rival.decode('utf-8', 'replace')!r} exists; cannot create the ref beside it"


def _change(command: Command, objects: ObjectLookup) -> RefChange:
    if command.is_delete:
        return RefChange(command.name, None)
    return RefChange(command.name, RefEntry(command.name, command.new, objects.peel(command.new)))


def _keeps_reach(
    moved: Sequence[Command], stored: Mapping[bytes, RefEntry], state: RepositoryState, objects: ObjectLookup
) -> bool:
    head = _head_after(moved, state) if any(command.is_delete for command in moved) else None
    for command in moved:
        old = command.old_or_none if not command.is_delete else stored[command.name].oid
        new = head if command.is_delete else command.new
        if old is not None and (new is None or not objects.reaches(old, new)):
            return False
    return True


def _head_after(moved: Sequence[Command], state: RepositoryState) -> bytes | None:
    moved_to = next((c.new for c in moved if c.name == state.manifest.head and not c.is_delete), None)
    if moved_to is not None:
        return moved_to
    entry = state.head_entry()
    return None if entry is None else entry.oid
