"""Which object a revision names, and that it is one the refs reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from packengine.refs import HiddenRefs
from packengine.repository import Engine
from packengine.repository.browsing import Snapshot, UnbornHead, UnknownRevision, commit_named, tree_named
from packengine.repository.browsing.revisions import MAX_STEPS, object_named
from packengine.repository.push_policy import PushPolicy
from tests.support.engines import Objects, Project, fork_of, new_project, open_in_memory

MAIN, SIDE, RELEASE = b"refs/heads/main", b"refs/heads/feature/side.x", b"refs/tags/v1.0"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = open_in_memory(tmp_path)
    yield made
    made.close()


@pytest.fixture
def project(engine: Engine) -> Project:
    """main: root, second, merge (of second and side); side: root, side; v1.0: a tag of a tag of second."""
    made = new_project(engine)
    objects = made.objects
    root = objects.commit("root")
    second, side = objects.commit("second", root), objects.commit("side", root)
    merge = objects.commit("merge", second, side)
    inner = objects.tag(b"inner", second)
    outer = objects.tag(b"v1.0", inner)
    made.pushed(MAIN, None, merge, *objects.closure([merge]))
    made.pushed(SIDE, None, side)
    made.pushed(RELEASE, None, outer, outer, inner)
    return made


@pytest.fixture
def snapshot(project: Project) -> Snapshot:
    return project.engine.snapshot(project.id)


def oid(objects: Objects, name: str) -> bytes:
    """Of the commit with that message."""
    for found, (_, content) in objects._objects.items():
        if content.endswith(b"\n\n" + name.encode() + b"\n"):
            return found
    raise KeyError(name)


@pytest.mark.parametrize(
    ("revision", "commit"),
    [
        ("HEAD", "merge"),
        ("@", "merge"),
        ("", "merge"),
        ("main", "merge"),
        ("heads/main", "merge"),
        ("refs/heads/main", "merge"),
        ("feature/side.x", "side"),
        ("v1.0", "second"),
        ("tags/v1.0", "second"),
        ("HEAD~1", "second"),
        ("HEAD~", "second"),
        ("HEAD^", "second"),
        ("HEAD^2", "side"),
        ("HEAD^2~1", "root"),
        ("HEAD~2", "root"),
        ("HEAD~~", "root"),
        ("HEAD^0", "merge"),
        ("HEAD~0", "merge"),
        ("v1.0~1", "root"),
        ("v1.0^0", "second"),
    ],
)
def test_revision_names_a_commit(project: Project, snapshot: Snapshot, revision: str, commit: str) -> None:
    assert commit_named(snapshot, revision) == oid(project.objects, commit)


def test_full_id_in_either_case_names_its_object(project: Project, snapshot: Snapshot) -> None:
    root = oid(project.objects, "root")
    assert commit_named(snapshot, root.hex()) == commit_named(snapshot, root.hex().upper()) == root


def test_id_comes_before_a_ref_of_that_name(project: Project) -> None:
    root, merge = oid(project.objects, "root"), oid(project.objects, "merge")
    project.pushed(b"refs/heads/" + root.hex().encode(), None, merge)
    assert commit_named(project.engine.snapshot(project.id), root.hex()) == root


def test_tag_comes_before_a_branch_of_that_name(project: Project) -> None:
    root = oid(project.objects, "root")
    project.pushed(b"refs/tags/main", None, root)
    assert commit_named(project.engine.snapshot(project.id), "main") == root


def test_tree_of_a_commit_and_a_tree_itself(project: Project, snapshot: Snapshot) -> None:
    tree = project.objects.empty_tree
    assert tree_named(snapshot, "v1.0") == tree_named(snapshot, tree.hex()) == tree
    with pytest.raises(UnknownRevision, match="is a tree"):
        commit_named(snapshot, tree.hex())


@pytest.mark.parametrize(
    "revision",
    [
        "nothing",
        "main~9",
        "HEAD^3",
        "HEAD~x",
        "HEAD^{tree}",
        "HEAD~1main",
        "0" * 40,
        "f" * 39,
        "main\0",
        "refs/",
        "~1x",
    ],
)
def test_unknown_revision_is_refused(snapshot: Snapshot, revision: str) -> None:
    with pytest.raises(UnknownRevision) as refused:
        object_named(snapshot, revision)
    assert not isinstance(refused.value, UnbornHead)


@pytest.mark.parametrize("revision", [f"HEAD~{MAX_STEPS + 1}", "HEAD" + "~" * (MAX_STEPS + 1), "HEAD~6000~6000"])
def test_steps_are_limited(snapshot: Snapshot, revision: str) -> None:
    with pytest.raises(UnknownRevision):
        object_named(snapshot, revision)


def test_head_of_an_empty_repository_is_unborn(engine: Engine) -> None:
    empty = new_project(engine, "empty")
    for revision in ("HEAD", "@", "", "HEAD~1"):
        with pytest.raises(UnbornHead):
            commit_named(engine.snapshot(empty.id), revision)
    with pytest.raises(UnknownRevision, match="no such revision"):
        commit_named(engine.snapshot(empty.id), "main")


def test_object_that_the_refs_do_not_reach_has_no_name(project: Project) -> None:
    """Neither a fork's, though the packs are shared, nor one that a force push took away."""
    fork = fork_of(project, "fork")
    objects = project.objects
    merge, root = oid(objects, "merge"), oid(objects, "root")
    alien = objects.commit("alien", merge)
    fork.pushed(MAIN, merge, alien, alien)
    assert commit_named(project.engine.snapshot(fork.id), alien.hex()) == alien
    with pytest.raises(UnknownRevision):
        commit_named(project.engine.snapshot(project.id), alien.hex())
    project.pushed(MAIN, merge, root)
    with pytest.raises(UnknownRevision):
        commit_named(project.engine.snapshot(project.id), merge.hex())


def test_hidden_ref_has_no_name(tmp_path: Path) -> None:
    engine = open_in_memory(tmp_path / "first")
    plain = new_project(engine)
    root = plain.objects.commit("root")
    plain.pushed(b"refs/secret/one", None, root, *plain.objects.closure([root]))
    hiding = PushPolicy(HiddenRefs.of_patterns([b"refs/secret"]))
    other = Engine(
        engine.catalog, engine.pushes.blobs, engine.pushes.quarantine, tmp_path, engine.limits, policy=hiding
    )
    assert commit_named(engine.snapshot(plain.id), "refs/secret/one") == root
    with pytest.raises(UnknownRevision):
        commit_named(other.snapshot(plain.id), "refs/secret/one")
