"""Law 8: only what the refs reach, and for ten minutes what they reached, from a repository's own manifests."""

from __future__ import annotations

from pathlib import Path

import pytest

from core_ext import Cancel, Cancelled
from packengine.repository import Engine, Limits, NotOurRef
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Clock, Project, fork_of, move, needs, new_project, open_in_memory

MAIN = b"refs/heads/main"
SIDE = b"refs/heads/side"
GRACE_MS = 600_000


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def engine(tmp_path: Path, clock: Clock) -> Engine:
    assert clock.now_ms
    return open_in_memory(tmp_path)


class Forced:
    """A project whose `main` was forced from `lost` back to `root`, at `at_ms`."""

    def __init__(self, engine: Engine, clock: Clock, repository_id: str = "project") -> None:
        self.project = new_project(engine, repository_id)
        objects = self.project.objects
        self.root = objects.commit("root")
        self.lost = objects.commit(f"lost of {repository_id}", self.root)
        self.project.pushed(MAIN, None, self.lost, objects.empty_tree, self.root, self.lost)
        clock.now_ms += 1000
        self.at_ms = clock.now_ms
        self.project.pushed(MAIN, self.lost, self.root)


def may_want(project: Project, oid: bytes) -> bool:
    try:
        project.engine.fetches.begin(project.engine.load(project.id), needs(oid))
    except NotOurRef:
        return False
    return True


def test_the_default_grace_is_ten_minutes() -> None:
    assert Limits().want_grace_ms == GRACE_MS


@pytest.mark.parametrize(("after_ms", "wantable"), [(0, True), (GRACE_MS, True), (GRACE_MS + 1, False)])
def test_a_value_that_moved_away_stays_wantable_for_the_grace(
    engine: Engine, clock: Clock, after_ms: int, wantable: bool
) -> None:
    forced = Forced(engine, clock)
    clock.now_ms = forced.at_ms + after_ms
    assert may_want(forced.project, forced.lost) is wantable
    assert may_want(forced.project, forced.root)


def test_the_grace_counts_from_when_the_value_went_not_from_when_it_came(engine: Engine, clock: Clock) -> None:
    project = new_project(engine)
    root = project.objects.commit("root")
    old = project.objects.commit("old", root)
    project.pushed(MAIN, None, old, project.objects.empty_tree, root, old)
    clock.now_ms += 10 * GRACE_MS
    project.pushed(MAIN, old, root)
    clock.now_ms += GRACE_MS
    assert may_want(project, old)
    clock.now_ms += 1
    assert not may_want(project, old)


def test_the_grace_reaches_over_several_publishes(engine: Engine, clock: Clock) -> None:
    forced = Forced(engine, clock)
    for number in range(5):
        clock.now_ms += 1000
        forced.project.pushed(b"refs/heads/topic-%d" % number, None, forced.root)
    assert may_want(forced.project, forced.lost)


def test_a_publish_does_not_prolong_the_grace(engine: Engine, clock: Clock) -> None:
    forced = Forced(engine, clock)
    clock.now_ms = forced.at_ms + GRACE_MS
    forced.project.pushed(SIDE, None, forced.root)
    clock.now_ms += 1
    assert not may_want(forced.project, forced.lost)


def test_the_grace_is_a_limit_that_an_operator_sets(tmp_path: Path, clock: Clock) -> None:
    forced = Forced(open_in_memory(tmp_path, limits=Limits(want_grace_ms=5000)), clock)
    clock.now_ms = forced.at_ms + 5000
    assert may_want(forced.project, forced.lost)
    clock.now_ms += 1
    assert not may_want(forced.project, forced.lost)


def test_what_is_wantable_within_the_grace_is_still_not_usable(engine: Engine, clock: Clock) -> None:
    forced = Forced(engine, clock)
    assert may_want(forced.project, forced.lost)
    assert forced.project.push(move(SIDE, None, forced.lost)) == ["missing necessary objects"]


