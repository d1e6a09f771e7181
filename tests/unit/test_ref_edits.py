"""Refs listed in pages and moved by compare-and-swap, without Git."""

from __future__ import annotations

from pathlib import Path

import pytest

from packengine.refs import HiddenRefs
from packengine.refs.names import BadRefName
from packengine.repository import Engine
from packengine.repository.errors import BadCursor, RefConflict, RefRefused, WriteRefused
from packengine.repository.push_policy import PushPolicy
from packengine.repository.ref_edits import Expected, RefPage
from tests.support.engines import OvertakenCatalog, Project, fork_of, new_project, open_in_memory
from tests.support.writers import WRITER, commit, files

MAIN = b"refs/heads/main"
TAG = b"refs/tags/v1"
ABSENT = Expected(None)


@pytest.fixture
def catalog() -> OvertakenCatalog:
    return OvertakenCatalog()


@pytest.fixture
def engine(tmp_path: Path, catalog: OvertakenCatalog) -> Engine:
    policy = PushPolicy(HiddenRefs.of_patterns([b"refs/secret"]))
    return open_in_memory(tmp_path, catalog=catalog, policy=policy)


@pytest.fixture
def project(engine: Engine) -> Project:
    return new_project(engine)


@pytest.fixture
def root(project: Project) -> bytes:
    return files(project, "main", None, a="1")


def move(project: Project, name: bytes, new: bytes, expected: Expected | None) -> bool:
    """Whether something was published."""
    state = project.engine.load(project.id)
    return project.engine.refs.move(state, name, new, expected, WRITER) is not None


def delete(project: Project, name: bytes, expected: Expected | None) -> bool:
    state = project.engine.load(project.id)
    return project.engine.refs.delete(state, name, expected, WRITER) is not None


def page(project: Project, prefix: bytes = b"", limit: int = 100, cursor: str | None = None) -> RefPage:
    return project.engine.refs.page(project.engine.load(project.id), prefix, limit, cursor)


# --- moving -----------------------------------------------------------------------------------------------------------


def test_a_ref_is_created_where_none_is_expected(project: Project, root: bytes) -> None:
    assert move(project, TAG, root, ABSENT)
    with pytest.raises(RefConflict) as caught:
        move(project, TAG, root, ABSENT)
    assert (caught.value.name, caught.value.expected, caught.value.current) == ("refs/tags/v1", None, root)


def test_a_ref_moves_from_what_is_expected_and_from_nothing_else(project: Project, root: bytes) -> None:
    second = files(project, "main", root, a="2")
    assert move(project, TAG, root, None)
    with pytest.raises(RefConflict):
        move(project, TAG, second, Expected(second))
    assert move(project, TAG, second, Expected(root))
    assert project.refs[TAG] == second


def test_without_an_expectation_a_ref_moves_backwards_too(project: Project, root: bytes) -> None:
    files(project, "main", root, a="2")
    assert move(project, MAIN, root, None)
    assert project.refs[MAIN] == root
    assert not project.manifest.sealed


def test_a_ref_that_is_there_already_is_success_and_publishes_nothing(project: Project, root: bytes) -> None:
    assert not move(project, MAIN, root, None)
    assert not move(project, MAIN, root, Expected(root))


def test_a_move_that_was_overtaken_is_judged_again(catalog: OvertakenCatalog, project: Project, root: bytes) -> None:
    second = files(project, "main", root, a="2")
    catalog.rivals = [lambda: move(project.elsewhere(), TAG, root, None)]
    with pytest.raises(RefConflict):
        move(project, TAG, second, ABSENT)
    assert project.refs[TAG] == root


def test_what_no_ref_reaches_is_named_by_none(engine: Engine, project: Project, root: bytes) -> None:
    secret = files(fork_of(project, "forked"), "main", root, a="secret")
    for oid in (secret, b"\1" * 20):
        with pytest.raises(WriteRefused, match="is no object of this repository"):
            move(project, TAG, oid, None)


