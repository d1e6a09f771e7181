"""The past of a repository: its own states, found by time and by manifest, and nothing from before it was made."""

from __future__ import annotations

from pathlib import Path

import pytest

from core_ext import Cancel, Cancelled
from packengine.manifests import decode_manifest_head, encode_manifest
from packengine.refs import HiddenRefs
from packengine.repository import Engine, ForkPoint, Limits, history
from packengine.repository.errors import BadCursor, StateGone, StateUnknown
from packengine.repository.history import PastPublish
from packengine.repository.push_policy import PushPolicy
from packengine.storage.ports import RowKind
from tests.support.collections import collect
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Project, fork_of, move, new_project, open_in_memory
from tests.support.moved_clock import MovedClock
from tests.support.past import kinds, page, refs_of, state_at

MAIN, SIDE = b"refs/heads/main", b"refs/heads/side"
LIMITS = Limits(rollup_packs=3)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    return MovedClock(monkeypatch)


@pytest.fixture
def engine(tmp_path: Path, clock: MovedClock) -> Engine:
    return open_in_memory(tmp_path, limits=LIMITS, policy=PushPolicy(HiddenRefs.of_patterns([b"refs/hidden"])))


class Story:
    """`main` is created at `one`, moved to `two`, joined by `side`, and deleted; each a second after the other."""

    def __init__(self, engine: Engine, clock: MovedClock) -> None:
        self.project = project = new_project(engine)
        self.objects = objects = project.objects
        self.begun_ms = clock.now_ms
        self.one = objects.commit("one")
        self.two = objects.commit("two", self.one)
        self.at_ms: list[int] = []
        steps = [
            (MAIN, None, self.one, (objects.empty_tree, self.one)),
            (MAIN, self.one, self.two, (self.two,)),
            (SIDE, None, self.one, ()),
            (SIDE, self.one, None, ()),
        ]
        for name, old, new, sent in steps:
            clock.move(ms=1000)
            project.pushed(name, old, new, *sent)
            self.at_ms.append(clock.now_ms)


@pytest.fixture
def story(engine: Engine, clock: MovedClock) -> Story:
    return Story(engine, clock)


def test_publishes_are_told_newest_first_with_what_they_moved(story: Story) -> None:
    told = page(story.project)
    assert told.cursor is None
    assert [publish.state.version for publish in told.publishes] == [5, 4, 3, 2, 1]
    assert [publish.state.began_ms for publish in told.publishes] == [*reversed(story.at_ms), story.begun_ms]
    assert kinds(story.project) == ["push"] * 4 + ["create"]
    values = [
        [(move.name, move.before and move.before.oid, move.after and move.after.oid) for move in publish.moves]
        for publish in told.publishes
    ]
    assert values == [
        [(SIDE, story.one, None)],
        [(SIDE, None, story.one)],
        [(MAIN, story.one, story.two)],
        [(MAIN, None, story.one)],
        [],
    ]


def test_a_state_lasts_from_its_publish_to_the_next(story: Story) -> None:
    for place, refs in enumerate([{MAIN: story.one}, {MAIN: story.two}, {MAIN: story.two, SIDE: story.one}]):
        for at_ms in (story.at_ms[place], story.at_ms[place + 1] - 1):
            assert refs_of(story.project, state_at(story.project, at_ms)) == refs
    assert refs_of(story.project, state_at(story.project, story.at_ms[0] - 1)) == {}
    assert refs_of(story.project, state_at(story.project, 10**14)) == {MAIN: story.two}


def test_before_a_repository_was_made_it_had_no_state(story: Story) -> None:
    with pytest.raises(StateUnknown, match="was made after"):
        state_at(story.project, story.begun_ms - 1)


def test_a_state_is_found_by_its_manifest(story: Story, engine: Engine) -> None:
    state = engine.load("project")
    for publish in page(story.project).publishes:
        assert engine.history.named(state, publish.state.digest, Cancel()) == publish.state


def test_pages_follow_each_other_whatever_is_published_meanwhile(story: Story) -> None:
    everything = page(story.project).publishes
    told: list[PastPublish] = []
    cursor = None
    while True:
        part = page(story.project, cursor=cursor, limit=2)
        told += part.publishes
        cursor = part.cursor
        if cursor is None:
            break
        story.project.pushed(b"refs/heads/%d" % len(told), None, story.one)
    assert told == everything


@pytest.mark.parametrize("cursor", ["", "x", "ä", "A" * 100])
def test_a_cursor_that_was_not_given_is_refused(story: Story, cursor: str) -> None:
    with pytest.raises(BadCursor):
        page(story.project, cursor=cursor)


def test_a_cursor_is_good_for_its_own_repository_only(story: Story, engine: Engine) -> None:
    cursor = page(story.project, limit=1).cursor
    with pytest.raises(BadCursor):
        page(fork_of(story.project, "fork"), cursor=cursor)
    engine.delete_repository("project", ACTOR, force=True)
    new_project(engine)
    with pytest.raises(BadCursor):
        page(story.project, cursor=cursor)


def test_of_a_publish_no_more_moves_are_told_than_asked_for(story: Story) -> None:
    commands = [(b"refs/heads/many/%d" % at, None, story.one) for at in range(5)]
    story.project.push(*(move(*command) for command in commands))
    newest = page(story.project, max_moves=3).publishes[0]
    assert ([move.name for move in newest.moves], newest.has_more_moves) == ([name for name, *_ in commands[:3]], True)
    exact = page(story.project, max_moves=5).publishes[0]
    assert (len(exact.moves), exact.has_more_moves) == (5, False)


