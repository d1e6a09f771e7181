"""Trees edited and looked at by the compiled core, against dictionaries of paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_ext import ObjectDb, Pack, PackBuilder
from tests.support import tree_twin
from tests.support.git_objects import OID_BYTES, object_id, tree_entries
from tests.support.packs import database
from tests.support.tree_twin import BadEdit, Files

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat, Oid, TreeEdit

# Names between which a folder's slash sorts, and some that a folder's name begins with.
NAMES = [b"a", b"a.b", b"a-", b"a0", b"a b", b"ab", b"b", b"\xff", b"\x01"]
MODES = [0o100644, 0o100755, 0o120000, SUBMODULE := 0o160000]
BLOBS = [b"", b"one", b"another\n"]

names = st.sampled_from(NAMES)
paths = st.lists(names, min_size=1, max_size=4).map(b"/".join)
formats = st.sampled_from(list(OID_BYTES))


def entries(object_format: ObjectFormat) -> st.SearchStrategy[tuple[int, Oid]]:
    oids = [object_id("blob", content, object_format) for content in BLOBS]
    return st.tuples(st.sampled_from(MODES), st.sampled_from(oids))


def edits(object_format: ObjectFormat) -> st.SearchStrategy[TreeEdit]:
    writes = st.tuples(paths, entries(object_format)).map(lambda made: ("write", made[0], *made[1]))
    return st.one_of(writes, writes, st.tuples(st.just("delete"), paths), st.tuples(st.just("move"), paths, paths))


@st.composite
def folders(draw: st.DrawFn, object_format: ObjectFormat) -> Files:
    files: Files = {}
    for path in draw(st.lists(paths, max_size=12)):
        files = tree_twin.edited(files, [("write", path, *draw(entries(object_format)))])
    return files


def stored(files: Files, object_format: ObjectFormat) -> tuple[Oid, ObjectDb]:
    """A database of the trees of some files and what they name."""
    root, trees = tree_twin.written(files, object_format)
    builder = PackBuilder(object_format=object_format)
    for content in trees.values():
        builder.add("tree", content)
    for content in BLOBS:
        builder.add("blob", content)
    pack = Pack.from_bytes(builder.finish(), None, object_format=object_format)
    return root, database([pack], object_format)


@given(formats, st.data())
def test_edits_make_the_trees_that_the_same_files_have(object_format: ObjectFormat, data: st.DataObject) -> None:
    before = data.draw(folders(object_format))
    changes = data.draw(st.lists(edits(object_format), max_size=8))
    root, db = stored(before, object_format)
    try:
        after = tree_twin.edited(before, changes)
    except BadEdit:
        with pytest.raises(ValueError, match=r"cannot be moved into itself|nothing is there"):
            db.edit_tree(root, changes)
        return
    expected, trees = tree_twin.written(after, object_format)
    new_root, contents = db.edit_tree(root, changes)
    assert new_root == expected
    assert_new_trees(contents, {oid: tree for oid, tree in trees.items() if not db.contains(oid)}, object_format)


def assert_new_trees(contents: list[bytes], expected: dict[Oid, bytes], object_format: ObjectFormat) -> None:
    """Each new tree once, none before one that stands in it."""
    assert sorted(contents) == sorted(expected.values())
    ranks = {content: rank for rank, content in enumerate(contents)}
    for content in contents:
        for _, _, oid in tree_entries(content, object_format):
            assert oid not in expected or ranks[expected[oid]] < ranks[content]


@given(formats, st.data())
def test_every_path_leads_where_the_files_say(object_format: ObjectFormat, data: st.DataObject) -> None:
    files = data.draw(folders(object_format))
    root, db = stored(files, object_format)
    path = data.draw(paths)
    inner = {other.removeprefix(path + b"/"): entry for other, entry in files.items() if other.startswith(path + b"/")}
    expected = (tree_twin.FOLDER, tree_twin.written(inner, object_format)[0]) if inner else files.get(path)
    assert db.tree_entry(root, path) == expected


@given(formats, st.booleans(), st.booleans(), st.data())
def test_pages_of_any_size_are_the_whole_listing(
    object_format: ObjectFormat, recursive: bool, sizes: bool, data: st.DataObject
) -> None:
    files = data.draw(folders(object_format))
    root, db = stored(files, object_format)
    rows: list[tuple[bytes, int, Oid, int | None]] = []
    after, pages = None, 0
    while pages == 0 or after is not None:
        limit = data.draw(st.integers(1, 5))
        page, after = db.list_tree(root, recursive=recursive, sizes=sizes, after=after, limit=limit)
        assert len(page) == limit or (len(page) < limit and after is None)
        rows, pages = rows + page, pages + 1
    expected = tree_twin.listed(files, object_format, recursive=recursive)
    lengths = {object_id("blob", content, object_format): len(content) for content in BLOBS}
    with_size = {mode for mode in MODES if sizes and mode != SUBMODULE}
    assert rows == [(*row, lengths[row[2]] if row[1] in with_size else None) for row in expected]


@given(folders("sha1"), paths, st.booleans())
def test_a_cursor_of_what_is_gone_goes_on_where_it_stood(files: Files, gone: bytes, was_folder: bool) -> None:
    before = tree_twin.edited(files, [("write", gone + b"/x" if was_folder else gone, 0o100644, bytes(range(20)))])
    after = tree_twin.edited(before, [("delete", gone)])
    rows = [row[0] for row in tree_twin.listed(before, "sha1", recursive=True)]
    remaining = {row[0] for row in tree_twin.listed(after, "sha1", recursive=True)}
    root, db = stored(after, "sha1")
    cursor = gone + b"/" if was_folder else gone
    page, _ = db.list_tree(root, recursive=True, sizes=False, after=cursor, limit=1000)
    assert [row[0] for row in page] == [path for path in rows[rows.index(gone) + 1 :] if path in remaining]


@given(st.binary(max_size=300), st.integers(1, 400), st.data())
def test_a_blob_reads_the_same_from_anywhere(piece: bytes, times: int, data: st.DataObject) -> None:
    content = piece * times
    builder = PackBuilder(object_format="sha1")
    oid = builder.add("blob", content)
    reader = database([Pack.from_bytes(builder.finish(), None, object_format="sha1")]).open_blob(oid)
    assert reader.size == len(content)
    for offset, size in data.draw(st.lists(st.tuples(places(content), places(content)), max_size=6)):
        assert reader.read(offset, size) == content[offset : offset + size]


def places(content: bytes) -> st.SearchStrategy[int]:
    return st.integers(0, len(content) + 10)