def test_a_branch_stands_for_commits_only(project: Project) -> None:
    tree = commit(project, "main", None).tree
    with pytest.raises(RefRefused, match="not a commit"):
        move(project, b"refs/heads/side", tree, None)
    assert move(project, TAG, tree, None)


@pytest.mark.parametrize("name", [b"refs/heads/a..b", b"heads/main", b"refs/heads/" + b"a" * 2000])
def test_a_name_that_no_ref_may_have_is_refused(project: Project, root: bytes, name: bytes) -> None:
    with pytest.raises(BadRefName):
        move(project, name, root, None)


@pytest.mark.parametrize("name", [b"refs/secret/a", b"refs/secret"])
def test_hidden_refs_are_neither_moved_nor_deleted(project: Project, root: bytes, name: bytes) -> None:
    with pytest.raises(RefRefused):
        move(project, name, root, ABSENT)
    with pytest.raises(RefRefused):
        delete(project, name, Expected(root))


# --- deleting ---------------------------------------------------------------------------------------------------------


def test_a_ref_is_deleted_from_what_is_expected_and_from_nothing_else(project: Project, root: bytes) -> None:
    second = files(project, "main", root, a="2")
    move(project, TAG, root, None)
    with pytest.raises(RefConflict):
        delete(project, TAG, Expected(second))
    assert delete(project, TAG, Expected(root))
    assert project.refs == {MAIN: second}


def test_deleting_what_is_not_there_is_refused(project: Project, root: bytes) -> None:
    with pytest.raises(RefRefused, match="no such ref"):
        delete(project, TAG, None)
    with pytest.raises(RefConflict):
        delete(project, TAG, Expected(root))


def test_heads_branch_is_not_deleted(project: Project, root: bytes) -> None:
    with pytest.raises(RefRefused, match="deletion of the current branch prohibited"):
        delete(project, MAIN, Expected(root))


# --- listing ----------------------------------------------------------------------------------------------------------


def test_pages_together_are_the_list(project: Project, root: bytes) -> None:
    for number in range(25):
        move(project, b"refs/tags/t%02d" % number, root, None)
    names: list[bytes] = []
    cursor: str | None = None
    while True:
        found = page(project, b"refs/tags/", 10, cursor)
        names += [entry.name for entry in found.entries]
        cursor = found.cursor
        if cursor is None:
            break
    assert names == [b"refs/tags/t%02d" % number for number in range(25)]


def test_a_page_that_just_holds_all_has_no_next(project: Project, root: bytes) -> None:
    move(project, TAG, root, None)
    assert page(project, limit=2).cursor is None
    assert page(project, limit=1).cursor is not None


def test_a_page_of_nothing_leads_past_nothing(project: Project) -> None:
    commit(project, "main", None)
    assert page(project, limit=0) == RefPage([], None)


def test_a_list_goes_on_behind_a_ref_that_is_gone(project: Project, root: bytes) -> None:
    for name in (b"refs/tags/a", b"refs/tags/b"):
        move(project, name, root, None)
    first = page(project, b"refs/tags/", 1)
    delete(project, b"refs/tags/a", None)
    assert [entry.name for entry in page(project, b"refs/tags/", 1, first.cursor).entries] == [b"refs/tags/b"]


def test_a_cursor_of_another_list_is_refused(project: Project, root: bytes) -> None:
    move(project, TAG, root, None)
    cursor = page(project, limit=1).cursor
    for wrong in (cursor, "", "x", "ä"):
        with pytest.raises(BadCursor):
            page(project, b"refs/tags/", 1, wrong)


def test_hidden_refs_are_not_listed(engine: Engine, tmp_path: Path, catalog: OvertakenCatalog) -> None:
    open_engine = open_in_memory(tmp_path / "open", catalog=catalog)
    project = new_project(open_engine)
    root = files(project, "main", None, a="1")
    for name in (b"refs/secret/a", b"refs/secret/b", TAG):
        move(project, name, root, None)
    hidden = Project(engine, project.id)
    first = page(hidden, limit=1)
    assert [entry.name for entry in first.entries] == [MAIN]
    assert [entry.name for entry in page(hidden, limit=1, cursor=first.cursor).entries] == [TAG]
