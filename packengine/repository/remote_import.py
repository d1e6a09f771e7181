"""An import from another server: the objects that its refs reach and ours do not, and one publish of the refs.

Who drives it speaks HTTP, which nothing here knows of. The pack is taken in as a push's is, piece by piece, and refs
are judged as those of a push: by rules and limits, with each value compared, in every round of the publish (law 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from core_ext import Cancel, Cancelled, CoreError, IngestedPack, ObjectDb, PackIngest
from packengine.manifests import PublishKind
from packengine.protocol import Command, PushCapabilities, PushCommands
from packengine.protocol.client import RemoteRefs
from packengine.refs.names import BRANCH_PREFIX, is_branch
from packengine.repository.actor import Actor
from packengine.repository.errors import AccessEnded, ImportRefused
from packengine.repository.packs import open_ingest
from packengine.repository.publish import Draft
from packengine.repository.push_drafts import PushDrafts, PushMeans
from packengine.repository.ref_access import RefAccess
from packengine.repository.ref_rules import MISSING, READ_ONLY
from packengine.repository.remote_refs import BACKWARD, ImportWish, RefChoice, choose_refs, likely_newest_first
from packengine.repository.state import RepositoryState
from packengine.storage.ports import Committed

_MOST_KNOWN_COMMON = 1_000
"""Of the values that the remote lists and we have: each stands in every request, and a few say almost everything."""

_MOST_TIPS = 5_000
"""Of our refs: from so many the commits are looked for that the remote may have, too."""

_NO_CHOICE = RefChoice((), (), None)


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """How far it has come. A total of 0: it is not known yet."""

    received_bytes: int = 0
    received_objects: int = 0
    total_objects: int = 0
    resolved_deltas: int = 0
    total_deltas: int = 0


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of it. `committed` is None if everything was here already, or nothing could be taken."""

    committed: Committed | None
    moved: int
    """How many refs were created, moved or deleted."""

    refused: Sequence[tuple[bytes, str]]
    """(ref, why it was not moved)."""


