"""Creating, forking, deleting and describing repositories."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from packengine.manifests import PublishKind
from packengine.repository import BranchNameError, Engine, ForkDependency, InvalidRepositoryId, UnknownObjectFormat
from packengine.storage.ports import NewToken, RepositoryExists, RepositoryMissing, TokenScope
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Project, fork_of, new_project, open_in_memory

MAIN = b"refs/heads/main"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_in_memory(tmp_path)


def test_a_new_repository_is_empty_sealed_and_says_who_made_it(engine: Engine) -> None:
    engine.create_repository("project", ACTOR, owner="somebody", object_format="sha256", default_branch="trunk")
    state = engine.load("project")
    manifest = state.manifest
    assert (manifest.object_format, manifest.head, len(manifest.refs), manifest.packs) == (
        "sha256",
        b"refs/heads/trunk",
        0,
        (),
    )
    assert (manifest.parent, manifest.kind, manifest.actor, manifest.sealed) == (
        None,
        PublishKind.CREATE,
        ACTOR.subject,
        True,
    )
    assert (state.record.owner, state.pointer.version, state.head_entry()) == ("somebody", 1, None)


def test_an_id_is_made_up_when_none_is_given(engine: Engine) -> None:
    made = {engine.create_repository(None, ACTOR) for _ in range(20)}
    assert len(made) == 20
    assert all(re.fullmatch("[a-z0-9]{24}", each) for each in made)


@pytest.mark.parametrize("repository_id", ["abcd", "a" * 64, "a-b_c9", "----"])
def test_an_id_in_the_alphabet_is_taken(engine: Engine, repository_id: str) -> None:
    assert engine.create_repository(repository_id, ACTOR) == repository_id


@pytest.mark.parametrize("repository_id", ["", "abc", "a" * 65, "Abcd", "a.bcd", "a/bcd", "abcd\n", "äbcd", "ab cd"])
def test_any_other_id_is_refused(engine: Engine, repository_id: str) -> None:
    with pytest.raises(InvalidRepositoryId):
        engine.create_repository(repository_id, ACTOR)
    with pytest.raises(InvalidRepositoryId):
        engine.fork_repository("none-such", repository_id, ACTOR)


def test_an_id_is_given_once(engine: Engine) -> None:
    engine.create_repository("project", ACTOR)
    with pytest.raises(RepositoryExists):
        engine.create_repository("project", ACTOR)


@pytest.mark.parametrize("branch", ["", "-x", "HEAD", "a..b", "a b", "x.lock"])
def test_a_default_branch_that_is_no_branch_name_is_refused(engine: Engine, branch: str) -> None:
    with pytest.raises(BranchNameError):
        engine.create_repository("project", ACTOR, default_branch=branch)
    with pytest.raises(RepositoryMissing):
        engine.load("project")


def test_an_unknown_object_format_is_refused(engine: Engine) -> None:
    with pytest.raises(UnknownObjectFormat, match="sha1, sha256"):
        engine.create_repository("project", ACTOR, object_format="md5")


def test_a_repository_is_created_with_its_first_token(engine: Engine) -> None:
    token = NewToken(bytes(32), TokenScope.WRITE, 0)
    engine.create_repository("project", ACTOR, token=token)
    found = engine.catalog.token(bytes(32))
    assert found is not None
    assert found.repository_id == "project"


@pytest.fixture
def project(engine: Engine) -> Project:
    project = new_project(engine)
    root = project.objects.commit("root")
    child = project.objects.commit("child", root)
    project.pushed(MAIN, None, child, project.objects.empty_tree, root, child)
    return project


def test_a_fork_is_a_second_pointer_to_the_same_manifest(engine: Engine, project: Project) -> None:
    fork = fork_of(project, "a-fork")
    assert engine.load("a-fork").pointer.manifest == engine.load("project").pointer.manifest
    assert engine.load("a-fork").record.source_id == "project"
    assert fork.problems() == []


def test_a_fork_and_its_source_go_their_own_ways(project: Project) -> None:
    fork = fork_of(project, "a-fork")
    main = project.refs[MAIN]
    project.pushed(b"refs/heads/one", None, main)
    fork.pushed(b"refs/heads/two", None, main)
    assert set(project.refs) == {MAIN, b"refs/heads/one"}
    assert set(fork.refs) == {MAIN, b"refs/heads/two"}


def test_a_fork_of_what_is_not_there_is_refused(engine: Engine) -> None:
    with pytest.raises(RepositoryMissing):
        engine.fork_repository("none-such", "a-fork", ACTOR)


@pytest.fixture
def family(project: Project) -> Project:
    """project, its fork `left` with a fork `left-child`, its fork `right`."""
    fork_of(project, "left")
    fork_of(project, "right")
    fork_of(Project(project.engine, "left"), "left-child")
    return project


def live(engine: Engine) -> set[str]:
    return {record.id for record in engine.catalog.repositories(limit=100)[0]}


def test_a_repository_without_forks_is_deleted(engine: Engine, project: Project) -> None:
    assert engine.delete_repository("project", ACTOR) == ["project"]
    with pytest.raises(RepositoryMissing):
        engine.load("project")


def test_live_forks_stand_in_the_way_of_a_deletion(engine: Engine, family: Project) -> None:
    with pytest.raises(ForkDependency) as caught:
        engine.delete_repository("project", ACTOR)
    assert (caught.value.repository_id, caught.value.forks) == ("project", ["left", "right"])
    assert live(engine) == {"project", "left", "right", "left-child"}


def test_a_forced_deletion_leaves_the_forks_whole(engine: Engine, family: Project) -> None:
    assert engine.delete_repository("project", ACTOR, force=True) == ["project"]
    for fork_id in ("left", "right", "left-child"):
        fork = Project(engine, fork_id)
        assert fork.refs == {MAIN: fork.refs[MAIN]}
        assert fork.problems() == []
    assert engine.load("left").record.source_id is None


def test_a_cascading_deletion_takes_the_forks_deepest_first(engine: Engine, family: Project) -> None:
    deleted = engine.delete_repository("project", ACTOR, cascade=True)
    assert sorted(deleted) == ["left", "left-child", "project", "right"]
    assert deleted.index("left-child") < deleted.index("left") < deleted.index("project")
    assert deleted[-1] == "project"
    assert live(engine) == set()


def test_what_is_not_there_cannot_be_deleted(engine: Engine) -> None:
    with pytest.raises(RepositoryMissing):
        engine.delete_repository("none-such", ACTOR)


def test_a_reused_id_shows_nothing_of_its_predecessor(engine: Engine, project: Project) -> None:
    stale = engine.load("project")
    engine.delete_repository("project", ACTOR)
    engine.create_repository("project", ACTOR)
    state = engine.load("project")
    assert len(state.manifest.refs) == 0
    assert state.record.first_version == state.pointer.version > stale.pointer.version
    with pytest.raises(RepositoryMissing, match="another one"):
        engine._loader.reload(stale)


def test_the_details_count_refs_bytes_commits_and_forks(engine: Engine, family: Project) -> None:
    head = family.refs[MAIN]
    side = family.objects.commit("side", head)
    family.pushed(b"refs/heads/caf\xe9", None, side, side)
    details = engine.describe("project")
    assert details.refs == [("refs/heads/caf\ufffd", side.hex()), ("refs/heads/main", head.hex())]
    assert (details.head_sha, details.commit_count, details.fork_count) == (head.hex(), 2, 2)
    assert details.size_bytes == sum(pack.size_bytes for pack in family.manifest.packs) > 0


def test_the_details_of_an_empty_repository_are_zeros(engine: Engine) -> None:
    engine.create_repository("project", ACTOR)
    details = engine.describe("project")
    assert (details.refs, details.size_bytes, details.head_sha, details.commit_count) == ([], 0, None, 0)


def test_the_details_are_those_of_a_live_repository(engine: Engine) -> None:
    with pytest.raises(RepositoryMissing):
        engine.describe("none-such")
