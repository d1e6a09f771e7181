"""One state of a repository, opened for reading: all that a request reads, it reads here."""

from __future__ import annotations

from dataclasses import dataclass

from core_ext import ObjectDb
from packengine.refs import HiddenRefs
from packengine.repository.ref_lookup import RefLookup
from packengine.repository.state import RepositoryState
from packengine.repository.visibility import Visibility


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the refs reach in one state (design, law 8), and the refs that clients may know of."""

    state: RepositoryState
    objects: ObjectDb
    refs: RefLookup

    @property
    def repository_id(self) -> str:
        """Whose state it is."""
        return self.state.record.id


def open_snapshot(state: RepositoryState, visibility: Visibility, hidden: HiddenRefs) -> Snapshot:
    """The state as a reader sees it."""
    return Snapshot(state, visibility.usable(state), RefLookup(state, hidden))
