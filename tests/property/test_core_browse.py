"""Trees edited and looked at by the compiled core, against dictionaries of paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_ext import ObjectDb, Pack, PackBuilder
from tests.support import tree_twin
from tests.support.git_objects import OID_BYTES, tree_entries
from tests.support.packs import database
from tests.support.tree_twin import BadEdit, Files

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat, Oid, TreeEdit

# Names between which a folder's slash sorts, and some that a folder's name begins with.
NAMES = [b"a", b"a.b", b"a-", b"a0", b"a b", b"ab", b"b", b"\xff", b"\x01"]
MODES = [0o100644, 0o100755, 0o120000, 0o160000]

names = st.sampled_from(NAMES)
paths = st.lists(names, min_size=1, max_size=4).map(b"/".join)
formats = st.sampled_from(list(OID_BYTES))


def entries(object_format: ObjectFormat) -> st.SearchStrategy[tuple[int, Oid]]:
    oids = st.integers(1, 4).map(lambda number: bytes([number]) * OID_BYTES[object_format])
    return st.tuples(st.sampled_from(MODES), oids)


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
    """A database of the trees of some files, and nothing of what they name."""
    root, trees = tree_twin.written(files, object_format)
    builder = PackBuilder(object_format=object_format)
    for content in trees.values():
        builder.add("tree", content)
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