def test_the_grace_never_reaches_past_a_fork_point(engine: Engine, clock: Clock) -> None:
    forced = Forced(engine, clock)
    fork = fork_of(forced.project, "a-fork")
    assert not may_want(fork, forced.lost)
    fork.pushed(SIDE, None, forced.root)
    fork.pushed(b"refs/heads/more", None, forced.root)
    assert not may_want(fork, forced.lost)
    assert may_want(forced.project, forced.lost)


def test_a_fork_has_a_grace_of_its_own(engine: Engine, clock: Clock) -> None:
    forced = Forced(engine, clock)
    fork = fork_of(forced.project, "a-fork")
    own = forced.project.objects.commit("own", forced.root)
    fork.pushed(SIDE, None, own, own)
    fork.pushed(SIDE, own, None)
    assert may_want(fork, own)
    assert not may_want(forced.project, own)


def test_what_a_fork_began_with_stays_wantable_when_the_fork_moves_away_from_it(engine: Engine, clock: Clock) -> None:
    forced = Forced(engine, clock)
    forced.project.pushed(SIDE, None, forced.lost, forced.lost)
    fork = fork_of(forced.project, "a-fork")
    fork.pushed(SIDE, forced.lost, None)
    assert may_want(fork, forced.lost)


def test_the_grace_of_a_reused_id_does_not_reach_into_what_its_source_did(engine: Engine, clock: Clock) -> None:
    """A reused id goes on with its old versions: counted from 1, the chain of the source would look like its own."""
    forced = Forced(engine, clock, "the-source")
    first = Forced(engine, clock, "reused")
    engine.delete_repository("reused", ACTOR)
    reused = fork_of(forced.project, "reused")
    assert engine.load("reused").pointer.version > 3
    assert not may_want(reused, forced.lost)
    assert not may_want(reused, first.lost)
    reused.pushed(SIDE, None, forced.root)
    assert not may_want(reused, forced.lost)


def test_own_history_ends_with_the_manifest_that_the_repository_began_with(engine: Engine, clock: Clock) -> None:
    forced = Forced(engine, clock)
    fork = fork_of(forced.project, "a-fork")
    began = fork.manifest
    fork.pushed(SIDE, None, forced.root)
    loader = engine._loader
    assert list(loader.own_history(engine.load("a-fork"))) == [fork.manifest, began]
    assert [len(m.refs) for m in loader.own_history(engine.load("project"))] == [1, 1, 0]


def test_in_a_sealed_state_everything_stored_is_wantable(engine: Engine, clock: Clock) -> None:
    project = new_project(engine)
    root = project.objects.commit("root")
    child = project.objects.commit("child", root)
    project.pushed(MAIN, None, child, project.objects.empty_tree, root, child)
    clock.now_ms += 100 * GRACE_MS
    assert all(may_want(project, oid) for oid in (root, child, project.objects.empty_tree))


def test_a_view_is_built_once_for_a_state_of_the_refs(engine: Engine, clock: Clock) -> None:
    forced = Forced(engine, clock)
    visibility, state = engine.pushes.visibility, engine.load("project")
    assert visibility.usable(state) is visibility.usable(engine.load("project"))
    before = visibility.usable(state)
    forced.project.pushed(SIDE, None, forced.root)
    assert visibility.usable(engine.load("project")) is not before


def test_a_want_after_the_grace_does_not_get_the_view_of_before(engine: Engine, clock: Clock) -> None:
    forced = Forced(engine, clock)
    assert may_want(forced.project, forced.lost)
    clock.now_ms = forced.at_ms + GRACE_MS + 1
    assert not may_want(forced.project, forced.lost)


def test_a_cancelled_walk_leaves_no_view_and_the_next_fetch_walks_anew(engine: Engine, clock: Clock) -> None:
    forced = Forced(engine, clock)
    gone = Cancel()
    gone.set()
    state = engine.load(forced.project.id)
    with pytest.raises(Cancelled):
        engine.fetches.begin(state, needs(forced.root), cancel=gone)
    assert may_want(forced.project, forced.root)
