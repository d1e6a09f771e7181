"""edit_tree and tree_entry: what they refuse, what they read, and what they leave alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core_ext import (
    Cancel,
    Cancelled,
    CorruptObject,
    LimitExceeded,
    MissingObject,
    ObjectDb,
    Pack,
    PackBuilder,
    hash_object,
    parse_tree,
)
from tests.support import tree_twin
from tests.support.packs import database

if TYPE_CHECKING:
    from core_ext._core import TreeEdit

BLOB = bytes(range(20))
OTHER = bytes(range(1, 21))
FILE = 0o100644
FOLDER = 0o40000
EMPTY = database([])


def holding(*trees: bytes) -> ObjectDb:
    builder = PackBuilder(object_format="sha1")
    for content in trees:
        builder.add("tree", content)
    return database([Pack.from_bytes(builder.finish(), None, object_format="sha1")])


def tree_oid(content: bytes) -> bytes:
    return hash_object("tree", content, object_format="sha1")


def entry(mode: str, name: bytes, oid: bytes = BLOB) -> bytes:
    return mode.encode() + b" " + name + b"\0" + oid


def test_a_first_file_makes_its_folders() -> None:
    root, (inner, outer, top) = EMPTY.edit_tree(None, [("write", b"a/b/c", FILE, BLOB)])
    assert parse_tree(inner, object_format="sha1") == [(FILE, b"c", BLOB)]
    assert parse_tree(outer, object_format="sha1") == [(FOLDER, b"b", tree_oid(inner))]
    assert (parse_tree(top, object_format="sha1"), root) == ([(FOLDER, b"a", tree_oid(outer))], tree_oid(top))


def test_no_edits_leave_the_tree_and_make_nothing_new() -> None:
    content = entry("100644", b"f")
    assert holding(content).edit_tree(tree_oid(content), []) == (tree_oid(content), [])
    assert EMPTY.edit_tree(None, []) == (tree_oid(b""), [b""])
    assert holding(b"").edit_tree(None, [("delete", b"f")]) == (tree_oid(b""), [])


def test_writing_what_is_there_makes_nothing_new() -> None:
    content = entry("100644", b"f")
    assert holding(content).edit_tree(tree_oid(content), [("write", b"f", FILE, BLOB)]) == (tree_oid(content), [])


def test_folders_that_become_empty_vanish_up_to_the_root() -> None:
    files: tree_twin.Files = {b"a/b/c": (FILE, BLOB), b"a/d": (FILE, BLOB)}
    root, trees = tree_twin.written(files)
    db = holding(*trees.values())
    new_root, contents = db.edit_tree(root, [("delete", b"a/b/c")])
    assert (new_root, len(contents)) == (tree_twin.written({b"a/d": (FILE, BLOB)})[0], 2)
    assert db.edit_tree(root, [("delete", b"a/b/c"), ("delete", b"a/d")]) == (tree_oid(b""), [b""])


def test_a_whole_tree_can_be_written_and_gone_into() -> None:
    inner = entry("100644", b"f")
    db = holding(inner)
    root, _ = db.edit_tree(None, [("write", b"new", FOLDER, tree_oid(inner)), ("write", b"new/g", FILE, OTHER)])
    assert root == tree_twin.written({b"new/f": (FILE, BLOB), b"new/g": (FILE, OTHER)})[0]
    with pytest.raises(MissingObject):
        db.edit_tree(None, [("write", b"new", FOLDER, OTHER), ("write", b"new/g", FILE, BLOB)])
    assert db.edit_tree(None, [("write", b"new", FOLDER, OTHER)])[1] == [entry("40000", b"new", OTHER)]


def test_entries_beside_an_edit_keep_their_bytes() -> None:
    odd = entry("100664", b"a") + entry("040000", b"b", OTHER) + entry("100644", b"d")
    _, (content,) = holding(odd).edit_tree(tree_oid(odd), [("write", b"c", FILE, BLOB)])
    assert content == entry("100664", b"a") + entry("040000", b"b", OTHER) + entry("100644", b"c") + entry(
        "100644", b"d"
    )


def test_trees_off_the_paths_are_not_read() -> None:
    content = entry("40000", b"absent", OTHER) + entry("100644", b"f")
    db = holding(content)
    moved, _ = db.edit_tree(tree_oid(content), [("move", b"absent", b"elsewhere/there")])
    assert moved == hash_object(
        "tree",
        entry("40000", b"elsewhere", tree_oid(entry("40000", b"there", OTHER))) + entry("100644", b"f"),
        object_format="sha1",
    )
    with pytest.raises(MissingObject) as caught:
        db.edit_tree(tree_oid(content), [("write", b"absent/g", FILE, BLOB)])
    assert caught.value.args[1] == OTHER


def test_the_same_new_folder_twice_is_one_object() -> None:
    edits: list[TreeEdit] = [("write", b"a/f", FILE, BLOB), ("write", b"b/f", FILE, BLOB)]
    assert len(EMPTY.edit_tree(None, edits)[1]) == 2


BAD_PATHS = [
    b"", b"/", b"a/", b"/a", b"a//b", b".", b"..", b"a/../b", b"./a", b"a\0b", b"a" * 4097,
]  # fmt: skip
BAD_NAMES = [b".git", b"a/.git/hooks", b".GIT/x", b"git~1", b".git ", b".g\xe2\x80\x8cit", b"a\\.git\\x", b"x/.Git."]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_that_is_none_is_refused_in_every_edit(path: bytes) -> None:
    content = entry("100644", b"f")
    edits: list[TreeEdit] = [("write", path, FILE, BLOB), ("delete", path), ("move", b"f", path), ("move", path, b"g")]
    for edit in edits:
        with pytest.raises(ValueError, match=r"^path "):
            holding(content).edit_tree(tree_oid(content), [edit])


@pytest.mark.parametrize("path", BAD_NAMES)
def test_a_name_that_fsck_refuses_is_not_made_and_may_be_deleted(path: bytes) -> None:
    with pytest.raises(ValueError, match=r"takes for '\.git'"):
        EMPTY.edit_tree(None, [("write", path, FILE, BLOB)])
    with pytest.raises(ValueError, match=r"takes for '\.git'"):
        EMPTY.edit_tree(None, [("write", b"f", FILE, BLOB), ("move", b"f", path)])
    content = entry("100644", path.split(b"/")[-1])
    assert holding(content).edit_tree(tree_oid(content), [("delete", path.split(b"/")[-1])])[0] == tree_oid(b"")


def test_a_symlink_cannot_be_called_gitmodules() -> None:
    with pytest.raises(ValueError, match=r"\.gitmodules is a symbolic link"):
        EMPTY.edit_tree(None, [("write", b"link", 0o120000, BLOB), ("move", b"link", b"sub/.gitmodules")])
    EMPTY.edit_tree(None, [("write", b".gitmodules", FILE, BLOB)])


@pytest.mark.parametrize("mode", [0, 0o100664, 0o644, 0o160001, 0o40755])
def test_a_mode_that_git_does_not_write_is_refused(mode: int) -> None:
    with pytest.raises(ValueError, match="is none of the modes"):
        EMPTY.edit_tree(None, [("write", b"f", mode, BLOB)])


def test_an_id_of_the_other_format_and_the_null_id_are_refused() -> None:
    for oid in (bytes(20), b"\1" * 32):
        with pytest.raises(ValueError, match="no object's id"):
            EMPTY.edit_tree(None, [("write", b"f", FILE, oid)])


@pytest.mark.parametrize("edit", [("write", b"f"), ("delete",), ("move", b"a"), ("copy", b"a", b"b")])
def test_what_is_no_edit_is_refused(edit: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match="not an edit of a tree"):
        EMPTY.edit_tree(None, [edit])  # type: ignore[list-item]


def test_moves_of_nothing_and_of_a_folder_into_itself_are_refused() -> None:
    folder: TreeEdit = ("write", b"a/f", FILE, BLOB)
    with pytest.raises(ValueError, match="nothing is there"):
        EMPTY.edit_tree(None, [folder, ("move", b"b", b"c")])
    with pytest.raises(ValueError, match="into itself"):
        EMPTY.edit_tree(None, [folder, ("move", b"a", b"a/b")])
    file_into_itself, _ = EMPTY.edit_tree(None, [("write", b"a", FILE, BLOB), ("move", b"a", b"a/b")])
    assert file_into_itself == tree_twin.written({b"a/b": (FILE, BLOB)})[0]


def test_the_deepest_path_is_written_and_moves_go_no_deeper() -> None:
    deepest = b"/".join([b"d"] * 2048)
    root, contents = EMPTY.edit_tree(None, [("write", deepest, FILE, BLOB)])
    assert len(contents) == 2048
    db = holding(*contents)
    assert db.tree_entry(root, deepest) == (FILE, BLOB)
    assert db.edit_tree(root, [("delete", deepest)]) == (tree_oid(b""), [b""])
    below: TreeEdit = ("move", b"d", b"/".join([b"e"] * 10))
    with pytest.raises(ValueError, match="2056 deep there, over the limit of 2048"):
        EMPTY.edit_tree(None, [("write", deepest, FILE, BLOB), below])
    touched: list[TreeEdit] = [("delete", deepest[:-1] + b"x"), below]
    with pytest.raises(ValueError, match="over the limit of 2048"):
        db.edit_tree(root, touched)


def test_memory_is_limited_and_work_can_be_cancelled() -> None:
    content = b"".join(entry("100644", b"%06d" % number) for number in range(1000))
    db = holding(content)
    edits: list[TreeEdit] = [("write", b"new", FILE, BLOB)]
    needed = 2 * len(content) + 8 * 1000 + len(entry("100644", b"new"))
    db.edit_tree(tree_oid(content), edits, max_memory_bytes=needed)
    with pytest.raises(LimitExceeded, match=f"memory for the trees on the paths.* {needed}, over the limit"):
        db.edit_tree(tree_oid(content), edits, max_memory_bytes=needed - 1)
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        db.edit_tree(tree_oid(content), edits, cancel=cancel)


@pytest.mark.parametrize(
    "damaged",
    [
        entry("100644", b"b") + entry("100644", b"a"),
        entry("100644", b"a") + entry("100755", b"a"),
        entry("100644", b"a")[:-1],
        b"junk",
    ],
)
def test_a_damaged_tree_is_named_and_not_made_worse(damaged: bytes) -> None:
    with pytest.raises(CorruptObject, match=tree_oid(damaged).hex()):
        holding(damaged).edit_tree(tree_oid(damaged), [("write", b"new", FILE, BLOB)])


def test_what_is_no_tree_is_refused() -> None:
    builder = PackBuilder(object_format="sha1")
    blob = builder.add("blob", b"no tree")
    db = database([Pack.from_bytes(builder.finish(), None, object_format="sha1")])
    with pytest.raises(CorruptObject, match="a blob where a tree is needed"):
        db.edit_tree(blob, [("write", b"f", FILE, BLOB)])
    for path in (b"", b"f"):
        with pytest.raises(CorruptObject, match="a blob where a tree is needed"):
            db.tree_entry(blob, path)


def test_a_restricted_database_shows_nothing_else() -> None:
    inner = entry("160000", b"f")
    outer = entry("40000", b"a", tree_oid(inner))
    whole = holding(inner, outer)
    shown = whole.reachable([tree_oid(inner)])
    view = whole.restricted(shown)
    with pytest.raises(MissingObject):
        view.tree_entry(tree_oid(outer), b"a")
    with pytest.raises(MissingObject):
        view.edit_tree(tree_oid(outer), [("delete", b"a")])
    edits: list[TreeEdit] = [("write", b"a/f", 0o160000, BLOB)]
    assert view.edit_tree(None, edits) == (tree_oid(outer), [outer])
    assert whole.edit_tree(None, edits) == (tree_oid(outer), [])


def test_paths_that_lead_nowhere() -> None:
    inner = entry("100644", b"f")
    outer = entry("40000", b"a", tree_oid(inner)) + entry("160000", b"sub", OTHER)
    db, root = holding(inner, outer), tree_oid(outer)
    assert db.tree_entry(root, b"") == (FOLDER, root)
    assert db.tree_entry(root, b"a") == (FOLDER, tree_oid(inner))
    assert db.tree_entry(root, b"sub") == (0o160000, OTHER)
    for path in (b"/", b"a/", b"/a", b"a//f", b"a/g", b"a/f/x", b"sub/x", b"b", b"A", b"a/../a"):
        assert db.tree_entry(root, path) is None
