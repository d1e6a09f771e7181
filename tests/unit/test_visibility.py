"""Law 8: only what the refs reach, and for ten minutes what they reached, from a repository's own manifests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core_ext import Cancel, Cancelled
from packengine.manifests import Manifest
from packengine.repository import Engine, Limits, NotOurRef
from packengine.repository.growth import Growth, Span, View
from packengine.repository.state import StateLoader
from packengine.repository.visibility import Visibility
from packengine.storage.ports import RowKind
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Clock, Project, fork_of, move, needs, new_project, open_in_memory
from tests.support.fakes import MemoryCatalog

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


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[list[Manifest]]:
    """The manifests of each view that was built from nothing."""
    built: list[list[Manifest]] = []
    build = Visibility._built

    def noted(self: Visibility, manifests: list[Manifest], cancel: Cancel | None) -> View:
        built.append(manifests)
        return build(self, manifests, cancel)

    monkeypatch.setattr(Visibility, "_built", noted)
    return built


def test_what_takes_nothing_away_walks_no_history_again(
    engine: Engine, clock: Clock, builds: list[list[Manifest]]
) -> None:
    forced = Forced(engine, clock)
    project, objects = forced.project, forced.project.objects
    engine.pushes.visibility.usable(engine.load(project.id))
    builds.clear()
    one, two = objects.commit("one", forced.root), objects.commit("two", forced.root)
    merge, tag = objects.commit("merge", one, two), objects.tag(b"v1", two)
    project.pushed(MAIN, forced.root, one, one)
    project.pushed(SIDE, None, two, two)
    project.pushed(b"refs/tags/v1", None, tag, tag)
    project.pushed(MAIN, one, merge, merge)
    project.pushed(SIDE, two, None)
    assert all(may_want(project, oid) for oid in (merge, tag, forced.lost))
    clock.now_ms += GRACE_MS + 1
    assert [may_want(project, oid) for oid in (merge, tag, forced.lost)] == [True, True, False]
    assert builds == []


@pytest.mark.parametrize("taken", ["a branch that nothing else reaches", "an annotated tag"])
def test_what_takes_something_away_is_built_anew(
    engine: Engine, clock: Clock, builds: list[list[Manifest]], taken: str
) -> None:
    forced = Forced(engine, clock)
    value = forced.lost if taken.startswith("a branch") else forced.project.objects.tag(b"v1", forced.root)
    name = SIDE if taken.startswith("a branch") else b"refs/tags/v1"
    forced.project.pushed(name, None, value, value)
    visibility = engine.pushes.visibility
    assert visibility.usable(engine.load("project")).contains(value)
    builds.clear()
    forced.project.pushed(name, value, None)
    assert not visibility.usable(engine.load("project")).contains(value)
    assert builds == [[forced.project.manifest]]


def test_a_roll_up_walks_no_history_again(tmp_path: Path, clock: Clock, builds: list[list[Manifest]]) -> None:
    forced = Forced(open_in_memory(tmp_path, limits=Limits(rollup_packs=4)), clock)
    project, tip = forced.project, forced.root
    project.engine.pushes.visibility.usable(project.engine.load(project.id))
    builds.clear()
    for number in range(8):
        tip, before = project.objects.commit(f"commit {number}", tip), tip
        project.pushed(MAIN, before, tip, tip)
        project.engine.rollup.roll_up_if_due(project.id, ACTOR, Cancel())
    assert len(project.manifest.packs) < 6
    assert may_want(project, tip)
    assert not project.manifest.sealed
    assert builds == []


def test_a_cancelled_growth_leaves_no_view_and_the_next_fetch_grows_it(engine: Engine, clock: Clock) -> None:
    forced = Forced(engine, clock)
    assert may_want(forced.project, forced.root)
    new = forced.project.objects.commit("new", forced.root)
    forced.project.pushed(MAIN, forced.root, new, new)
    gone = Cancel()
    gone.set()
    with pytest.raises(Cancelled):
        engine.fetches.begin(engine.load("project"), needs(new), cancel=gone)
    assert may_want(forced.project, new)


def test_a_view_does_not_grow_over_a_value_that_was_not_stored(engine: Engine, clock: Clock) -> None:
    """It may be stored by now, and then the refs reach it."""
    Forced(engine, clock)
    state, growth = engine.load("project"), Growth(engine._loader)
    span = Span.ending_at(state, [state.manifest])
    view = View(engine.pushes.visibility.usable(state), tips_stored=True)
    assert growth.grown(state, view, span, span, None) is not None
    assert growth.grown(state, replace(view, tips_stored=False), span, span, None) is None


def test_a_view_does_not_grow_into_an_older_or_a_far_later_one(engine: Engine, clock: Clock) -> None:
    forced = Forced(engine, clock)
    before = engine.load("project")
    forced.project.pushed(SIDE, None, forced.root)
    after, growth = engine.load("project"), Growth(engine._loader)
    old, new = (Span.ending_at(state, [state.manifest]) for state in (before, after))
    views = [View(engine.pushes.visibility.usable(state), tips_stored=True) for state in (before, after)]
    assert growth.grown(after, views[0], old, new, None) is not None
    assert growth.grown(before, views[1], new, old, None) is None
    far = replace(new, oldest=new.oldest + 200, newest=new.newest + 200)
    assert growth.grown(after, views[0], old, far, None) is None


def test_a_view_does_not_grow_over_a_manifest_that_is_gone(tmp_path: Path, clock: Clock) -> None:
    catalog = MemoryCatalog()
    engine = open_in_memory(tmp_path, catalog=catalog)
    forced = Forced(engine, clock)
    before = engine.load("project")
    forced.project.pushed(SIDE, None, forced.root)
    after = engine.load("project")
    old, new = (Span.ending_at(state, [state.manifest]) for state in (before, after))
    view = View(engine.pushes.visibility.usable(before), tips_stored=True)

    def grown() -> View | None:
        """By one who has read no manifest yet."""
        loader = StateLoader(catalog, engine.pushes.shelf, Limits())
        return Growth(loader).grown(after, view, old, new, None)

    assert grown() is not None
    del catalog._rows[RowKind.MANIFEST, before.pointer.manifest]
    assert grown() is None


def test_a_view_does_not_grow_out_of_one_of_another_history(engine: Engine, clock: Clock) -> None:
    ours, theirs = Forced(engine, clock), Forced(engine, clock, "theirs")
    state, other = engine.load(ours.project.id), engine.load(theirs.project.id)
    span, past = (Span.ending_at(each, [each.manifest]) for each in (state, other))
    view = View(engine.pushes.visibility.usable(other), tips_stored=True)
    assert Growth(engine._loader).grown(state, view, past, span, None) is None


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