class RemoteImport:
    """One import under way, from one thread at a time; `counts` and `cancel` from any.

    In this order: `choose`; if there are `wants`, then `haves` and `feed` as often as it takes, and `resolve`; then
    `publish`. Dropping it at any time leaves nothing behind but what was published.
    state: to be held open while this is used. may_publish: asked each time the publish is derived.
    """

    def __init__(
        self,
        means: PushMeans,
        state: RepositoryState,
        wish: ImportWish,
        actor: Actor,
        *,
        access: RefAccess,
        may_publish: Callable[[], bool],
    ) -> None:
        self._means = means
        self._state = state
        self._wish = wish
        self._actor = actor
        self._may_publish = may_publish
        self._drafts = PushDrafts(means, access)
        self._usable = means.visibility.usable(state)
        self._cancel = Cancel()
        self._choice = _NO_CHOICE
        self._commands: tuple[Command, ...] = ()
        self._backward: list[tuple[bytes, str]] = []
        self._told: set[bytes] = set()
        self._tips: list[bytes] | None = None
        self._ingest: PackIngest | None = None
        self._ingested: IngestedPack | None = None
        self.wants: Sequence[bytes] = ()
        """What is missing here of what the refs to be taken name."""

        self.known_common: Sequence[bytes] = ()
        """Values of the remote's refs that are here."""

    @property
    def prefixes(self) -> Sequence[bytes]:
        """What the names of the refs begin with that are meant."""
        return self._wish.prefixes()

    @property
    def max_pack_bytes(self) -> int:
        """What may come: as much as one push may bring, and the repository still take."""
        limits = self._means.limits
        if not limits.max_repository_bytes:
            return limits.max_pack_bytes
        stored_bytes = sum(pack.size_bytes for pack in self._state.manifest.packs)
        return min(limits.max_pack_bytes, max(0, limits.max_repository_bytes - stored_bytes))

    def choose(self, remote: RemoteRefs) -> None:
        """Find out what is to be moved and what is to be fetched for it. Raises ImportRefused."""
        if self._state.record.read_only:
            raise ImportRefused(READ_ONLY)
        self._choice = choose_refs(self._wish, remote, self._state, self._means.policy.hidden_refs)
        if len(self._choice.commands) > self._means.limits.max_refs:
            raise ImportRefused(f"more than {self._means.limits.max_refs} refs would be moved")
        values = dict.fromkeys(command.new for command in self._choice.commands if not command.is_delete)
        self.wants = [oid for oid in values if not self._usable.contains(oid)]
        listed = {ref.name: ref.oid for ref in remote.refs}
        here = (listed[name] for name in likely_newest_first(list(listed)) if self._usable.contains(listed[name]))
        self.known_common = list(islice(dict.fromkeys(here), _MOST_KNOWN_COMMON))

    def haves(self, count: int, common: Iterable[bytes]) -> list[bytes]:
        """So many commits that were not told before, the newest first, none that is known to lie behind `common`."""
        if self._tips is None:
            self._tips = self._own_tips()
        if count == 0 or not self._tips:
            return []
        walked = self._usable.walk_commits(
            self._tips, self._commits(common), limit=count + len(self._told), cancel=self._cancel
        )
        fresh = [oid for oid in walked if oid not in self._told][:count]
        self._told.update(fresh)
        return fresh

    def feed(self, chunk: bytes) -> None:
        """Take in bytes of the pack. Raises ImportRefused for a damaged one, OSError for a full disk."""
        if self._ingest is None:
            object_format = self._state.manifest.object_format
            self._ingest = open_ingest(self._means.quarantine, object_format, self._means.limits, self._cancel)
        try:
            used = self._ingest.feed(chunk)
        except Cancelled:
            raise
        except CoreError as error:
            raise ImportRefused(f"the remote's pack: {error}") from error
        if used < len(chunk):
            raise ImportRefused(f"the remote's pack: {len(chunk) - used} bytes after its trailer")

    def counts(self) -> ImportCounts:
        """At any time."""
        return ImportCounts() if self._ingest is None else ImportCounts(*self._ingest.progress())

    def cancel(self) -> None:
        """Stop the native work: what runs raises `Cancelled`."""
        self._cancel.set()

    def resolve(self) -> None:
        """The pack has ended: resolve its deltas, check its objects. Raises ImportRefused."""
        if self._ingest is None:
            raise ImportRefused("the remote sent no pack")
        try:
            ingested = self._ingest.finish(self._usable)
        except Cancelled:
            raise
        except CoreError as error:
            raise ImportRefused(f"the remote's pack: {error}") from error
        self._ingested = ingested if ingested.object_count else None

    def publish(self) -> ImportOutcome:
        """Move the refs; durable on return.

        Raises ImportRefused, AccessEnded, Cancelled, RepositoryMissing, LimitReached, and what a publish refuses.
        """
        if self._cancel.is_set():
            raise Cancelled("the import was cancelled")
        is_small = self._ingested is None or self._ingested.pack_path is None
        committed = self._means.publisher.publish(
            self._state, self._actor, PublishKind.IMPORT, self._derive, is_quick=is_small
        )
        reasons = zip(self._commands, self._drafts.plan.reasons, strict=True)
        refused = [(command.name, reason) for command, reason in reasons if reason is not None]
        moved = len(self._commands) - len(refused)
        return ImportOutcome(committed, moved, [*self._choice.refused, *self._backward, *refused])

    def _derive(self, state: RepositoryState) -> Draft | None:
        if not self._may_publish():
            raise AccessEnded("the import was cancelled, or another process took it up")
        state = self._with_new_head(state)
        self._commands = self._forward_only(state)
        draft = self._drafts.draft(state, PushCommands(self._commands, PushCapabilities()), self._ingested)
        for command, reason in zip(self._commands, self._drafts.plan.reasons, strict=True):
            if reason == MISSING:
                raise ImportRefused(f"the remote's pack lacks what {command.name.decode(errors='replace')} needs")
        return self._with_head(draft, state)

    def _with_new_head(self, state: RepositoryState) -> RepositoryState:
        """The state as it were if HEAD named its new branch already: the old one may be deleted then."""
        if self._choice.head is None:
            return state
        return replace(state, manifest=replace(state.manifest, head=self._choice.head))

    def _with_head(self, draft: Draft | None, state: RepositoryState) -> Draft | None:
        """state: with the new head. HEAD alone may be all that changes."""
        head = self._choice.head
        if draft is not None:
            return replace(draft, head=head or draft.head)
        if head is None or head == self._state.manifest.head:
            return None
        return Draft((), sealed=state.manifest.sealed, head=head)

    def _forward_only(self, state: RepositoryState) -> tuple[Command, ...]:
        """The commands, less those that would take something back, which only a mirror does."""
        self._backward = []
        if self._wish.mirror:
            return self._choice.commands
        objects = self._objects(state)
        is_backward = {command: _is_backward(command, objects) for command in self._choice.commands}
        self._backward = [(command.name, BACKWARD) for command, is_so in is_backward.items() if is_so]
        return tuple(command for command, is_so in is_backward.items() if not is_so)

    def _objects(self, state: RepositoryState) -> ObjectDb:
        usable = self._means.visibility.usable(state)
        return usable if self._ingested is None else usable.with_pack(self._ingested.pack())

    def _own_tips(self) -> list[bytes]:
        """Commits that our refs name: of branches first, since tags are mostly behind them."""
        refs = self._state.manifest.refs
        others = (entry for entry in refs.scan() if not is_branch(entry.name))
        entries = islice(chain(refs.with_prefix(BRANCH_PREFIX), others), _MOST_TIPS)
        return self._commits(entry.peeled or entry.oid for entry in entries)

    def _commits(self, oids: Iterable[bytes]) -> list[bytes]:
        """Those of them that are commits here, or tags of such."""
        peeled = (self._usable.peel(oid) for oid in oids if self._usable.contains(oid))
        return list(dict.fromkeys(oid for kind, oid in peeled if kind == "commit"))


def _is_backward(command: Command, objects: ObjectDb) -> bool:
    """Whether a branch would lose commits. What is not there is judged later."""
    if command.is_create or not objects.contains(command.new) or not objects.contains(command.old):
        return False
    (old_kind, old), (new_kind, new) = objects.peel(command.old), objects.peel(command.new)
    return old_kind != "commit" or new_kind != "commit" or not objects.is_ancestor(old, new)
