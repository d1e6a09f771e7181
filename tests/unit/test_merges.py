"""Merges made in the engine: which branch moves whereto, from which repository, and who wins."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from packengine.manifests import PublishKind
from packengine.refs import HiddenRefs
from packengine.repository import BranchNameError, Engine, merges
from packengine.repository.errors import MergeConflict, RefRefused, WriteRefused
from packengine.repository.idents import Ident
from packengine.repository.merges import Strategy
from packengine.repository.push_policy import PushPolicy
from packengine.repository.sync import branch_to_sync, source_id_of, sync_branch
from tests.support.engine_pushes import ACTOR
from tests.support.engines import OvertakenCatalog, Project, fork_of, new_project, open_in_memory
from tests.support.writers import WRITER, commit, files, listing, merge, said

MAIN = b"refs/heads/main"
SIDE = b"refs/heads/side"


@pytest.fixture
def catalog() -> OvertakenCatalog:
    return OvertakenCatalog()


@pytest.fixture
def engine(tmp_path: Path, catalog: OvertakenCatalog) -> Engine:
    return open_in_memory(tmp_path, catalog=catalog)


@pytest.fixture
def project(engine: Engine) -> Project:
    return new_project(engine)


class Split:
    """main and side, each with a commit of its own on top of root."""

    def __init__(self, project: Project, *, side: dict[str, str] | None = None) -> None:
        self.root = files(project, "main", None, a="1\n", b="1\n")
        project.engine.refs.move(project.engine.load(project.id), SIDE, self.root, None, WRITER)
        self.main = files(project, "main", self.root, a="2\n")
        self.side = files(project, "side", self.root, **(side or {"b": "2\n"}))


@pytest.fixture
def split(project: Project) -> Split:
    return Split(project)


def parents(project: Project, commit_oid: bytes) -> list[bytes]:
    lines = said(project, commit_oid).splitlines()
    return [bytes.fromhex(line[7:].decode()) for line in lines if line.startswith(b"parent ")]


# --- fast-forward -----------------------------------------------------------------------------------------------------


def test_a_branch_that_is_behind_is_moved(project: Project) -> None:
    root = files(project, "main", None, a="1")
    project.engine.refs.move(project.engine.load(project.id), SIDE, root, None, WRITER)
    ahead = commit(project, "main", root)
    merged = merge(project, "main", "side")
    assert (merged.commit, merged.tree, merged.source, merged.is_fast_forward) == (
        ahead.commit,
        ahead.tree,
        ahead.commit,
        True,
    )
    assert project.refs[SIDE] == ahead.commit
    assert project.manifest.kind is PublishKind.MERGE


def test_a_missing_target_is_made_whatever_the_strategy(project: Project) -> None:
    root = files(project, "main", None, a="1")
    for strategy in Strategy:
        merged = merge(project, "main", strategy.value, strategy=strategy)
        assert (merged.commit, merged.is_fast_forward) == (root, True)
    assert set(project.refs.values()) == {root}


@pytest.mark.parametrize("strategy", list(Strategy))
def test_what_was_merged_before_changes_nothing(project: Project, split: Split, strategy: Strategy) -> None:
    project.engine.refs.move(project.engine.load(project.id), SIDE, split.root, None, WRITER)
    before = project.engine.load(project.id).pointer
    merged = merge(project, "side", "main", strategy=strategy)
    assert (merged.commit, merged.source, merged.is_fast_forward) == (split.main, split.root, False)
    assert merged.committed is None
    assert project.engine.load(project.id).pointer == before


def test_a_merge_commit_is_made_where_one_is_asked_for(project: Project) -> None:
    root = files(project, "main", None, a="1")
    merge(project, "main", "side")
    ahead = commit(project, "main", root)
    merged = merge(project, "main", "side", strategy=Strategy.MERGE)
    assert not merged.is_fast_forward
    assert parents(project, merged.commit) == [root, ahead.commit]
    assert merged.tree == ahead.tree


def test_diverged_branches_are_not_fast_forwarded(project: Project, split: Split) -> None:
    with pytest.raises(WriteRefused, match="no fast-forward"):
        merge(project, "side", "main", strategy=Strategy.FF_ONLY)
    assert project.refs == {MAIN: split.main, SIDE: split.side}


# --- three-way --------------------------------------------------------------------------------------------------------


def test_a_merge_has_both_changes_and_names_the_target_first(project: Project, split: Split) -> None:
    merged = merge(project, "side", "main")
    assert (merged.source, merged.is_fast_forward) == (split.side, False)
    assert project.refs == {MAIN: merged.commit, SIDE: split.side}
    assert parents(project, merged.commit) == [split.main, split.side]
    assert listing(project, merged.commit) == {b"a": b"2\n", b"b": b"2\n"}
    assert said(project, merged.commit).endswith(b"\n\nMerge side into main\n")
    assert project.manifest.sealed
    assert project.problems() == []


def test_message_and_author_are_the_callers(project: Project, split: Split) -> None:
    merged = merge(project, "side", "main", message="Join", author=Ident("Ada", "ada@x", 5))
    text = said(project, merged.commit)
    assert b"author Ada <ada@x> 5 +0000\ncommitter Ada <ada@x> 5 +0000\n\nJoin\n" in text


def test_a_conflict_names_its_paths_and_moves_nothing(project: Project) -> None:
    split = Split(project, side={"a": "3\n", "b": "2\n"})
    with pytest.raises(MergeConflict) as caught:
        merge(project, "side", "main")
    assert (caught.value.source_branch, caught.value.target_branch) == ("side", "main")
    assert [path for path, _ in caught.value.conflicts] == [b"a"]
    assert project.refs == {MAIN: split.main, SIDE: split.side}


def test_branches_without_common_history_are_not_merged(project: Project) -> None:
    files(project, "main", None, a="1")
    files(project, "side", None, b="1")
    with pytest.raises(WriteRefused, match="no history in common"):
        merge(project, "side", "main")


@pytest.mark.parametrize(("source", "target"), [("main", "main"), ("missing", "main")])
def test_a_merge_needs_two_branches_and_a_source(project: Project, split: Split, source: str, target: str) -> None:
    with pytest.raises(WriteRefused, match=source):
        merge(project, source, target)


def test_names_of_no_branch_are_refused(project: Project, split: Split) -> None:
    for source, target in (("a..b", "main"), ("main", "a..b")):
        with pytest.raises(BranchNameError):
            merge(project, source, target)


# --- who wins ---------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["quick", "slow"], autouse=True)
def pace(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether merges are made in the turn of their repository, or beside it: who wins must not depend on it."""
    monkeypatch.setattr(merges, "QUICK_S", math.inf if request.param == "quick" else 0)


