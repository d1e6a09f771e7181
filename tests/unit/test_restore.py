"""Going back: old values over the newest packs, judged as they are at the moment of the publish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from packengine.manifests import PublishKind
from packengine.refs import HiddenRefs
from packengine.refs.rules import RefRule
from packengine.repository import Engine, Limits, RefAccess
from packengine.repository.errors import AccessEnded, RefRefused, RestoreRefused, StateGone
from packengine.repository.history import PastState
from packengine.repository.push_policy import PushPolicy
from packengine.repository.restore import Restored
from packengine.storage.ports import RepositoryMissing
from tests.support.collections import collect
from tests.support.engine_pushes import ACTOR
from tests.support.engines import OvertakenCatalog, fork_of, move, new_project, open_in_memory
from tests.support.moved_clock import MovedClock
from tests.support.past import ADMIN, ALICE, page, restore, state_at

MAIN, SIDE, TAG = b"refs/heads/main", b"refs/heads/side", b"refs/tags/v1"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    return MovedClock(monkeypatch)


@pytest.fixture
def catalog() -> OvertakenCatalog:
    return OvertakenCatalog()


@pytest.fixture
def engine(tmp_path: Path, clock: MovedClock, catalog: OvertakenCatalog) -> Engine:
    hidden = PushPolicy(HiddenRefs.of_patterns([b"refs/hidden"]))
    return open_in_memory(tmp_path, catalog=catalog, limits=Limits(tail_pack_bytes=2000), policy=hidden)


class Accident:
    """Once `main` and `side` were at `good` and a tag on it; then `main` was forced, `side` deleted, `new` made."""

    def __init__(self, engine: Engine, clock: MovedClock) -> None:
        self.engine = engine
        self.project = project = new_project(engine)
        self.objects = objects = project.objects
        self.root, self.bad = objects.commit("root"), objects.commit("bad")
        self.good = objects.commit("good", self.root)
        self.tag = objects.tag(b"v1", self.good)
        project.pushed(MAIN, None, self.good, objects.empty_tree, self.root, self.good)
        project.pushed(SIDE, None, self.good)
        project.pushed(TAG, None, self.tag, self.tag)
        self.before = self.newest()
        clock.move(ms=1000)
        project.pushed(MAIN, self.good, self.bad, objects.empty_tree, self.bad)
        project.pushed(SIDE, self.good, None)
        project.pushed(TAG, self.tag, None)
        project.pushed(b"refs/heads/new", None, self.bad)
        self.after = self.newest()
        clock.move(ms=1000)

    def newest(self) -> PastState:
        return page(self.project, limit=1).publishes[0].state

    def back(self, names: Sequence[bytes] | None = None) -> Restored:
        return restore(self.project, self.before, names)


@pytest.fixture
def accident(engine: Engine, clock: MovedClock) -> Accident:
    return Accident(engine, clock)


THEN = (MAIN, SIDE, TAG)


def test_all_refs_are_as_they_were(accident: Accident) -> None:
    restored = accident.back()
    assert accident.project.refs == {MAIN: accident.good, SIDE: accident.good, TAG: accident.tag}
    assert accident.project.manifest.refs.get(TAG).peeled == accident.good  # type: ignore[union-attr]
    moved = {move.name: (move.before and move.before.oid, move.after and move.after.oid) for move in restored.moves}
    assert moved == {
        MAIN: (accident.bad, accident.good),
        b"refs/heads/new": (accident.bad, None),
        SIDE: (None, accident.good),
        TAG: (None, accident.tag),
    }
    assert restored.committed is not None
    assert restored.pointer == accident.engine.load("project").pointer
    assert (accident.project.manifest.kind, accident.project.manifest.actor) == (PublishKind.RESTORE, ACTOR.subject)
    assert accident.project.problems() == []


def test_the_undoing_can_be_undone(accident: Accident) -> None:
    refs = accident.project.refs
    accident.back()
    restore(accident.project, accident.after)
    assert accident.project.refs == refs
    assert accident.project.problems() == []


def test_what_is_as_it_was_needs_no_publish(accident: Accident) -> None:
    accident.back()
    pointer = accident.engine.load("project").pointer
    again = accident.back()
    assert (again.committed, again.pointer, list(again.moves)) == (None, pointer, [])
    assert accident.engine.load("project").pointer == pointer


def test_some_refs_alone_are_restored(accident: Accident) -> None:
    restored = accident.back([SIDE, b"refs/heads/new", SIDE])
    assert [move.name for move in restored.moves] == [b"refs/heads/new", SIDE]
    assert accident.project.refs == {MAIN: accident.bad, SIDE: accident.good}


def test_head_is_restored_along_with_all_refs_only(accident: Accident) -> None:
    accident.engine.move_head(accident.engine.load("project"), "new", ACTOR)
    accident.back([MAIN])
    assert accident.project.manifest.head == b"refs/heads/new"
    accident.back()
    assert accident.project.manifest.head == MAIN


def test_the_branch_that_head_names_is_not_deleted(accident: Accident) -> None:
    accident.engine.move_head(accident.engine.load("project"), "new", ACTOR)
    with pytest.raises(RestoreRefused, match="HEAD names it"):
        accident.back([b"refs/heads/new"])


def test_a_ref_that_never_was_cannot_be_restored(accident: Accident) -> None:
    with pytest.raises(RestoreRefused, match="neither now nor then"):
        accident.back([MAIN, b"refs/heads/none"])
    assert accident.project.refs[MAIN] == accident.bad


def test_a_ref_beside_which_another_one_stands_now_is_refused(accident: Accident) -> None:
    accident.project.pushed(b"refs/heads/side/x", None, accident.bad)
    with pytest.raises(RestoreRefused, match="cannot be beside refs/heads/side/x"):
        accident.back([SIDE])
    accident.back([SIDE, b"refs/heads/side/x"])
    assert accident.project.refs == {MAIN: accident.bad, b"refs/heads/new": accident.bad, SIDE: accident.good}


def test_hidden_refs_stay_as_they_are(accident: Accident, tmp_path: Path) -> None:
    open_engine = open_in_memory(tmp_path / "open", catalog=accident.engine.catalog)  # type: ignore[arg-type]
    opened = type(accident.project)(open_engine, "project", accident.objects)
    opened.pushed(b"refs/hidden/x", None, accident.bad)
    accident.back()
    assert accident.project.refs[b"refs/hidden/x"] == accident.bad


def test_a_state_with_nothing_in_it_can_be_restored(accident: Accident) -> None:
    empty = page(accident.project).publishes[-1].state
    restore(accident.project, empty)
    assert accident.project.refs == {}
    accident.back()
    assert set(accident.project.refs) == set(THEN)


# --- sealed, and what is shown ----------------------------------------------------------------------------------------


def test_going_forward_keeps_a_repository_sealed_and_going_back_does_not(engine: Engine) -> None:
    project = new_project(engine, "line")
    objects = project.objects
    one = objects.commit("one")
    two = objects.commit("two", one)
    project.pushed(MAIN, None, one, objects.empty_tree, one)
    at_one = page(project).publishes[0].state
    project.pushed(MAIN, one, two, two)
    assert engine.load("line").manifest.sealed
    at_two = page(project).publishes[0].state
    restore(project, at_one)
    assert not project.manifest.sealed
    assert not engine.pushes.visibility.usable(engine.load("line")).contains(two)
    restore(project, at_two)
    assert engine.pushes.visibility.usable(engine.load("line")).contains(two)


# --- races ------------------------------------------------------------------------------------------------------------


def test_a_restoration_that_lost_a_race_is_made_again(accident: Accident, catalog: OvertakenCatalog) -> None:
    other = accident.objects.commit("other", accident.bad)
    rival = accident.project.elsewhere()
    catalog.rivals.append(lambda: rival.pushed(MAIN, accident.bad, other, other))
    restored = accident.back([MAIN])
    (moved,) = restored.moves
    assert moved.before is not None
    assert (moved.before.oid, accident.project.refs[MAIN]) == (other, accident.good)
    assert accident.project.manifest.parent == catalog.published[-2].manifest


def test_what_becomes_protected_meanwhile_is_not_restored(accident: Accident, catalog: OvertakenCatalog) -> None:
    rival = accident.project.elsewhere()

    def protect() -> None:
        catalog.update_repository("project", rules=(RefRule("refs/heads/*", deny_force=True),))
        rival.pushed(b"refs/heads/rival", None, accident.bad)

    catalog.rivals.append(protect)
    with pytest.raises(RefRefused, match="fast-forwarded"):
        accident.back([MAIN])
    assert accident.project.refs[MAIN] == accident.bad


def test_a_repository_that_is_deleted_meanwhile_is_not_restored(accident: Accident, catalog: OvertakenCatalog) -> None:
    catalog.rivals.append(lambda: catalog.delete_repositories(["project"], accident.before.began_ms // 1000))
    with pytest.raises(RepositoryMissing):
        accident.back()


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "names"),
    [
        (RefRule("refs/heads/main", deny_force=True), [MAIN]),
        (RefRule("refs/heads/new", deny_deletion=True), [b"refs/heads/new"]),
        (RefRule("refs/heads/side", pushers=("bob",)), [SIDE]),
        (RefRule("refs/tags/*", signed_only=True), [TAG]),
    ],
)
def test_rules_hold_for_restorations_too(accident: Accident, rule: RefRule, names: list[bytes]) -> None:
    accident.engine.catalog.update_repository("project", rules=(rule,))
    before = accident.project.refs
    for wanted in (names, None):
        with pytest.raises(RefRefused) as caught:
            restore(accident.project, accident.before, wanted, ALICE)
        assert caught.value.is_forbidden
    assert accident.project.refs == before
    others = [name for name in (*THEN, b"refs/heads/new") if name not in names]
    restore(accident.project, accident.before, others, ALICE)
    assert accident.project.refs != before


def test_a_token_restores_only_refs_of_its_patterns(accident: Accident) -> None:
    access = RefAccess(subject="alice", is_admin=False, patterns=("refs/heads/side",))
    writer = replace(ALICE, access=access)
    with pytest.raises(RefRefused, match="token may not move"):
        restore(accident.project, accident.before, [SIDE, MAIN], writer)
    restore(accident.project, accident.before, [SIDE], writer)
    assert accident.project.refs[SIDE] == accident.good


def test_a_read_only_repository_is_not_restored(accident: Accident) -> None:
    accident.engine.catalog.update_repository("project", read_only=True)
    with pytest.raises(RefRefused, match="read-only"):
        accident.back()


def test_who_may_no_longer_write_does_not_restore(accident: Accident) -> None:
    with pytest.raises(AccessEnded):
        restore(accident.project, accident.before, None, replace(ADMIN, may_write=lambda: False))


# --- what is collected ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [None, [MAIN]], ids=["all", "one"])
def test_within_the_retention_a_state_can_be_restored_after_any_collection(
    accident: Accident, clock: MovedClock, names: list[bytes] | None
) -> None:
    for _ in range(6):
        clock.move(days=4)
        collect(accident.engine)
    accident.back(names)
    assert accident.project.refs[MAIN] == accident.good
    assert accident.project.problems() == []


def test_beyond_the_retention_what_is_gone_is_not_restored(accident: Accident, clock: MovedClock) -> None:
    then = accident.engine.history.as_state(accident.engine.load("project"), accident.before)
    clock.move(days=31)
    for _ in range(3):
        collect(accident.engine)
        clock.move(days=2)
    refs = accident.project.refs
    for names in (None, [MAIN]):
        with pytest.raises(StateGone):
            accident.engine.restorer.restore(accident.engine.load("project"), then, names, ADMIN)
    with pytest.raises(StateGone):
        state_at(accident.project, accident.before.began_ms)
    assert accident.project.refs == refs


def test_what_is_collected_while_a_restoration_is_under_way_is_not_restored(
    accident: Accident, clock: MovedClock, catalog: OvertakenCatalog
) -> None:
    def collect_for_days() -> None:
        clock.move(days=31)
        for _ in range(3):
            collect(accident.project.elsewhere().engine)
            clock.move(days=2)

    catalog.rivals.append(collect_for_days)
    with pytest.raises(StateGone):
        accident.back()
    assert accident.project.problems() == []


def test_a_fork_goes_back_no_farther_than_its_beginning(accident: Accident) -> None:
    fork = fork_of(accident.project, "fork")
    fork.push(move(MAIN, accident.bad, None), move(b"refs/heads/x", None, accident.bad))
    first = page(fork).publishes[-1].state
    restore(fork, first)
    assert fork.refs == {MAIN: accident.bad, b"refs/heads/new": accident.bad}
