"""Commits made in the engine: what they are built on, what becomes of their branch, and who wins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from packengine.manifests import PublishKind
from packengine.refs import HiddenRefs
from packengine.refs.rules import RefRule
from packengine.repository import AccessEnded, BranchNameError, Engine, Limits, tree_changes
from packengine.repository.errors import ByteQuotaExceeded, RefConflict, RefRefused, WriteRefused
from packengine.repository.push_policy import PushPolicy
from packengine.repository.ref_access import RefAccess
from packengine.repository.tree_changes import Change, DeleteFile, MoveFile, WriteFile
from packengine.repository.writing import Writer
from packengine.storage.ports import RepositoryMissing
from tests.support.engine_pushes import ACTOR
from tests.support.engines import OvertakenCatalog, Project, fork_of, new_project, open_in_memory
from tests.support.fakes import MemoryCatalog
from tests.support.writers import commit, files, listing, modes, said

MAIN = b"refs/heads/main"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
UNKNOWN = b"\1" * 20


@pytest.fixture
def catalog() -> OvertakenCatalog:
    return OvertakenCatalog()


@pytest.fixture
def engine(tmp_path: Path, catalog: OvertakenCatalog) -> Engine:
    return open_in_memory(tmp_path, catalog=catalog)


@pytest.fixture
def project(engine: Engine) -> Project:
    return new_project(engine)


# --- what a commit holds ----------------------------------------------------------------------------------------------


def test_the_first_commit_makes_its_branch_and_head_follows(project: Project) -> None:
    made = commit(project, "topic", None, WriteFile(b"folder/file", b"content"))
    assert project.refs == {b"refs/heads/topic": made.commit}
    assert project.manifest.head == b"refs/heads/topic"
    assert listing(project, made.commit) == {b"folder/file": b"content"}
    assert project.manifest.kind is PublishKind.COMMIT
    assert project.manifest.sealed
    assert project.problems() == []


def test_changes_are_made_one_after_the_other(project: Project) -> None:
    changes: list[Change] = [
        WriteFile(b"a", b"1"),
        MoveFile(b"a", b"b/c"),
        WriteFile(b"a", b"2"),
        DeleteFile(b"a"),
        WriteFile(b"b/d", b"3"),
        MoveFile(b"b", b"e"),
    ]
    made = commit(project, "main", None, *changes)
    assert listing(project, made.commit) == {b"e/c": b"1", b"e/d": b"3"}


def test_paths_lead_through_a_bounded_number_of_folders(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_changes, "MAX_FOLDERS", 6)
    allowed: list[Change] = [
        WriteFile(b"a/b/c/1", b""),
        WriteFile(b"a/b/c/2", b""),
        WriteFile(b"a/b/cd/3", b""),
        MoveFile(b"a/b/c/1", b"a/b-/4"),
        DeleteFile(b"none/5"),
    ]
    made = commit(project, "main", None, *allowed)
    assert sorted(listing(project, made.commit)) == [b"a/b-/4", b"a/b/c/2", b"a/b/cd/3"]
    with pytest.raises(WriteRefused, match="more than 6 folders"):
        commit(project, "main", made.commit, *allowed, MoveFile(b"a/b-/4", b"e/5"))


def test_as_many_folders_as_a_body_has_room_for_take_no_memory(project: Project) -> None:
    deep = b"/".join([b"a"] * 2040)
    with pytest.raises(WriteRefused, match=f"more than {tree_changes.MAX_FOLDERS} folders"):
        commit(project, "main", None, *(WriteFile(b"%d/%b" % (at, deep), b"") for at in range(1500)))
    made = commit(project, "main", None, *(WriteFile(b"%b/%d" % (deep, at), b"") for at in range(1500)))
    assert project.refs == {MAIN: made.commit}


def test_a_commit_without_changes_has_its_parents_tree(project: Project) -> None:
    root = commit(project, "main", None, WriteFile(b"a", b"1"))
    made = commit(project, "main", root.commit)
    assert made.tree == root.tree
    assert made.commit != root.commit
    assert project.manifest.sealed


def test_a_commit_of_nothing_has_the_empty_tree(project: Project) -> None:
    assert commit(project, "main", None).tree.hex() == EMPTY_TREE
    assert project.problems() == []


def test_deleting_the_last_file_leaves_the_empty_tree(project: Project) -> None:
    root = files(project, "main", None, a="1")
    made = commit(project, "main", root, DeleteFile(b"a"))
    assert made.tree.hex() == EMPTY_TREE
    assert project.problems() == []


def test_deleting_what_is_not_there_is_passed_over(project: Project) -> None:
    root = commit(project, "main", None, WriteFile(b"a", b"1"))
    assert commit(project, "main", root.commit, DeleteFile(b"b/c")).tree == root.tree


@pytest.mark.parametrize("mode", [0o100644, 0o100755, 0o120000])
def test_a_file_keeps_its_mode_if_none_is_given(project: Project, mode: int) -> None:
    root = commit(project, "main", None, WriteFile(b"a", b"1", mode))
    made = commit(project, "main", root.commit, WriteFile(b"a", b"2"), WriteFile(b"new", b"3"))
    assert modes(project, made.tree) == {b"a": mode, b"new": 0o100644}


def test_a_mode_goes_along_with_a_move_and_not_with_a_deletion(project: Project) -> None:
    root = commit(project, "main", None, WriteFile(b"a", b"1", 0o100755), WriteFile(b"b", b"1", 0o100755))
    changes = MoveFile(b"a", b"c"), WriteFile(b"c", b"2"), DeleteFile(b"b"), WriteFile(b"b", b"2")
    assert modes(project, commit(project, "main", root.commit, *changes).tree) == {b"b": 0o100644, b"c": 0o100755}


@pytest.mark.parametrize(("message", "kept"), [("a", b"a\n"), ("a\n", b"a\n"), ("a\n\n", b"a\n\n"), ("", b"")])
def test_a_message_ends_with_a_newline_and_is_kept_otherwise(project: Project, message: str, kept: bytes) -> None:
    made = commit(project, "main", None, message=message)
    assert said(project, made.commit).partition(b"\n\n")[2] == kept


@pytest.mark.parametrize(
    "path", [b"", b"/a", b"a/", b"a//b", b".", b"a/../b", b".git/config", b"a/.GIT/b", b"git~1", b"a\0b"]
)
def test_a_path_that_no_tree_may_hold_is_refused_by_name(project: Project, path: bytes) -> None:
    with pytest.raises(WriteRefused):
        commit(project, "main", None, WriteFile(path, b""))
    assert project.refs == {}


def test_what_fsck_refuses_is_refused(project: Project) -> None:
    with pytest.raises(WriteRefused, match="gitmodulesUrl"):
        commit(project, "main", None, WriteFile(b".gitmodules", b'[submodule "x"]\n\tpath = x\n\turl = -u\n'))
    assert project.refs == {}


# --- its branch and its parent ----------------------------------------------------------------------------------------


def test_a_stale_parent_leaves_the_branch_and_names_both_values(project: Project) -> None:
    root = files(project, "main", None, a="1")
    newest = files(project, "main", root, a="2")
    with pytest.raises(RefConflict) as caught:
        files(project, "main", root, a="3")
    assert (caught.value.name, caught.value.expected, caught.value.current) == ("main", root, newest)
    assert project.refs == {MAIN: newest}


def test_a_branch_that_must_not_exist_is_not_moved(project: Project) -> None:
    root = files(project, "main", None, a="1")
    with pytest.raises(RefConflict) as caught:
        files(project, "main", None, a="3")
    assert (caught.value.expected, caught.value.current) == (None, root)


def test_a_parent_needs_its_branch(project: Project) -> None:
    root = files(project, "main", None, a="1")
    with pytest.raises(RefConflict) as caught:
        files(project, "side", root, a="3")
    assert caught.value.current is None


def test_with_force_the_branch_moves_and_the_parent_is_what_it_is_built_on(project: Project) -> None:
    root = files(project, "main", None, a="1")
    files(project, "main", root, a="2")
    made = commit(project, "main", root, WriteFile(b"b", b"3"), force=True)
    assert project.refs == {MAIN: made.commit}
    assert listing(project, made.commit) == {b"a": b"1", b"b": b"3"}
    side = commit(project, "side", root, force=True)
    assert project.refs == {MAIN: made.commit, b"refs/heads/side": side.commit}


def test_with_force_and_no_parent_history_begins_anew(project: Project) -> None:
    files(project, "main", None, a="1")
    made = commit(project, "main", None, WriteFile(b"b", b"3"), force=True)
    assert b"parent" not in said(project, made.commit)
    assert project.refs == {MAIN: made.commit}


@pytest.mark.parametrize("branch", ["", "a..b", "-a", "HEAD", "a b", "a/", "refs\x01"])
def test_a_branch_by_no_branchs_name_is_refused(project: Project, branch: str) -> None:
    with pytest.raises(BranchNameError):
        commit(project, branch, None)


def test_an_unknown_parent_is_refused_also_where_the_branch_is_elsewhere(project: Project) -> None:
    root = commit(project, "main", None)
    for parent in (UNKNOWN, root.tree):
        with pytest.raises(WriteRefused, match=f"{parent.hex()} is no commit"):
            commit(project, "main", parent)


def test_a_commit_that_only_a_fork_reaches_is_no_parent(engine: Engine, project: Project) -> None:
    root = files(project, "main", None, a="1")
    fork = fork_of(project, "forked")
    secret = files(fork, "main", root, a="secret")
    with pytest.raises(WriteRefused, match="is no commit"):
        commit(project, "main", secret, force=True)


def test_what_a_branch_left_behind_is_no_parent(project: Project) -> None:
    root = files(project, "main", None, a="1")
    left = files(project, "main", root, a="2")
    commit(project, "main", root, force=True)
    assert not project.manifest.sealed
    with pytest.raises(WriteRefused, match="is no commit"):
        commit(project, "main", left, force=True)


def test_a_branch_beside_a_folder_of_its_name_is_refused(project: Project) -> None:
    files(project, "a/b", None, a="1")
    with pytest.raises(RefRefused, match="cannot create the ref beside it"):
        files(project, "a", None, a="1")


# --- who may, and who wins --------------------------------------------------------------------------------------------


def overtaken(catalog: OvertakenCatalog, *rivals: Callable[[], object]) -> None:
    catalog.rivals = list(rivals)


def test_a_commit_that_was_overtaken_on_its_branch_is_refused(catalog: OvertakenCatalog, project: Project) -> None:
    root = files(project, "main", None, a="1")
    won: list[bytes] = []
    overtaken(catalog, lambda: won.append(files(project.elsewhere(), "main", root, b="2")))
    with pytest.raises(RefConflict) as caught:
        files(project, "main", root, a="3")
    assert caught.value.current == won[0] == project.refs[MAIN]


def test_a_commit_that_was_overtaken_elsewhere_is_published(catalog: OvertakenCatalog, project: Project) -> None:
    root = files(project, "main", None, a="1")
    overtaken(catalog, lambda: files(project.elsewhere(), "side", None, b="2"))
    made = files(project, "main", root, a="3")
    assert project.refs[MAIN] == made
    assert len(project.refs) == 2
    assert project.problems() == []


def test_with_force_a_commit_wins_over_what_overtook_it(catalog: OvertakenCatalog, project: Project) -> None:
    root = files(project, "main", None, a="1")
    overtaken(catalog, lambda: files(project.elsewhere(), "main", root, b="2"))
    made = commit(project, "main", root, WriteFile(b"a", b"3"), force=True)
    assert project.refs == {MAIN: made.commit}


def test_a_tree_that_was_there_and_is_gone_when_it_counts_is_brought_along(
    catalog: OvertakenCatalog, project: Project
) -> None:
    root = files(project, "main", None, a="1")
    commit(project, "side", root, WriteFile(b"a", b"2"), force=True)
    catalog.rivals = [lambda: commit(project.elsewhere(), "side", root, force=True)]
    made = files(project, "main", root, a="2")  # its tree is that of the commit that side leaves behind
    assert listing(project, made) == {b"a": b"2"}
    assert not project.manifest.sealed
    assert project.problems() == []


def test_whose_access_ends_meanwhile_publishes_nothing(catalog: OvertakenCatalog, project: Project) -> None:
    answers = iter([True, False])
    overtaken(catalog, lambda: files(project.elsewhere(), "side", None, b="2"))
    with pytest.raises(AccessEnded):
        commit(project, "main", None, writer=Writer(ACTOR, may_write=lambda: next(answers)))
    assert set(project.refs) == {b"refs/heads/side"}


def test_a_repository_that_is_deleted_meanwhile_gets_nothing(
    catalog: OvertakenCatalog, engine: Engine, project: Project
) -> None:
    overtaken(catalog, lambda: engine.delete_repository(project.id, ACTOR))
    with pytest.raises(RepositoryMissing):
        commit(project, "main", None)


def test_a_read_only_repository_is_not_committed_to(catalog: OvertakenCatalog, project: Project) -> None:
    catalog.now_read_only.add(project.id)
    with pytest.raises(RefRefused, match="read-only") as caught:
        commit(project, "main", None)
    assert caught.value.is_forbidden


def test_a_token_for_other_refs_is_refused(project: Project) -> None:
    access = RefAccess("alice", is_admin=False, patterns=("refs/heads/alice/*",))
    with pytest.raises(RefRefused, match="token may not move") as caught:
        commit(project, "main", None, writer=Writer(ACTOR, access))
    assert caught.value.is_forbidden
    commit(project, "alice/main", None, writer=Writer(ACTOR, access))


def test_a_protected_branch_is_committed_to_and_not_forced(engine: Engine, project: Project) -> None:
    root = files(project, "main", None, a="1")
    engine.catalog.update_repository(project.id, rules=(RefRule("refs/heads/main", deny_force=True),))
    second = files(project, "main", root, a="2")
    with pytest.raises(RefRefused, match="can only be fast-forwarded") as caught:
        commit(project, "main", root, force=True)
    assert caught.value.is_forbidden
    assert project.refs == {MAIN: second}


def test_a_hidden_branch_tells_nothing(tmp_path: Path) -> None:
    catalog = MemoryCatalog()
    shown = new_project(open_in_memory(tmp_path / "shown", catalog=catalog))
    files(shown, "secret/x", None, a="1")
    policy = PushPolicy(HiddenRefs.of_patterns([b"refs/heads/secret"]))
    pushes = shown.engine.pushes
    engine = Engine(catalog, pushes.blobs, pushes.quarantine, tmp_path, Limits(), policy=policy)
    hidden = Project(engine, shown.id)
    for force in (False, True):
        with pytest.raises(RefRefused, match="hidden ref"):
            commit(hidden, "secret/x", None, force=force)


def test_a_commit_beyond_the_byte_quota_is_refused(tmp_path: Path) -> None:
    project = new_project(open_in_memory(tmp_path, limits=Limits(max_repository_bytes=500)))
    files(project, "main", None, a="1")
    with pytest.raises(ByteQuotaExceeded):
        commit(project, "side", None, WriteFile(b"a", bytes(range(256)) * 2))
    assert set(project.refs) == {MAIN}


def test_a_large_commit_is_stored_as_a_blob(tmp_path: Path) -> None:
    project = new_project(open_in_memory(tmp_path, limits=Limits(tail_pack_bytes=1000)))
    content = b"".join(n.to_bytes(3, "big") for n in range(3000))
    made = commit(project, "main", None, WriteFile(b"a", content))
    assert listing(project, made.commit) == {b"a": content}
    assert [pack.place.value for pack in project.manifest.packs] == ["blob"]
