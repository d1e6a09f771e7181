"""What a push would change: its commands and its pack, derived from one state and, if another publish came first, from
the next one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core_ext import IngestedPack, ObjectDb
from packengine.protocol import PushCommands
from packengine.refs import RefChange
from packengine.refs.names import is_branch
from packengine.repository.limits import Limits
from packengine.repository.packs import PackIntake, PackShelf, open_database
from packengine.repository.publish import Draft, Publisher
from packengine.repository.push_policy import PushPolicy
from packengine.repository.ref_access import RefAccess
from packengine.repository.ref_rules import ObjectLookup, RefPlan, plan_refs
from packengine.repository.state import RepositoryState
from packengine.repository.visibility import Visibility
from packengine.storage.ports import BlobStore


@dataclass(eq=False)
class PushMeans:
    """What pushes to the repositories of one engine work with."""

    publisher: Publisher
    visibility: Visibility
    shelf: PackShelf
    blobs: BlobStore
    quarantine: Path
    limits: Limits
    policy: PushPolicy


class PushDrafts:
    """Drafts of one push. `plan` is the last one's: what became of each command."""

    def __init__(self, means: PushMeans, access: RefAccess) -> None:
        self._means = means
        self._access = access
        self._intake: PackIntake | None = None
        self.plan = RefPlan((), (), keeps_reach=True)

    def draft(self, state: RepositoryState, request: PushCommands, ingested: IngestedPack | None) -> Draft | None:
        """What is to be published, or None if no ref may move. All that it reads of the repository is the state's."""
        means = self._means
        usable = means.visibility.usable(state)
        pack = self._closed(ingested, usable)
        lookup = self._lookup(state, usable, pack)
        self.plan = plan_refs(request, state, lookup, means.limits, means.policy.hidden_refs, self._access)
        if not self.plan.changes:
            return None
        tips = [change.entry.oid for change in self.plan.changes if change.entry is not None]
        intakes = self._intakes(pack if tips else None)
        return Draft(
            changes=self.plan.changes,
            sealed=self.plan.keeps_reach
            and means.visibility.all_usable(state)
            and (not intakes or pack is None or pack.unreferenced(tips, usable) == 0),
            packs=intakes,
            # A blob is opened anew, by the path where it stays.
            objects=lookup.everything if intakes and intakes[0].blob is None else None,
            head=_first_branch(state, self.plan.changes),
        )

    def drop_pack(self) -> None:
        """Let go of the pack: whoever reports what became of the push may take a while."""
        self._intake = None

    def _lookup(self, state: RepositoryState, usable: ObjectDb, pack: IngestedPack | None) -> ObjectLookup:
        if pack is None:
            return ObjectLookup(usable, None, usable)
        opened = pack.pack()
        own = open_database([opened], state.manifest.object_format, self._means.limits)
        return ObjectLookup(usable, own, usable.with_pack(opened))

    def _closed(self, pack: IngestedPack | None, usable: ObjectDb) -> IngestedPack | None:
        """The pack as it may be stored: whole, or less what has no closure (law 1), which no ref may name then."""
        if pack is None or not pack.missing_edges(usable, limit=1):
            return pack
        path = self._means.quarantine / f"{secrets.token_hex(16)}.pack"
        closed = pack.without_broken(str(path), (), usable)
        return closed if closed.object_count else None

    def _intakes(self, pack: IngestedPack | None) -> tuple[PackIntake, ...]:
        if pack is None:
            return ()
        if self._intake is None or self._intake.ingested is not pack:
            # A round that was superseded may have stored the pack already: its intake remembers.
            self._intake = PackIntake(pack, self._means.shelf, self._means.blobs, self._means.limits)
        return (self._intake,)


def _first_branch(state: RepositoryState, changes: Sequence[RefChange]) -> bytes | None:
    """HEAD of an empty repository follows the first branch that is pushed, unless its own branch is among them."""
    if len(state.manifest.refs) > 0:
        return None
    born = [change.name for change in changes if change.entry is not None and is_branch(change.name)]
    return None if not born or state.manifest.head in born else born[0]
