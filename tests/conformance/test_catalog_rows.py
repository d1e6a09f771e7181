"""What every Catalog does with content rows."""

from __future__ import annotations

import hashlib

import pytest

from packengine.storage.ports import (
    Catalog,
    CorruptBlob,
    Row,
    RowKind,
    RowMissing,
    StorageError,
)
from tests.support.catalogs import create, publish, row

ABSENT = hashlib.sha256(b"never stored").digest()


@pytest.mark.parametrize("kind", list(RowKind))
@pytest.mark.parametrize("data", [b"", b"\0\xff", bytes(2_000_000)], ids=["empty", "short", "longest"])
def test_rows_come_back_as_they_were_stored(catalog: Catalog, kind: RowKind, data: bytes) -> None:
    create(catalog, "demo")
    stored = row(kind, data)
    publish(catalog, "demo", catalog.pointer("demo"), "next", [stored])

    assert catalog.has_row(kind, stored.digest)
    assert catalog.row(kind, stored.digest) == data


def test_absent_rows_are_named_in_the_error(catalog: Catalog) -> None:
    assert not catalog.has_row(RowKind.PACK, ABSENT)
    with pytest.raises(RowMissing, match=f"pack {ABSENT.hex()}"):
        catalog.row(RowKind.PACK, ABSENT)


def test_an_index_lies_beside_its_pack_under_the_same_digest(catalog: Catalog) -> None:
    create(catalog, "demo")
    pack = row(RowKind.PACK, b"pack")
    index = Row(RowKind.PACK_INDEX, pack.digest, b"index")

    publish(catalog, "demo", catalog.pointer("demo"), "next", [pack, index])

    assert catalog.row(RowKind.PACK, pack.digest) == b"pack"
    assert catalog.row(RowKind.PACK_INDEX, pack.digest) == b"index"


def test_a_row_that_is_stored_already_is_left_as_it_is(catalog: Catalog) -> None:
    create(catalog, "demo")
    first, second = (Row(RowKind.PACK_INDEX, ABSENT, data) for data in (b"first", b"second"))
    publish(catalog, "demo", catalog.pointer("demo"), "next", [first])
    publish(catalog, "demo", catalog.pointer("demo"), "next", [second])
    assert catalog.row(RowKind.PACK_INDEX, ABSENT) == b"first"


@pytest.mark.parametrize("kind", [RowKind.MANIFEST, RowKind.REF_BLOCK, RowKind.PACK])
def test_bytes_that_do_not_hash_to_their_digest_are_refused(catalog: Catalog, kind: RowKind) -> None:
    create(catalog, "demo")
    current = catalog.pointer("demo")
    with pytest.raises(CorruptBlob, match=ABSENT.hex()):
        publish(catalog, "demo", current, "next", [Row(kind, ABSENT, b"other bytes")])
    with pytest.raises(CorruptBlob, match=ABSENT.hex()):
        catalog.create_repositories([], [Row(kind, ABSENT, b"other bytes")])
    assert catalog.pointer("demo") == current
    assert not catalog.has_row(kind, ABSENT)


@pytest.mark.parametrize("kind", list(RowKind))
def test_a_row_over_the_limit_is_refused_and_the_limit_named(catalog: Catalog, kind: RowKind) -> None:
    create(catalog, "demo")
    current = catalog.pointer("demo")
    with pytest.raises(StorageError, match=r"2000001 bytes, limit 2000000"):
        publish(catalog, "demo", current, "next", [row(kind, bytes(2_000_001))])
    assert catalog.pointer("demo") == current


def test_the_writer_can_be_probed(catalog: Catalog) -> None:
    catalog.probe_write()
    catalog.probe_write()
