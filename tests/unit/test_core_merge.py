"""ObjectDb.merge: the cases that have a name, the limits, and what hostile trees do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core_ext import (
    Cancel,
    Cancelled,
    CorruptObject,
    LimitExceeded,
    MissingObject,
    UnrelatedHistories,
    hash_object,
    parse_tree,
)
from tests.support.merging import EXECUTABLE, SUBMODULE, SYMLINK, Files, History, merge_files, merged

if TYPE_CHECKING:
    from core_ext._core import Kind, Oid

LINES = [b"line %d\n" % number for number in range(20)]
TEXT = b"".join(LINES)


def changed(*at: int, to: bytes = b"changed\n") -> bytes:
    """The text with some lines replaced."""
    return b"".join(to if number in at else line for number, line in enumerate(LINES))


def contents(base: Files, ours: Files, theirs: Files) -> dict[bytes, bytes]:
    """The new blobs of a clean merge by the names of the root that have them."""
    history = History()
    left, right = history.fork(base, ours, theirs)
    result = merged(history.database(), left, right)
    assert result.conflicts == []
    assert result.tree is not None
    blobs = {_oid("blob", content): content for kind, content in result.objects if kind == "blob"}
    (root,) = (content for kind, content in result.objects if kind == "tree" and _oid("tree", content) == result.tree)
    return {name: blobs[oid] for _, name, oid in parse_tree(root, object_format="sha1") if oid in blobs}


def _oid(kind: Kind, content: bytes) -> Oid:
    return hash_object(kind, content, object_format="sha1")


# --- what is clean ----------------------------------------------------------------------------------------------------


def test_changes_of_different_lines_are_both_taken() -> None:
    merged_text = contents({"file": TEXT}, {"file": changed(2)}, {"file": changed(15)})
    assert merged_text == {b"file": changed(2, 15)}


def test_the_same_change_of_both_sides_is_taken_once() -> None:
    tree, conflicts = merge_files({"file": TEXT}, {"file": changed(2)}, {"file": changed(2)})
    assert (tree is not None, conflicts) == (True, {})


def test_a_change_follows_a_renamed_file() -> None:
    merged_text = contents({"old": TEXT}, {"old": changed(2)}, {"new": changed(15)})
    assert merged_text == {b"new": changed(2, 15)}


def test_a_change_of_a_file_follows_its_renamed_folder() -> None:
    base = {f"old/{name}": changed(0, to=name.encode()) for name in "abc"}
    moved = {path.replace("old/", "new/"): text for path, text in base.items()}
    tree, conflicts = merge_files(base, base | {"old/a": changed(0, 9)}, moved)
    assert (tree is not None, conflicts) == (True, {})


def test_only_new_objects_are_told_each_after_what_it_refers_to() -> None:
    history = History()
    base = {"a/b/file": TEXT, "a/other": b"other\n", "c": b"c\n"}
    ours, theirs = history.fork(base, base | {"a/b/file": changed(2)}, base | {"a/b/file": changed(15)})
    result = merged(history.database(), ours, theirs)
    assert [kind for kind, _ in result.objects] == ["blob", "tree", "tree", "tree"]
    assert _oid(*result.objects[-1]) == result.tree


def test_a_merge_to_nothing_is_the_empty_tree() -> None:
    history = History()
    ours, theirs = history.fork({"a": TEXT, "b": b"b\n"}, {"a": TEXT}, {"b": b"b\n"})
    result = merged(history.database(), ours, theirs)
    assert result.tree == _oid("tree", b"")
    assert result.objects == [("tree", b"")]


# --- what is a conflict, and of which kind ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "conflicts"),
    [
        ({"f": TEXT}, {"f": changed(3, to=b"a\n")}, {"f": changed(3, to=b"b\n")}, {"f": "content"}),
        ({}, {"f": b"a\n"}, {"f": b"b\n"}, {"f": "add/add"}),
        ({"f": TEXT}, {}, {"f": changed(3)}, {"f": "modify/delete"}),
        ({"f": TEXT}, {}, {"g": changed(3)}, {"g": "rename/delete"}),
        ({"f": TEXT}, {"g": TEXT}, {"h": TEXT}, dict.fromkeys("fgh", "rename/rename")),
        ({"f": b"\0a"}, {"f": b"\0b"}, {"f": b"\0c"}, {"f": "binary"}),
        ({"f": (SYMLINK, b"a")}, {"f": (SYMLINK, b"b")}, {"f": (SYMLINK, b"c")}, {"f": "symlink"}),
        (
            {"f": (SUBMODULE, b"a" * 20)},
            {"f": (SUBMODULE, b"b" * 20)},
            {"f": (SUBMODULE, b"c" * 20)},
            {"f": "submodule"},
        ),
        ({}, {"f": TEXT}, {"f": (EXECUTABLE, TEXT)}, {"f": "mode"}),
        ({}, {"f": TEXT}, {"f": (SYMLINK, b"a")}, {"f": "distinct types", "f~ours": "distinct types"}),
        ({}, {"f": TEXT}, {"f/g": TEXT}, {"f~ours": "file/directory"}),
        (
            {"d/a": changed(1), "d/b": changed(2)},
            {"e/a": changed(1), "e/b": changed(2)},
            {"d/a": changed(1), "d/b": changed(2), "d/c": b"new\n"},
            {"e/c": "file location"},
        ),
        (
            {"d/a": changed(1), "d/b": changed(2)},
            {"e/a": changed(1), "g/b": changed(2)},
            {"d/a": changed(1), "d/b": changed(2), "d/c": b"new\n"},
            {"d": "directory rename split"},
        ),
    ],
)
def test_a_conflict_names_its_path_and_its_kind(
    base: Files, ours: Files, theirs: Files, conflicts: dict[str, str]
) -> None:
    assert merge_files(base, ours, theirs) == (None, conflicts)


def test_marks_of_a_conflict_are_never_in_a_clean_tree() -> None:
    """Git calls this one clean: the marked text of the renamed file merges with the empty file at its new path."""
    conflicts = merge_files({"f": b"a\n"}, {"f": b"", "g": b""}, {"g": b"a\na\n"})
    assert conflicts == (None, {"g": "rename/add"})


def test_a_merge_in_conflict_has_no_objects() -> None:
    history = History()
    ours, theirs = history.fork({"f": TEXT}, {"f": changed(3, to=b"a\n")}, {"f": changed(3, to=b"b\n")})
    assert merged(history.database(), ours, theirs).objects == []


def test_branches_that_crossed_are_merged_upon_the_merge_of_their_bases() -> None:
    """Upon either base alone, the line that both had taken over would be a conflict."""
    history = History()
    root = history.commit({"f": TEXT})
    left, right = history.commit({"f": changed(2)}, root), history.commit({"f": changed(15)}, root)
    ours = history.commit({"f": changed(2, 15)}, left, right)
    theirs = history.commit({"f": changed(2, 8, 15)}, right, left)
    result = merged(history.database(), ours, theirs)
    assert result.bases == [right, left]
    assert result.conflicts == []
    assert result.tree == history.tree({"f": changed(2, 8, 15)})


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_unrelated_histories_are_refused_unless_allowed() -> None:
    history = History()
    ours, theirs = history.commit({"a": TEXT}), history.commit({"b": TEXT})
    db = history.database()
    with pytest.raises(UnrelatedHistories, match=f"{ours.hex()} and {theirs.hex()}"):
        merged(db, ours, theirs)
    result = merged(db, ours, theirs, allow_unrelated=True)
    assert (result.tree, result.bases) == (history.tree({"a": TEXT, "b": TEXT}), [])


def test_what_a_view_hides_is_not_merged() -> None:
    history = History()
    ours, theirs = history.fork({"a": TEXT}, {"a": changed(1)}, {"a": changed(9)})
    db = history.database()
    view = db.restricted(db.reachable([ours]))
    with pytest.raises(MissingObject, match=theirs.hex()):
        merged(view, ours, theirs)


def test_each_limit_is_named() -> None:
    history = History()
    folder = {f"{number:04}": b"%d\n" % number for number in range(2000)}
    ours, theirs = history.fork(folder | {"f": TEXT}, folder | {"f": changed(1)}, {"f": changed(9)})
    db = history.database()
    with pytest.raises(LimitExceeded, match="bytes of objects to be read"):
        merged(db, ours, theirs, max_read_bytes=50_000)
    with pytest.raises(LimitExceeded, match="bytes of memory for the paths"):
        merged(db, ours, theirs, max_memory_bytes=500_000)
    with pytest.raises(LimitExceeded, match="over the limit of 300"):
        merged(db, ours, theirs, max_text_bytes=300)


def test_texts_that_are_too_large_together_are_not_merged() -> None:
    history = History()
    ours, theirs = history.fork({"f": TEXT}, {"f": changed(1)}, {"f": changed(9)})
    with pytest.raises(LimitExceeded, match="bytes of texts to be merged"):
        merged(history.database(), ours, theirs, max_text_bytes=3 * len(TEXT) - 9)


def test_texts_that_would_be_compared_for_minutes_are_not_merged() -> None:
    lines = [b"%d\n" % number for number in range(60_000)]
    ours, theirs = (b"".join(line if at % 5 else side + line for at, line in enumerate(lines)) for side in (b"o", b"t"))
    history = History()
    left, right = history.fork({"f": b"".join(lines)}, {"f": ours}, {"f": theirs})
    with pytest.raises(LimitExceeded, match="lines times changed places of a text"):
        merged(history.database(), left, right)


def test_beyond_the_rename_limit_only_files_of_the_same_content_or_name_are_renames() -> None:
    base = {f"old-{name}": changed(0, to=name.encode() * 9) for name in "ab"}
    theirs = {f"new-{name}": changed(0, 9, to=name.encode() * 9) for name in "ab"}
    history = History()
    ours_commit, theirs_commit = history.fork(base, {path: text + b"more\n" for path, text in base.items()}, theirs)
    db = history.database()
    assert merged(db, ours_commit, theirs_commit, rename_limit=2).conflicts == []
    assert {kind for _, kind in merged(db, ours_commit, theirs_commit, rename_limit=1).conflicts} == {"modify/delete"}


def test_a_cancelled_merge_stops() -> None:
    history = History()
    ours, theirs = history.fork({"f": TEXT}, {"f": changed(1)}, {"f": changed(9)})
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        merged(history.database(), ours, theirs, cancel=cancel)


# --- trees that no honest Git writes ----------------------------------------------------------------------------------


def test_a_tree_with_two_entries_of_one_name_is_refused() -> None:
    history = History()
    blob = _oid("blob", TEXT)
    root = history.commit({"f": TEXT})
    twice = history.raw_tree([(b"100644", b"a", blob), (b"100644", b"a", blob)])
    ours, theirs = history.commit(twice, root), history.commit({"g": TEXT}, root)
    with pytest.raises(CorruptObject, match="two entries of the same name"):
        merged(history.database(), ours, theirs)


@pytest.mark.parametrize(("depth", "is_refused"), [(2000, False), (2100, True)])
def test_folders_in_folders_end_at_a_limit(depth: int, is_refused: bool) -> None:
    def nested(history: History, text: bytes) -> bytes:
        tree = history.tree({"f": text})
        for _ in range(depth):
            tree = history.raw_tree([(b"40000", b"d", tree)])
        return tree

    history = History()
    root = history.commit(nested(history, TEXT))
    ours = history.commit(nested(history, changed(1)), root)
    theirs = history.commit(nested(history, changed(9)), root)
    if is_refused:
        with pytest.raises(LimitExceeded, match="folders in folders is 2049"):
            merged(history.database(), ours, theirs)
    else:
        assert merged(history.database(), ours, theirs).conflicts == []


def test_a_small_tree_that_unfolds_to_a_billion_paths_ends_at_a_limit() -> None:
    def unfolding(history: History, text: bytes) -> bytes:
        tree = history.tree({"f": text})
        for _ in range(9):
            tree = history.raw_tree([(b"40000", b"%d" % number, tree) for number in range(10)])
        return tree

    history = History()
    root = history.commit(unfolding(history, TEXT))
    ours = history.commit(unfolding(history, changed(1)), root)
    theirs = history.commit(unfolding(history, changed(9)), root)
    with pytest.raises(LimitExceeded, match="bytes of memory for the paths"):
        merged(history.database(), ours, theirs, max_memory_bytes=32 << 20)
