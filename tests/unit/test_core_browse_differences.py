"""diff_trees and diff_blobs: limits, what is not there, and the answers at the edges."""

from __future__ import annotations

import pytest

from core_ext import Cancel, Cancelled, CorruptObject, LimitExceeded, MissingObject, ObjectDb, Pack, PackBuilder
from tests.support.packs import database
from tests.unit.test_core_browse_listing import Objects, entry

LINES = b"".join(b"line %d\n" % number for number in range(20))
MANY = 1 << 20


def blobs(*contents: bytes) -> tuple[ObjectDb, list[bytes]]:
    builder = PackBuilder(object_format="sha1")
    oids = [builder.add("blob", content) for content in contents]
    return database([Pack.from_bytes(builder.finish(), None, object_format="sha1")]), oids


def test_a_tree_differs_from_none_by_all_its_files() -> None:
    objects = Objects()
    file = objects.blob(b"x")
    root = objects.tree(entry("40000", b"a", objects.tree(entry("100755", b"f", file))))
    db = objects.database()
    added = [("added", b"a/f", None, 0, 0o100755, None, file)]
    deleted = [("deleted", b"a/f", None, 0o100755, 0, file, None)]
    assert db.diff_trees(None, root, renames=True, limit=1) == added
    assert db.diff_trees(root, None, renames=True, limit=1) == deleted
    assert db.diff_trees(root, root, renames=True, limit=0) == db.diff_trees(None, None, renames=False, limit=0) == []


def test_an_equal_file_elsewhere_is_a_rename_only_if_asked_for() -> None:
    objects = Objects()
    file = objects.blob(b"x")
    old, new = objects.tree(entry("100644", b"f", file)), objects.tree(entry("100755", b"g", file))
    db = objects.database()
    renamed = ("renamed", b"g", b"f", 0o100644, 0o100755, file, file)
    assert db.diff_trees(old, new, renames=True, limit=1) == [renamed]
    deleted, added = ("deleted", b"f", None, 0o100644, 0, file, None), ("added", b"g", None, 0, 0o100755, None, file)
    assert db.diff_trees(old, new, renames=False, limit=2) == [deleted, added]


def test_a_change_of_type_is_a_modification_and_odd_modes_of_old_are_none() -> None:
    objects = Objects()
    file = objects.blob(b"x")
    old = objects.tree(entry("100664", b"f", file), entry("100644", b"g", file))
    new = objects.tree(entry("100644", b"f", file), entry("120000", b"g", file))
    changes = objects.database().diff_trees(old, new, renames=True, limit=9)
    assert changes == [("modified", b"g", None, 0o100644, 0o120000, file, file)]


def test_more_differences_than_the_limit_are_an_error() -> None:
    objects = Objects()
    ids = [objects.blob(b"%d" % number) for number in range(4)]
    old = objects.tree(entry("100644", b"a", ids[0]), entry("100644", b"b", ids[1]))
    new = objects.tree(entry("100644", b"c", ids[2]), entry("100644", b"d", ids[3]))
    moved = objects.tree(entry("100644", b"c", ids[0]), entry("100644", b"d", ids[1]))
    db = objects.database()
    assert len(db.diff_trees(old, new, renames=True, limit=4)) == 4
    assert len(db.diff_trees(old, moved, renames=True, limit=2)) == 2
    for renames, tree, limit in [(True, new, 3), (False, new, 3), (True, moved, 1)]:
        with pytest.raises(LimitExceeded, match=f"number of files that differ is .* over the limit of {limit}"):
            db.diff_trees(old, tree, renames=renames, limit=limit)


def test_similar_files_are_looked_for_within_a_limit() -> None:
    objects = Objects()
    old = objects.tree(entry("100644", b"f", objects.blob(LINES)))
    new = objects.tree(entry("100644", b"g", objects.blob(LINES + b"one more\n")))
    db, size = objects.database(), 2 * len(LINES) + 9
    (change,) = db.diff_trees(old, new, renames=True, limit=2, max_similarity_bytes=size)
    assert change[0] == "renamed"
    changes = db.diff_trees(old, new, renames=True, limit=2, max_similarity_bytes=size - 1)
    assert [change[0] for change in changes] == ["deleted", "added"]


def test_subtrees_that_are_the_same_are_not_read() -> None:
    objects = Objects()
    file, absent = objects.blob(b"x"), b"\7" * 20
    old = objects.tree(entry("40000", b"a", absent), entry("100644", b"f", file))
    new = objects.tree(entry("40000", b"a", absent))
    db = objects.database()
    assert [row[1] for row in db.diff_trees(old, new, renames=True, limit=9)] == [b"f"]
    with pytest.raises(MissingObject):
        db.diff_trees(old, None, renames=True, limit=9)


def test_a_restricted_database_compares_nothing_else() -> None:
    objects = Objects()
    old_file, new_file = objects.blob(b"old\n"), objects.blob(b"new\n")
    old, new = objects.tree(entry("100644", b"f", old_file)), objects.tree(entry("100644", b"f", new_file))
    db = objects.database()
    view = db.restricted(db.reachable([new]))
    with pytest.raises(MissingObject):
        view.diff_trees(old, new, renames=True, limit=9)
    with pytest.raises(MissingObject):
        view.diff_blobs(old_file, new_file, context=3, max_bytes=MANY, max_lines=MANY)
    assert view.diff_blobs(None, new_file, context=3, max_bytes=MANY, max_lines=MANY).additions == 1