def test_a_target_that_moves_meanwhile_is_merged_into_anew(
    catalog: OvertakenCatalog, project: Project, split: Split
) -> None:
    moved: list[bytes] = []
    catalog.rivals = [lambda: moved.append(files(project.elsewhere(), "main", split.main, c="3\n"))]
    merged = merge(project, "side", "main")
    assert parents(project, merged.commit) == [moved[0], split.side]
    assert listing(project, merged.commit) == {b"a": b"2\n", b"b": b"2\n", b"c": b"3\n"}
    assert project.problems() == []


def test_a_source_that_moves_meanwhile_is_merged_as_it_is_then(
    catalog: OvertakenCatalog, project: Project, split: Split
) -> None:
    moved: list[bytes] = []
    catalog.rivals = [lambda: moved.append(files(project.elsewhere(), "side", split.side, c="3\n"))]
    merged = merge(project, "side", "main")
    assert merged.source == moved[0]
    assert parents(project, merged.commit) == [split.main, moved[0]]


def test_a_merge_that_is_overtaken_by_the_same_merge_has_nothing_to_do(
    catalog: OvertakenCatalog, project: Project, split: Split
) -> None:
    first: list[bytes] = []
    catalog.rivals = [lambda: first.append(merge(project.elsewhere(), "side", "main").commit)]
    merged = merge(project, "side", "main")
    assert (merged.commit, merged.committed) == (first[0], None)
    assert project.refs[MAIN] == first[0]


def test_a_conflict_with_what_overtook_it_is_told(catalog: OvertakenCatalog, project: Project, split: Split) -> None:
    catalog.rivals = [lambda: files(project.elsewhere(), "main", split.main, b="9\n")]
    with pytest.raises(MergeConflict):
        merge(project, "side", "main")


def test_hidden_branches_are_neither_merged_nor_merged_into(
    tmp_path: Path, catalog: OvertakenCatalog, project: Project, split: Split
) -> None:
    pushes = project.engine.pushes
    policy = PushPolicy(HiddenRefs.of_patterns([SIDE]))
    engine = Engine(catalog, pushes.blobs, pushes.quarantine, tmp_path, project.engine.limits, policy=policy)
    hidden = Project(engine, project.id)
    with pytest.raises(WriteRefused, match="there is no branch 'side'"):
        merge(hidden, "side", "main")
    with pytest.raises(RefRefused, match="hidden"):
        merge(hidden, "main", "side")


# --- from another repository ------------------------------------------------------------------------------------------


def test_a_fork_comes_home_with_what_is_new_in_it(project: Project) -> None:
    root = files(project, "main", None, a="1\n", b="1\n")
    fork = fork_of(project, "forked")
    theirs = files(fork, "main", root, b="2\n")
    before = {pack.digest for pack in project.manifest.packs}
    merged = merge(project, "main", "main", origin=fork)
    assert (merged.commit, merged.is_fast_forward) == (theirs, True)
    assert project.refs == {MAIN: theirs}
    (brought,) = (pack for pack in project.manifest.packs if pack.digest not in before)
    assert brought.object_count == 3  # the commit, its tree, its blob
    assert project.manifest.sealed
    assert project.problems() == []


def test_a_fork_that_diverged_comes_home_by_a_merge(project: Project) -> None:
    root = files(project, "main", None, a="1\n", b="1\n")
    fork = fork_of(project, "forked")
    theirs = [files(fork, "main", root, b="2\n")]
    theirs.append(files(fork, "main", theirs[0], c="2\n"))
    ours = files(project, "main", root, a="2\n")
    merged = merge(project, "main", "main", origin=fork)
    assert parents(project, merged.commit) == [ours, theirs[1]]
    assert listing(project, merged.commit) == {b"a": b"2\n", b"b": b"2\n", b"c": b"2\n"}
    assert project.manifest.sealed
    assert project.problems() == []
    assert fork.refs == {MAIN: theirs[1]}


