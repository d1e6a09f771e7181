"""list_tree and open_blob: cursors, limits, what is not there, and what is damaged."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from core_ext import (
    Cancel,
    Cancelled,
    CorruptObject,
    CorruptPack,
    LimitExceeded,
    MissingObject,
    ObjectDb,
    Pack,
    PackBuilder,
    hash_object,
)
from tests.support.handmade import blob, delta, packed
from tests.support.packs import database

FILE = "100644"
ID = b"\1" * 20


def entry(mode: str, name: bytes, oid: bytes) -> bytes:
    return mode.encode() + b" " + name + b"\0" + oid


class Objects:
    """A pack being put together."""

    def __init__(self) -> None:
        self._builder = PackBuilder(object_format="sha1")

    def blob(self, content: bytes) -> bytes:
        return self._builder.add("blob", content)

    def tree(self, *entries: bytes) -> bytes:
        return self._builder.add("tree", b"".join(entries))

    def database(self) -> ObjectDb:
        return database([Pack.from_bytes(self._builder.finish(), None, object_format="sha1")])


def listed(db: ObjectDb, tree: bytes, after: bytes | None = None, limit: int = 100) -> list[bytes]:
    rows, _ = db.list_tree(tree, recursive=True, sizes=False, after=after, limit=limit)
    return [row[0] for row in rows]


def test_folders_come_first_and_are_rows() -> None:
    objects = Objects()
    file = objects.blob(b"content")
    inner = objects.tree(entry(FILE, b"f", file), entry("40000", b"g", objects.tree(entry(FILE, b"h", file))))
    root = objects.tree(entry(FILE, b"a", file), entry("40000", b"b", inner), entry("160000", b"c", b"\1" * 20))
    db = objects.database()
    assert listed(db, root) == [b"b", b"b/g", b"b/g/h", b"b/f", b"a", b"c"]
    flat, cursor = db.list_tree(root, recursive=False, sizes=True, after=None, limit=2)
    assert flat == [(b"b", 0o40000, inner, None), (b"a", 0o100644, file, 7)]
    assert cursor == b"a"
    rest = db.list_tree(root, recursive=False, sizes=True, after=cursor, limit=2)
    assert rest == ([(b"c", 0o160000, b"\1" * 20, None)], None)


@pytest.mark.parametrize("cursor", [b"", b"/", b"a//b", b"/a", b"a//"])
def test_what_is_no_cursor_is_refused(cursor: bytes) -> None:
    objects = Objects()
    root = objects.tree()
    with pytest.raises(ValueError, match="no cursor of this listing"):
        objects.database().list_tree(root, recursive=True, sizes=False, after=cursor, limit=1)


def test_a_cursor_into_a_folder_is_none_of_a_flat_listing() -> None:
    objects = Objects()
    root = objects.tree()
    with pytest.raises(ValueError, match="no cursor of this listing"):
        objects.database().list_tree(root, recursive=False, sizes=False, after=b"a/b", limit=1)


def test_a_page_of_no_rows_is_refused() -> None:
    objects = Objects()
    root = objects.tree()
    with pytest.raises(ValueError, match="a page of 0 rows"):
        objects.database().list_tree(root, recursive=True, sizes=False, after=None, limit=0)


def test_a_page_reads_no_trees_before_or_behind_it() -> None:
    objects = Objects()
    file = objects.blob(b"")
    middle = objects.tree(entry(FILE, b"f", file), entry(FILE, b"g", file))
    absent = b"\7" * 20
    root = objects.tree(entry("40000", b"a", absent), entry("40000", b"b", middle), entry("40000", b"c", absent))
    db = objects.database()
    assert listed(db, root, after=b"b/", limit=2) == [b"b/f", b"b/g"]
    with pytest.raises(MissingObject) as caught:
        listed(db, root)
    assert caught.value.args[1] == absent


def test_memory_for_a_page_is_limited_and_listing_can_be_cancelled() -> None:
    objects = Objects()
    file = objects.blob(b"")
    root = objects.tree(*(entry(FILE, b"%04d" % number, file) for number in range(100)))
    db, needed = objects.database(), 100 * 32 + 100 * 4
    db.list_tree(root, recursive=True, sizes=False, after=None, limit=100, max_memory_bytes=needed)
    with pytest.raises(LimitExceeded, match="memory for a page of a tree's listing"):
        db.list_tree(root, recursive=True, sizes=False, after=None, limit=100, max_memory_bytes=needed - 1)
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        db.list_tree(root, recursive=True, sizes=False, after=None, limit=100, cancel=cancel)


def test_a_size_that_cannot_be_had_is_an_error_only_if_asked_for() -> None:
    objects = Objects()
    root = objects.tree(entry(FILE, b"f", b"\7" * 20))
    db = objects.database()
    assert listed(db, root) == [b"f"]
    with pytest.raises(MissingObject):
        db.list_tree(root, recursive=True, sizes=True, after=None, limit=1)


def test_a_restricted_database_lists_and_opens_nothing_else() -> None:
    objects = Objects()
    file = objects.blob(b"secret")
    inner = objects.tree(entry(FILE, b"f", file))
    root = objects.tree(entry("40000", b"a", inner))
    db = objects.database()
    view = db.restricted(db.reachable([root]).minus(db.reachable([inner])))
    with pytest.raises(MissingObject):
        listed(view, root)
    with pytest.raises(MissingObject):
        view.open_blob(file)


def test_a_deep_tree_is_listed_in_pages() -> None:
    objects = Objects()
    tree, depth = objects.tree(entry(FILE, b"f", objects.blob(b""))), 3000
    for _ in range(depth):
        tree = objects.tree(entry("40000", b"d", tree))
    db = objects.database()
    assert len(listed(db, tree, limit=depth + 1)) == depth + 1
    assert listed(db, tree, after=b"d/" * depth) == [b"d/" * depth + b"f"]


def test_what_is_no_tree_or_no_blob_is_refused() -> None:
    objects = Objects()
    file, tree = objects.blob(b"x"), objects.tree()
    db = objects.database()
    with pytest.raises(CorruptObject, match="a blob where a tree is needed"):
        listed(db, file)
    with pytest.raises(CorruptObject, match="a tree where a blob is needed"):
        db.open_blob(tree)


@pytest.mark.parametrize("damaged", [b"junk", entry(FILE, b"b", ID) + entry(FILE, b"a", ID), entry(FILE, b"a/b", ID)])
def test_a_damaged_tree_is_named(damaged: bytes) -> None:
    objects = Objects()
    tree = objects.tree(damaged)
    with pytest.raises(CorruptObject, match=tree.hex()):
        listed(objects.database(), tree)


def test_a_blob_stored_as_a_delta_is_read_within_its_limit() -> None:
    base, target = blob("base"), blob("target")
    db = database([packed(base, delta(target, base))])
    reader = db.open_blob(target.oid)
    assert (reader.size, reader.read(5, 7)) == (len(target.content), target.content[5:12])
    assert reader.read(0, 1 << 40) == target.content
    assert reader.read(len(target.content), 1) == reader.read(1 << 60, 1) == b""
    with pytest.raises(LimitExceeded, match="object size in bytes"):
        db.open_blob(target.oid, max_resident_bytes=len(target.content) - 1)
    assert db.open_blob(base.oid, max_resident_bytes=0).read(0, 1 << 40) == base.content


def test_an_empty_blob_has_nothing_to_read() -> None:
    objects = Objects()
    oid = objects.blob(b"")
    reader = objects.database().open_blob(oid)
    assert (reader.size, reader.read(0, 10)) == (0, b"")


def test_a_reader_outlives_its_database_and_serves_threads_one_at_a_time() -> None:
    objects = Objects()
    content = os.urandom(1 << 20)
    oid = objects.blob(content)
    reader = objects.database().open_blob(oid)
    offsets = range(0, len(content), 1 << 16)
    with ThreadPoolExecutor(4) as threads:
        pieces = threads.map(lambda offset: reader.read(offset, 1 << 16), offsets)
    assert b"".join(pieces) == content


def test_a_damaged_stream_is_found_when_it_is_read() -> None:
    builder = PackBuilder(object_format="sha1", level=1)
    content = bytes(range(256)) * 1000
    oid = builder.add("blob", content)
    pack = bytearray(builder.finish())
    idx = Pack.from_bytes(bytes(pack), None, object_format="sha1").idx_bytes()
    pack[-30] ^= 0xFF
    reader = database([Pack.from_bytes(bytes(pack), idx, object_format="sha1")]).open_blob(oid)
    with pytest.raises(CorruptPack, match="corrupt pack at byte 12"):
        reader.read(0, len(content))
    with pytest.raises(CorruptPack):
        reader.read(len(content) - 1, 1)


def test_reading_can_be_cancelled() -> None:
    objects = Objects()
    oid = objects.blob(b"x" * 100)
    cancel = Cancel()
    reader = objects.database().open_blob(oid, cancel=cancel)
    assert reader.read(0, 10) == b"x" * 10
    cancel.set()
    with pytest.raises(Cancelled):
        reader.read(50, 10)


def test_a_missing_blob_is_named() -> None:
    absent = hash_object("blob", b"absent", object_format="sha1")
    with pytest.raises(MissingObject) as caught:
        Objects().database().open_blob(absent)
    assert caught.value.args[1] == absent