def test_comparing_can_be_cancelled_and_memory_is_limited() -> None:
    objects = Objects()
    old, new = objects.tree(entry("100644", b"f", objects.blob(b"1"))), objects.tree()
    db, cancel = objects.database(), Cancel()
    with pytest.raises(LimitExceeded, match="memory for a comparison of trees"):
        db.diff_trees(old, new, renames=True, limit=9, max_memory_bytes=10)
    cancel.set()
    with pytest.raises(Cancelled):
        db.diff_trees(old, new, renames=True, limit=9, cancel=cancel)
    with pytest.raises(Cancelled):
        db.diff_blobs(None, objects.blob(b"1"), context=3, max_bytes=9, max_lines=9, cancel=cancel)


def test_what_is_no_tree_and_no_blob_is_refused() -> None:
    objects = Objects()
    file, tree = objects.blob(b"x"), objects.tree()
    damaged = objects.tree(b"junk")
    db = objects.database()
    with pytest.raises(CorruptObject, match="a blob where a tree is needed"):
        db.diff_trees(file, tree, renames=True, limit=9)
    with pytest.raises(CorruptObject, match="a tree where a blob is needed"):
        db.diff_blobs(file, tree, context=3, max_bytes=MANY, max_lines=MANY)
    with pytest.raises(CorruptObject, match=damaged.hex()):
        db.diff_trees(damaged, tree, renames=True, limit=9)


def test_lines_keep_their_line_feeds_and_the_last_may_have_none() -> None:
    db, (old, new) = blobs(b"a\nb\nc", b"a\nb\nc\n")
    diff = db.diff_blobs(old, new, context=1, max_bytes=MANY, max_lines=MANY)
    assert diff.hunks == [(2, 2, 2, 2, [("ctx", b"b\n"), ("del", b"c"), ("add", b"c\n")])]
    assert (diff.additions, diff.deletions, diff.is_binary, diff.truncated) == (1, 1, False, False)


def test_a_blob_differs_from_none_by_all_its_lines() -> None:
    db, (some, empty) = blobs(b"a\nb\n", b"")
    for nothing in (None, empty):
        diff = db.diff_blobs(nothing, some, context=3, max_bytes=MANY, max_lines=MANY)
        assert diff.hunks == [(0, 0, 1, 2, [("add", b"a\n"), ("add", b"b\n")])]
        diff = db.diff_blobs(some, nothing, context=3, max_bytes=MANY, max_lines=MANY)
        assert diff.hunks == [(1, 2, 0, 0, [("del", b"a\n"), ("del", b"b\n")])]
    assert db.diff_blobs(None, empty, context=3, max_bytes=MANY, max_lines=MANY).hunks == []
    assert db.diff_blobs(some, some, context=3, max_bytes=0, max_lines=0).truncated is False


def test_places_whose_context_meets_are_one_hunk() -> None:
    def changed(*numbers: int) -> bytes:
        return b"".join(b"changed\n" if number in numbers else b"line %d\n" % number for number in range(20))

    db, (old, near, far) = blobs(LINES, changed(5, 12), changed(5, 13))
    (hunk,) = db.diff_blobs(old, near, context=3, max_bytes=MANY, max_lines=MANY).hunks
    assert hunk[:4] == (3, 14, 3, 14)
    hunks = db.diff_blobs(old, far, context=3, max_bytes=MANY, max_lines=MANY).hunks
    assert [hunk[:4] for hunk in hunks] == [(3, 7, 3, 7), (11, 7, 11, 7)]


@pytest.mark.parametrize(("content", "binary"), [(b"x" * 7999 + b"\0", True), (b"x" * 8000 + b"\0", False)])
def test_a_nul_among_the_first_8000_bytes_makes_a_blob_binary(content: bytes, binary: bool) -> None:
    db, (text, other) = blobs(b"text\n", content)
    for old, new in [(text, other), (other, text), (None, other)]:
        diff = db.diff_blobs(old, new, context=3, max_bytes=MANY, max_lines=MANY)
        assert diff.is_binary is binary
        assert (diff.hunks == []) is binary


def test_a_blob_over_the_limit_is_not_compared() -> None:
    db, (small, large) = blobs(b"x\n", LINES)
    assert not db.diff_blobs(small, large, context=3, max_bytes=len(LINES), max_lines=MANY).truncated
    diff = db.diff_blobs(small, large, context=3, max_bytes=len(LINES) - 1, max_lines=MANY)
    assert (diff.truncated, diff.hunks, diff.additions, diff.deletions) == (True, [], 0, 0)


@pytest.mark.parametrize("max_lines", range(9))
def test_no_more_lines_are_told_than_the_limit_and_hunks_stay_true(max_lines: int) -> None:
    changed = LINES.replace(b"line 2\n", b"").replace(b"line 15\n", b"new\n")
    db, (old, new) = blobs(LINES, changed)
    whole = db.diff_blobs(old, new, context=1, max_bytes=MANY, max_lines=MANY)
    cut = db.diff_blobs(old, new, context=1, max_bytes=MANY, max_lines=max_lines)
    told = [line for hunk in whole.hunks for line in hunk[4]]
    assert [line for hunk in cut.hunks for line in hunk[4]] == told[:max_lines]
    assert cut.truncated is (max_lines < len(told) == 7)
    assert (cut.additions, cut.deletions) == (whole.additions, whole.deletions) == (1, 2)
    for _, old_lines, _, new_lines, lines in cut.hunks:
        assert sum(kind != "add" for kind, _ in lines) == old_lines
        assert sum(kind != "del" for kind, _ in lines) == new_lines