def test_maintenance_is_passed_over_and_counts_to_what_a_request_looks_at(
    story: Story, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.rollup.roll_up_if_due("project", ACTOR, Cancel())
    for at in range(3):
        commit = story.objects.commit(f"more {at}")
        story.project.pushed(b"refs/heads/more%d" % at, None, commit, story.objects.empty_tree, commit)
    assert engine.rollup.roll_up_if_due("project", ACTOR, Cancel()) is not None
    everything = page(story.project).publishes
    assert [publish.state.head.kind.value for publish in everything] == ["push"] * 7 + ["create"]
    monkeypatch.setattr(history, "MAX_STATES_LISTED", 2)
    first = page(story.project)
    assert [publish.state.version for publish in first.publishes] == [engine.load("project").pointer.version - 1]
    told, cursor = list(first.publishes), first.cursor
    while cursor is not None:
        part = page(story.project, cursor=cursor)
        told, cursor = [*told, *part.publishes], part.cursor
    assert told == everything


def test_a_state_too_far_back_is_not_looked_for(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_STATES_WALKED", 2)
    assert state_at(story.project, story.at_ms[2]).version == 4
    with pytest.raises(StateUnknown, match="last 2 states"):
        state_at(story.project, story.at_ms[1])


def test_nobody_walks_on_for_a_client_that_went_away(story: Story, engine: Engine) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        engine.history.at(engine.load("project"), story.begun_ms, cancel)


# --- what is told of whom ---------------------------------------------------------------------------------------------


def test_the_past_of_a_fork_begins_with_the_fork(story: Story, engine: Engine, clock: MovedClock) -> None:
    clock.move(ms=5000)
    fork = fork_of(story.project, "fork")
    clock.move(ms=5000)
    fork.pushed(b"refs/heads/own", None, story.one)
    own, taken_over = page(fork).publishes
    assert (own.state.head.actor, [move.name for move in own.moves]) == (ACTOR.subject, [b"refs/heads/own"])
    assert (taken_over.state.is_foreign, taken_over.moves) == (True, ())
    assert taken_over.state.began_ms == engine.load("fork").record.created_at_s * 1000 > story.at_ms[-1]
    with pytest.raises(StateUnknown):
        state_at(fork, story.at_ms[-1])
    before = page(story.project).publishes[1].state.digest
    with pytest.raises(StateUnknown):
        engine.history.named(engine.load("fork"), before, Cancel())


def test_a_fork_whose_source_is_gone_tells_no_more_of_it(story: Story, engine: Engine, clock: MovedClock) -> None:
    clock.move(ms=5000)
    fork = fork_of(story.project, "fork")
    engine.delete_repository("project", ACTOR, force=True)
    (first,) = page(fork).publishes
    assert first.state.is_foreign


def test_a_fork_of_a_new_repository_does_not_take_its_creation_for_its_own(engine: Engine, clock: MovedClock) -> None:
    project = new_project(engine)
    clock.move(ms=5000)
    assert page(fork_of(project, "fork")).publishes[0].state.is_foreign
    assert not page(project).publishes[0].state.is_foreign


def test_a_fork_of_a_part_was_made_by_whoever_forked(story: Story, engine: Engine, clock: MovedClock) -> None:
    clock.move(ms=5000)
    engine.fork_repository("project", "part", ACTOR, point=ForkPoint(ref="main"))
    (first,) = page(Project(engine, "part")).publishes
    assert (first.state.is_foreign, first.state.head.kind.value, first.state.began_ms) == (False, "fork", clock.now_ms)
    assert [move.name for move in first.moves] == [MAIN]


def test_hidden_refs_are_not_told_of(story: Story, engine: Engine, tmp_path: Path) -> None:
    opened = Project(open_in_memory(tmp_path / "open", catalog=engine.catalog), "project")  # type: ignore[arg-type]
    opened.pushed(b"refs/hidden/x", None, story.one)
    assert [move.name for move in page(opened).publishes[0].moves] == [b"refs/hidden/x"]
    assert not page(story.project).publishes[0].moves


# --- what is collected ------------------------------------------------------------------------------------------------


def test_the_past_ends_where_older_states_were_collected(story: Story, engine: Engine, clock: MovedClock) -> None:
    clock.move(days=31)
    story.project.pushed(b"refs/heads/late", None, story.one)
    told = page(story.project, limit=1)
    for _ in range(2):
        collect(engine)
        clock.move(days=2)
    collect(engine)
    assert len(page(story.project).publishes) == 2
    with pytest.raises(StateGone):
        state_at(story.project, story.at_ms[0])
    with pytest.raises(StateGone):
        engine.history.named(engine.load("project"), bytes(32), Cancel())
    oldest = page(story.project).publishes[-1]
    assert (oldest.moves, oldest.has_more_moves) == ((), True)
    assert page(story.project, cursor=told.cursor).publishes == [oldest]


def test_a_cursor_to_what_was_collected_says_so(story: Story, engine: Engine, clock: MovedClock) -> None:
    cursor = page(story.project, limit=3).cursor
    clock.move(days=31)
    for _ in range(2):
        collect(engine)
        clock.move(days=2)
    with pytest.raises(StateGone):
        page(story.project, cursor=cursor)


def test_the_head_of_a_manifest_is_what_the_whole_says(story: Story, engine: Engine) -> None:
    manifest = engine.load("project").manifest
    head = decode_manifest_head(encode_manifest(manifest))
    assert (head.head, head.parent, head.time_ms, head.actor, head.request_id, head.kind) == (
        manifest.head,
        manifest.parent,
        manifest.time_ms,
        manifest.actor,
        manifest.request_id,
        manifest.kind,
    )
    assert engine.catalog.has_row(RowKind.MANIFEST, head.parent or b"")
