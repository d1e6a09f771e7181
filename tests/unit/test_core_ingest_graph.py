"""IngestedPack: what the pack says about the object graph (design, law 1)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from core_ext import MissingObject, Pack, PackBuilder
from tests.support import forged_packs as forged
from tests.support.ingests import known_blobs, open_ingest, take_in
from tests.support.packs import database

BLOB = b"a blob that is long enough to be a base\n"
ABSENT = b"\x11" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty quarantine folder."""
    path = tmp_path / "quarantine"
    path.mkdir()
    return path


def test_missing_edges_are_those_that_neither_the_pack_nor_the_known_has(folder: Path) -> None:
    known, new = forged.name("blob", b"known"), forged.name("blob", b"new")
    entries = forged.tree(
        (b"100644", b"a", known), (b"100644", b"b", new), (b"100644", b"c", ABSENT), (b"160000", b"d", b"\x22" * 20)
    )
    pack = forged.pack([forged.whole("blob", b"new"), forged.whole("tree", entries)])
    ingested = take_in(open_ingest(folder / "x.pack"), pack)
    absent = (ABSENT, "blob")
    assert ingested.missing_edges(known_blobs(b"known"), limit=10) == [absent]
    assert ingested.missing_edges(None, limit=10) == sorted([absent, (known, "blob")])
    assert ingested.missing_edges(None, limit=1) == [absent]


def test_an_edge_to_an_object_of_another_kind_is_missing(folder: Path) -> None:
    blob = forged.name("blob", BLOB)
    pack = forged.pack([forged.whole("blob", BLOB), forged.whole("tree", forged.tree((b"40000", b"folder", blob)))])
    ingested = take_in(open_ingest(folder / "x.pack"), pack)
    assert ingested.missing_edges(None, limit=10) == [(blob, "tree")]
    pack = forged.pack([forged.whole("tree", forged.tree((b"40000", b"folder", blob)))])
    ingested = take_in(open_ingest(folder / "y.pack"), pack)
    assert ingested.missing_edges(known_blobs(BLOB), limit=10) == [(blob, "tree")]


def history() -> tuple[list[bytes], bytes, bytes]:
    """(entries of a blob, its tree and two commits, the first commit, the second)."""
    content = forged.tree((b"100644", b"file", forged.name("blob", BLOB)))
    first = forged.commit(forged.name("tree", content))
    second = forged.commit(forged.name("tree", content), forged.name("commit", first))
    entries = [
        forged.whole("commit", second),
        forged.whole("commit", first),
        forged.whole("tree", content),
        forged.whole("blob", BLOB),
    ]
    return entries, forged.name("commit", first), forged.name("commit", second)


def test_unreferenced_counts_new_objects_that_no_tip_reaches(folder: Path) -> None:
    entries, first, second = history()
    ingested = take_in(open_ingest(folder / "x.pack"), forged.pack([*entries, forged.whole("blob", b"stray")]))
    assert ingested.unreferenced([second], None) == 1
    assert ingested.unreferenced([second], known_blobs(b"stray")) == 0
    assert ingested.unreferenced([second, forged.name("blob", b"stray")], None) == 0
    assert ingested.unreferenced([first], None) == 2


def test_a_thin_base_is_no_own_object(folder: Path) -> None:
    pack = forged.pack([forged.ref_delta(forged.name("blob", BLOB), forged.inserting(BLOB, b"more"))])
    ingested = take_in(open_ingest(folder / "x.pack"), pack, known_blobs(BLOB))
    assert ingested.unreferenced([forged.name("blob", BLOB + b"more")], known_blobs(BLOB)) == 0
    assert ingested.unreferenced([], known_blobs(BLOB)) == 1


def test_edges_that_a_tree_shares_with_its_delta_base_count_wherever_the_base_is(folder: Path) -> None:
    """Also if the base is known: what was known at the push may be gone when the push is published."""
    shared, changed = forged.name("blob", b"shared"), forged.name("blob", b"changed")
    base = forged.tree((b"100644", b"a", shared))
    grown = forged.tree((b"100644", b"a", shared), (b"100644", b"b", changed))
    delta = forged.ref_delta(forged.name("tree", base), forged.inserting(base, grown[len(base) :]))
    builder = PackBuilder(object_format="sha1")
    builder.add("tree", base)
    known = database([Pack.from_bytes(builder.finish(), None, object_format="sha1")])
    for entries in ([delta], [forged.whole("tree", base), delta]):
        ingested = take_in(open_ingest(folder / "x.pack"), forged.pack(entries), known)
        assert ingested.missing_edges(None, limit=10) == sorted([(shared, "blob"), (changed, "blob")])
        del ingested


def test_broken_objects_are_left_out_and_the_rest_is_kept(folder: Path) -> None:
    entries, _, tip = history()
    broken_tree = forged.tree((b"100644", b"gone", ABSENT))
    broken_commit = forged.commit(forged.name("tree", broken_tree))
    child = forged.commit(forged.name("tree", broken_tree), forged.name("commit", broken_commit))
    delta_on_broken = forged.tree((b"100644", b"gone", ABSENT), (b"100644", b"here", forged.name("blob", BLOB)))
    whole_again = forged.tree((b"100644", b"gone", forged.name("blob", BLOB)))
    head = len(b"100644 gone\0")
    base, size = forged.name("tree", broken_tree), len(broken_tree)
    entries += [
        forged.whole("tree", broken_tree),
        forged.whole("commit", broken_commit),
        forged.whole("commit", child),
        forged.ref_delta(base, forged.inserting(broken_tree, delta_on_broken[size:])),
        forged.ref_delta(base, forged.copying(size, head, 0, head, forged.name("blob", BLOB))),
    ]
    ingested = take_in(open_ingest(folder / "x.pack"), forged.pack(entries))
    assert ingested.missing_edges(None, limit=10) == [(ABSENT, "blob")]

    kept = ingested.without_broken(str(folder / "y.pack"), [tip], None)

    assert kept.object_count == 5
    assert kept.missing_edges(None, limit=10) == []
    db = database([kept.pack()])
    assert db.verify() == 5
    assert db.read(forged.name("tree", whole_again)) == ("tree", whole_again)
    assert db.contains(tip)
    assert kept.digest == hashlib.sha256(kept.pack_bytes()).digest()

    with pytest.raises(MissingObject) as caught:
        ingested.without_broken(str(folder / "z.pack"), [tip, forged.name("commit", child)], None)
    assert caught.value.args[1] == ABSENT
    with pytest.raises(MissingObject):
        ingested.without_broken(str(folder / "z.pack"), [b"\x33" * 20], None)
    del kept, db, ingested
    assert list(folder.iterdir()) == []
