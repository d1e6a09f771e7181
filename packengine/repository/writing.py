"""Writing without Git's wire: commits, merges, refs and notes, made here and published as pushes are.

What is to be written is proposed of a state, and proposed again of the next one if another publish came first: each
proposal says which values its refs have, or that they are not as whoever asked expects them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from core_ext import CollisionDetected, FsckFailed, IngestedPack, LimitExceeded
from packengine.manifests import PublishKind
from packengine.protocol import Command, PushCapabilities, PushCommands
from packengine.refs import HiddenRefs
from packengine.repository.actor import Actor
from packengine.repository.errors import AccessEnded, RefRefused, WriteRefused
from packengine.repository.packs import open_ingest
from packengine.repository.protection import BEYOND_TOKEN, PROTECTED
from packengine.repository.publish import Draft
from packengine.repository.push_drafts import PushDrafts, PushMeans
from packengine.repository.ref_access import RefAccess
from packengine.repository.ref_rules import READ_ONLY
from packengine.repository.state import RepositoryState
from packengine.storage.ports import Committed

_FORBIDDEN = frozenset({READ_ONLY, BEYOND_TOKEN, PROTECTED})
_HIDDEN = "deny updating a hidden ref"
_EVERYTHING = RefAccess.everything()
_ALL_OR_NONE = PushCapabilities(atomic=True)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, and which refs they may move."""

    actor: Actor
    access: RefAccess = _EVERYTHING
    may_write: Callable[[], bool] = lambda: True
    """Whether they still may, asked each time that the write is derived from a state."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a write makes of one state: the refs that are to move, all or none, and a pack of what they need."""

    request: PushCommands
    pack: IngestedPack | None = None


Propose = Callable[[RepositoryState], Proposal | None]
"""None: there is nothing to do. Raises what the state shows to be wrong. Called once for each round."""


def publish_written(
    means: PushMeans, begun: RepositoryState, propose: Propose, writer: Writer, kind: PublishKind, *, is_quick: bool
) -> Committed | None:
    """Publish what is proposed of the newest state; None if that is nothing. Durable on return.

    begun, is_quick: as Publisher.publish has them. Raises RefRefused, AccessEnded, and what `propose` raises.
    """
    drafts = PushDrafts(means, writer.access)

    def derive(state: RepositoryState) -> Draft | None:
        if not writer.may_write():
            raise AccessEnded("access to the repository ended while this was written")
        proposal = propose(state)
        if proposal is None:
            return None
        draft = drafts.draft(state, proposal.request, proposal.pack)
        _raise_refusals(proposal.request, drafts)
        return draft

    return means.publisher.publish(begun, writer.actor, kind, derive, is_quick=is_quick)


def one_command(state: RepositoryState, ref: bytes, old: bytes | None, new: bytes | None) -> PushCommands:
    """The command that moves one ref; None where there is no value."""
    nothing = bytes(state.manifest.oid_len)
    return PushCommands((Command(old or nothing, new or nothing, ref),), _ALL_OR_NONE)


def value_of(state: RepositoryState, ref: bytes, hidden: HiddenRefs) -> bytes | None:
    """What a ref that is to be moved stands for. Raises RefRefused for a hidden one, whose value nobody is told."""
    if hidden.hides(ref):
        raise RefRefused(ref, _HIDDEN, is_forbidden=True)
    entry = state.manifest.refs.get(ref)
    return None if entry is None else entry.oid


def ingest_written(means: PushMeans, state: RepositoryState, pieces: Iterable[bytes]) -> IngestedPack:
    """A pack that was made here, checked as one that was pushed. Raises WriteRefused for what fsck refuses."""
    ingest = open_ingest(means.quarantine, state.manifest.object_format, means.limits)
    try:
        for piece in pieces:
            ingest.feed(piece)
        return ingest.finish(means.visibility.usable(state))
    except (FsckFailed, LimitExceeded, CollisionDetected) as error:
        raise WriteRefused(str(error)) from error


def _raise_refusals(request: PushCommands, drafts: PushDrafts) -> None:
    for command, reason in zip(request.commands, drafts.plan.reasons, strict=True):
        if reason is not None:
            said = drafts.plan.remarks[0].partition(": ")[2] if reason == PROTECTED else reason
            raise RefRefused(command.name, said, is_forbidden=reason in _FORBIDDEN)
