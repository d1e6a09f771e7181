"""Any bytes taken for trees are looked up, listed, compared and edited as the entries say, or are corrupt objects."""

from __future__ import annotations

from contextlib import suppress

from core_ext import CorruptObject, MissingObject, ObjectDb, Pack, PackBuilder, parse_tree
from tests.support.packs import database
from tests.support.raw_packs import BLOB, oid_of, tree_content

MAX_PAGES = 10_000
CONTENT = b"content\n"
FILE = oid_of(BLOB, CONTENT)
INNER = tree_content([(b"100644", b"f", FILE), (b"100755", b"g", FILE)])
"""A tree that is there: an entry may name it, and is then gone into."""

Row = tuple[bytes, int, bytes, int | None]


def check(content: bytes) -> None:
    """Raises if anything that is done to a tree breaks the rule."""
    builder = PackBuilder(object_format="sha1")
    for inner in (b"", INNER):
        builder.add("tree", inner)
    builder.add("blob", CONTENT)
    root = builder.add("tree", content)
    db = database([Pack.from_bytes(builder.finish(), None, object_format="sha1")])
    for recursive in (False, True):
        check_pages(db, root, recursive=recursive)
    check_edit(db, root)


def check_pages(db: ObjectDb, root: bytes, *, recursive: bool) -> None:
    """Small pages are the same as one large page, unless there is no large one."""
    try:
        whole, after = db.list_tree(root, recursive=recursive, sizes=False, after=None, limit=1 << 20)
    except (CorruptObject, MissingObject):
        return
    assert after is None
    rows: list[Row] = []
    for _ in range(MAX_PAGES):
        page, after = db.list_tree(root, recursive=recursive, sizes=False, after=after, limit=3)
        rows += page
        if after is None:
            break
    assert rows == whole


def check_edit(db: ObjectDb, root: bytes) -> None:
    """A new file is all that differs afterwards."""
    try:
        new_root, contents = db.edit_tree(root, [("write", b"new/file", 0o100644, FILE)])
    except (CorruptObject, MissingObject):
        return
    edited = with_trees(db, contents)
    assert edited.tree_entry(new_root, b"new/file") == (0o100644, FILE)
    for tree in contents:
        parse_tree(tree, object_format="sha1")
    with suppress(CorruptObject, MissingObject):
        changes = edited.diff_trees(root, new_root, renames=False, limit=1 << 20)
        assert {change[1] for change in changes if change[1].split(b"/")[0] != b"new"} == set()
        # Similar files are looked for among those that are there: content is read, and may be missing.
        assert len(edited.diff_trees(root, new_root, renames=True, limit=1 << 20)) <= len(changes)


def with_trees(db: ObjectDb, contents: list[bytes]) -> ObjectDb:
    """The database with these trees as well."""
    builder = PackBuilder(object_format="sha1")
    for content in contents:
        builder.add("tree", content)
    return db.with_pack(Pack.from_bytes(builder.finish(), None, object_format="sha1"))
