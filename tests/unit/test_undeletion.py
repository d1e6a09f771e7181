"""Deleted repositories that come back: as they were, for a while, to those whose they are, and whole."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from packengine.refs.rules import RefRule
from packengine.repository import Engine, ForkDependency, Limits, Profile
from packengine.storage.ports import (
    NewToken,
    QuotaExceeded,
    RepositoryExists,
    RepositoryMissing,
    RepositoryRecord,
    TokenScope,
)
from tests.support.collections import collect
from tests.support.disturbed_storage import Disturbance, DisturbedBlobStore, DisturbedCatalog
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Project, fork_of, move, new_project, open_in_memory
from tests.support.moved_clock import MovedClock
from tests.support.past import kinds, page

MAIN, SIDE = b"refs/heads/main", b"refs/heads/side"
LIMITS = Limits(tail_pack_bytes=2000, undelete_days=7)
LARGE = random.Random(1).randbytes(5000)
TOKEN = NewToken(b"n" * 32, TokenScope.WRITE, 0)


class Refused(Exception):
    """What a check raises."""


def refuse(_record: RepositoryRecord) -> None:
    raise Refused


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    return MovedClock(monkeypatch)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_in_memory(tmp_path, limits=LIMITS)


@pytest.fixture
def project(engine: Engine, clock: MovedClock) -> Project:
    assert clock.now_ms
    old = NewToken(b"o" * 32, TokenScope.WRITE, 0)
    engine.create_repository("project", ACTOR, owner="alice", token=old, profile=Profile("text", is_public=True))
    project = Project(engine, "project")
    commit = project.objects.commit("one")
    project.pushed(MAIN, None, commit, project.objects.empty_tree, commit)
    project.pushed(SIDE, None, commit)
    engine.catalog.update_repository("project", read_only=False, rules=(RefRule("refs/heads/main"),))
    return project


def undelete(engine: Engine, check: Callable[[RepositoryRecord], None] = lambda _: None) -> RepositoryRecord:
    return engine.undelete_repository("project", ACTOR, token=TOKEN, check=check)


def test_a_repository_comes_back_as_it_was(engine: Engine, project: Project) -> None:
    before, refs, told = engine.load("project"), project.refs, kinds(project)
    engine.delete_repository("project", ACTOR)
    record = undelete(engine)
    after = engine.load("project")
    assert (record.owner, record.description, record.is_public, record.rules, record.created_at_s) == (
        "alice",
        "text",
        True,
        before.record.rules,
        before.record.created_at_s,
    )
    assert after.pointer.manifest == before.pointer.manifest
    assert project.refs == refs
    assert kinds(project) == told
    assert project.problems() == []


def test_its_old_tokens_stay_dead_and_a_new_one_lives(engine: Engine, project: Project) -> None:
    assert engine.catalog.token(b"o" * 32) is not None
    engine.delete_repository("project", ACTOR)
    undelete(engine)
    assert engine.catalog.token(b"o" * 32) is None
    minted = engine.catalog.token(TOKEN.token_hash)
    assert minted is not None
    assert minted.repository_id == "project"


def test_it_can_be_pushed_to_deleted_and_brought_back_again(engine: Engine, project: Project) -> None:
    for at in range(3):
        engine.delete_repository("project", ACTOR)
        engine.undelete_repository("project", ACTOR)
        project.pushed(b"refs/heads/%d" % at, None, project.refs[MAIN])
        versions = [publish.state.version for publish in page(project).publishes]
        assert versions[0] == engine.load("project").pointer.version
        assert versions[-1] == engine.load("project").record.first_version
        assert len(versions) == at + 4


def test_what_was_begun_before_the_deletion_is_not_published_after_it(engine: Engine, project: Project) -> None:
    push = project.begin(move(SIDE, project.refs[SIDE], None))
    engine.delete_repository("project", ACTOR)
    undelete(engine)
    with pytest.raises(RepositoryMissing):
        push.finish()
    assert SIDE in project.refs


def test_a_fork_is_its_fork_again(engine: Engine, project: Project) -> None:
    fork_of(project, "fork")
    engine.delete_repository("project", ACTOR, force=True)
    assert engine.load("fork").record.source_id is None
    undelete(engine)
    assert engine.load("fork").record.source_id == "project"


def test_the_window_ends(engine: Engine, project: Project, clock: MovedClock) -> None:
    engine.delete_repository("project", ACTOR)
    clock.move(days=6.9)
    undelete(engine)
    engine.delete_repository("project", ACTOR)
    clock.move(days=7.1)
    with pytest.raises(RepositoryMissing):
        undelete(engine)
    with pytest.raises(RepositoryMissing):
        engine.load("project")


def test_an_id_that_is_in_use_is_not_taken_from_its_owner(engine: Engine, project: Project) -> None:
    engine.delete_repository("project", ACTOR)
    new_project(engine)
    with pytest.raises(RepositoryExists):
        undelete(engine)
    assert project.refs == {}


def test_of_several_the_last_comes_back(engine: Engine, project: Project) -> None:
    engine.delete_repository("project", ACTOR)
    engine.create_repository("project", ACTOR, owner="bob")
    engine.delete_repository("project", ACTOR)
    assert undelete(engine).owner == "bob"
    assert project.refs == {}


def test_the_check_comes_before_everything_that_is_told(engine: Engine, project: Project) -> None:
    with pytest.raises(Refused):
        undelete(engine, refuse)  # live
    engine.delete_repository("project", ACTOR)
    with pytest.raises(Refused):
        undelete(engine, refuse)
    assert engine.catalog.repository("project") is None
    new_project(engine)
    with pytest.raises(Refused):
        undelete(engine, refuse)


def test_what_never_was_or_lives_cannot_be_undeleted(engine: Engine, project: Project) -> None:
    with pytest.raises(RepositoryExists):
        undelete(engine)
    with pytest.raises(RepositoryMissing):
        engine.undelete_repository("none", ACTOR, check=refuse)


def test_what_was_checked_is_what_comes_back(engine: Engine, project: Project) -> None:
    """Between the check and the undeletion somebody else makes and deletes a repository of that id."""
    engine.delete_repository("project", ACTOR)

    def somebody_else(_record: RepositoryRecord) -> None:
        engine.create_repository("project", ACTOR, owner="bob")
        engine.delete_repository("project", ACTOR)

    with pytest.raises(RepositoryMissing):
        undelete(engine, somebody_else)
    assert engine.catalog.repository("project") is None


def test_a_quota_holds_for_what_comes_back(tmp_path: Path) -> None:
    engine = open_in_memory(tmp_path, limits=Limits(max_owner_repositories=1))
    engine.create_repository("project", ACTOR, owner="alice")
    engine.delete_repository("project", ACTOR)
    engine.create_repository("other", ACTOR, owner="alice")
    with pytest.raises(QuotaExceeded):
        undelete(engine)
    assert engine.catalog.repository("project") is None
    engine.delete_repository("other", ACTOR)
    undelete(engine)


# --- deletion of what others forked -----------------------------------------------------------------------------------


def test_forks_of_others_do_not_go_along(engine: Engine, project: Project) -> None:
    engine.fork_repository("project", "bobs", ACTOR, owner="bob")
    engine.fork_repository("project", "own-", ACTOR, owner="alice")
    mine = partial(engine.delete_repository, "project", ACTOR, may_delete=lambda record: record.owner == "alice")
    with pytest.raises(ForkDependency, match="of others") as caught:
        mine(cascade=True)
    assert caught.value.forks == ["bobs"]
    assert engine.catalog.repositories(limit=10)[1] == 3
    assert mine(force=True) == ["project"]
    assert Project(engine, "bobs").problems() == []


# --- races with collection --------------------------------------------------------------------------------------------


def _remembering_nothing(engine: Engine, limits: Limits = LIMITS) -> Engine:
    parts = engine.parts
    return Engine(parts.catalog, parts.blobs, parts.shelf.quarantine, parts.derived, limits)


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["row", "blob"])
@pytest.mark.parametrize(
    ("days", "collected_days", "expected"),
    [(6.5, 7, {"back"}), (6.5, 6, {"back", "late"}), (7.5, 7, {"late"})],
    ids=["within", "given up by a process with a shorter window", "after"],
)
def test_whatever_comes_between_two_steps_what_comes_back_is_whole(
    tmp_path: Path, clock: MovedClock, content: bytes, days: float, collected_days: int, expected: set[str]
) -> None:
    """It is undeleted before each single call that a collection makes of the storage, near the end of the window."""
    begun_ms, at, outcomes = clock.now_ms, 0, set()
    while True:
        clock.now_ms = begun_ms
        folder = tmp_path / str(at)
        folder.mkdir()
        (folder / "blobs").mkdir()
        disturbance = Disturbance()
        blobs = DisturbedBlobStore(folder / "blobs", disturbance)
        engine = open_in_memory(folder / "engine", catalog=DisturbedCatalog(disturbance), blobs=blobs, limits=LIMITS)
        project = new_project(engine)
        blob = project.objects.blob(content)
        tree = project.objects.tree({b"file": blob})
        commit = project.objects.commit("one", tree=tree)
        project.pushed(MAIN, None, commit, blob, tree, commit)
        engine.delete_repository("project", ACTOR)
        clock.move(days=days)

        def come_back(engine: Engine = engine) -> None:
            try:
                undelete(engine)
            except RepositoryMissing:
                outcomes.add("late")
            else:
                outcomes.add("back")

        disturbance.arm(come_back, at)
        collect(_remembering_nothing(engine, replace(LIMITS, undelete_days=collected_days)))
        was_late = disturbance.disarm()
        if was_late:
            come_back()
        for _ in range(3):
            fresh = _remembering_nothing(engine)
            for record in fresh.catalog.repositories(limit=10)[0]:
                back = Project(fresh, record.id, project.objects)
                assert (back.problems(), back.refs) == ([], {MAIN: commit})
            clock.move(days=2)
            collect(fresh)
        if was_late:
            break
        at += 1
    assert at > 5
    assert outcomes == expected
