"""Looking back and going back, in the words of a test."""

from __future__ import annotations

from collections.abc import Sequence

from core_ext import Cancel
from packengine.repository import RefAccess
from packengine.repository.history import HistoryPage, PastState
from packengine.repository.restore import Restored
from packengine.repository.writing import Writer
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Project

ADMIN = Writer(ACTOR)
ALICE = Writer(ACTOR, RefAccess(subject="alice", is_admin=False))


def page(project: Project, *, cursor: str | None = None, limit: int = 1000, max_moves: int = 1000) -> HistoryPage:
    """A page of its history."""
    state = project.engine.load(project.id)
    return project.engine.history.page(state, cursor=cursor, limit=limit, max_moves=max_moves, cancel=Cancel())


def kinds(project: Project) -> list[str]:
    """What kinds of publishes its history has, newest first."""
    return [publish.state.head.kind.value for publish in page(project).publishes]


def state_at(project: Project, at_ms: int) -> PastState:
    """The state at a time."""
    return project.engine.history.at(project.engine.load(project.id), at_ms, Cancel())


def refs_of(project: Project, past: PastState) -> dict[bytes, bytes]:
    """Every ref's value back then."""
    then = project.engine.history.as_state(project.engine.load(project.id), past)
    return {entry.name: entry.oid for entry in then.manifest.refs.scan()}


def restore(
    project: Project, past: PastState, names: Sequence[bytes] | None = None, writer: Writer = ADMIN
) -> Restored:
    """Go back."""
    state = project.engine.load(project.id)
    return project.engine.restorer.restore(state, project.engine.history.as_state(state, past), names, writer)