def test_a_fork_that_has_nothing_new_changes_nothing(project: Project) -> None:
    root = files(project, "main", None, a="1\n")
    fork = fork_of(project, "forked")
    assert merge(project, "main", "main", origin=fork).committed is None
    newest = files(project, "main", root, a="2\n")
    assert merge(project, "main", "main", origin=fork).commit == newest


def test_only_what_the_source_branch_reaches_comes_along(engine: Engine, project: Project) -> None:
    root = files(project, "main", None, a="1\n")
    fork = fork_of(project, "forked")
    secret = commit(fork, "secret", None).commit
    theirs = files(fork, "main", root, b="2\n")
    merge(project, "main", "main", origin=fork)
    state = engine.load(project.id)
    assert engine.pushes.visibility.usable(state).contains(theirs)
    assert not engine.pushes.visibility.usable(state).contains(secret)


def test_what_the_target_left_behind_comes_along_again(project: Project) -> None:
    root = files(project, "main", None, a="1\n")
    left = files(project, "main", root, a="2\n")
    fork = fork_of(project, "forked")
    commit(project, "main", root, force=True)
    merged = merge(project, "main", "again", origin=fork)
    assert merged.commit == left
    assert project.problems() == []


def test_a_branch_of_another_repository_makes_a_missing_target(project: Project, engine: Engine) -> None:
    files(project, "main", None, a="1\n")
    other = new_project(engine, "other")
    theirs = files(other, "main", None, z="1\n")
    merged = merge(project, "main", "taken", origin=other)
    assert (merged.commit, merged.is_fast_forward) == (theirs, True)
    assert project.problems() == []


def test_an_empty_repository_takes_a_branch_over(engine: Engine) -> None:
    source, empty = new_project(engine, "source"), new_project(engine, "empty")
    theirs = files(source, "main", None, z="1\n")
    assert merge(empty, "main", "main", origin=source).commit == theirs
    assert empty.refs == {MAIN: theirs}
    assert empty.problems() == []


def test_repositories_of_other_object_formats_are_not_merged(engine: Engine, project: Project) -> None:
    files(project, "main", None, a="1\n")
    engine.create_repository("longer", ACTOR, object_format="sha256")
    commit(Project(engine, "longer"), "main", None)
    with pytest.raises(WriteRefused, match="sha256"):
        merge(project, "main", "main", origin=Project(engine, "longer"))


def test_a_home_that_moves_meanwhile_is_merged_into_anew(catalog: OvertakenCatalog, project: Project) -> None:
    root = files(project, "main", None, a="1\n")
    fork = fork_of(project, "forked")
    theirs = files(fork, "main", root, b="2\n")
    moved: list[bytes] = []
    catalog.rivals = [lambda: moved.append(files(project.elsewhere(), "main", root, c="3\n"))]
    merged = merge(project, "main", "main", origin=fork)
    assert parents(project, merged.commit) == [moved[0], theirs]
    assert project.problems() == []


def test_what_was_there_and_is_gone_when_it_counts_comes_along(catalog: OvertakenCatalog, project: Project) -> None:
    root = files(project, "main", None, a="1\n")
    left = files(project, "main", root, a="2\n")
    fork = fork_of(project, "forked")
    theirs = files(fork, "main", left, a="3\n")
    catalog.rivals = [lambda: commit(project.elsewhere(), "main", root, force=True)]
    merged = merge(project, "main", "taken", origin=fork)
    assert merged.commit == theirs
    assert project.problems() == []


# --- from the source --------------------------------------------------------------------------------------------------


def sync(fork: Project, source: Project, branch: str | None = None) -> bytes:
    state = fork.engine.load(fork.id)
    chosen = branch_to_sync(state, branch)
    return sync_branch(fork.engine.merges, state, source.engine.load(source.id), chosen, WRITER).commit


def test_a_fork_takes_over_its_sources_branch(project: Project) -> None:
    root = files(project, "main", None, a="1\n", b="1\n")
    fork = fork_of(project, "forked")
    newest = files(project, "main", root, a="2\n")
    assert sync(fork, project) == newest
    ours, theirs = files(fork, "main", newest, b="2\n"), files(project, "main", newest, a="3\n")
    merged = sync(fork, project, "main")
    assert parents(fork, merged) == [ours, theirs]
    assert said(fork, merged).endswith(b"\n\nMerge main of project\n")
    assert fork.problems() == []


def test_only_a_fork_has_a_source(engine: Engine, project: Project) -> None:
    fork = fork_of(project, "forked")
    assert source_id_of(engine.load(fork.id)) == project.id
    engine.delete_repository(project.id, ACTOR, force=True)
    for repository in (fork, new_project(engine, "alone")):
        with pytest.raises(WriteRefused, match="has no source"):
            source_id_of(engine.load(repository.id))
