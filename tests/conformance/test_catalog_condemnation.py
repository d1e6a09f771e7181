"""What every Catalog does while content is condemned and deleted: nothing that is named goes, whoever comes when."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from packengine.storage.ports import (
    BlobKey,
    Catalog,
    Committed,
    CondemnedBlob,
    MarkLost,
    NewRepository,
    Pointer,
    PointerUse,
    Publish,
    RepositoryMissing,
    Row,
    RowKey,
    RowKind,
    RowMissing,
    StorageError,
    Superseded,
)
from tests.support.catalogs import NOW_S, create, manifest, new_repository, publish, row

BLOB = BlobKey(hashlib.sha256(b"a large pack").digest())
AGAIN = replace(BLOB, generation=1)
PACK = row(RowKind.PACK, b"a small pack")
INDEX = Row(RowKind.PACK_INDEX, PACK.digest, b"its index")
LATER_MS = 10**15


def key(stored: Row) -> RowKey:
    return RowKey(stored.digest, stored.kind)


def condemn(
    catalog: Catalog, rows: list[Row] | None = None, blobs: list[BlobKey] | None = None, now_ms: int = 1
) -> int:
    """A whole mark that found these unnamed."""
    mark = catalog.begin_mark()
    count = catalog.condemn(mark, [key(each) for each in rows or []], blobs or [], now_ms=now_ms)
    catalog.end_mark(mark)
    return count


def publish_blob(catalog: Catalog, blob: BlobKey, name: str = "next") -> Committed | Superseded:
    pointer, new = catalog.pointer("demo"), manifest(name)
    return catalog.publish(Publish("demo", pointer, new.digest, [new], [blob]))


def leave_behind(catalog: Catalog, *rows: Row) -> None:
    """Store rows with a publish, and another after it."""
    publish(catalog, "demo", catalog.pointer("demo"), "left behind", rows)
    publish(catalog, "demo", catalog.pointer("demo"), "newest")


def due(catalog: Catalog) -> tuple[set[RowKey], set[BlobKey]]:
    found = catalog.condemned(before_ms=LATER_MS, limit=1000)
    return {each.key for each in found.rows}, set(found.blobs)


@pytest.fixture(autouse=True)
def demo(catalog: Catalog) -> None:
    create(catalog, "demo")


# --- naming what is condemned -----------------------------------------------------------------------------------------


def test_a_condemned_blob_is_not_published(catalog: Catalog) -> None:
    assert condemn(catalog, blobs=[BLOB]) == 1
    before = catalog.pointer("demo")
    with pytest.raises(CondemnedBlob, match=BLOB.digest.hex()):
        publish_blob(catalog, BLOB)
    assert catalog.pointer("demo") == before
    assert not catalog.has_row(RowKind.MANIFEST, manifest("next").digest)


def test_a_stale_publish_of_a_condemned_blob_hears_that_it_is_stale(catalog: Catalog) -> None:
    """It is computed anew in any case, and may not want the blob then."""
    condemn(catalog, blobs=[BLOB])
    new = manifest("next")
    verdict = catalog.publish(Publish("demo", Pointer(7, new.digest), new.digest, [new], [BLOB]))
    assert isinstance(verdict, Superseded)


def test_a_repository_is_not_created_from_a_condemned_blob(catalog: Catalog) -> None:
    condemn(catalog, blobs=[BLOB])
    with pytest.raises(CondemnedBlob):
        catalog.create_repositories(
            [new_repository("one"), replace(new_repository("two"), blobs=[BLOB])], [manifest("one"), manifest("two")]
        )
    assert catalog.repository("one") is None
    assert not catalog.has_row(RowKind.MANIFEST, manifest("one").digest)


def test_the_bytes_of_a_condemned_blob_come_back_under_the_next_generation(catalog: Catalog) -> None:
    assert catalog.next_generation(BLOB.digest) == 0
    condemn(catalog, blobs=[BLOB])
    assert catalog.next_generation(BLOB.digest) == 1
    assert isinstance(publish_blob(catalog, AGAIN), Committed)


def test_a_generation_stays_spent_when_its_blob_is_deleted_and_forgotten(catalog: Catalog) -> None:
    condemn(catalog, blobs=[BLOB])
    catalog.forget([BLOB])
    assert due(catalog) == (set(), set())
    with pytest.raises(CondemnedBlob):
        publish_blob(catalog, BLOB)
    condemn(catalog, blobs=[AGAIN])
    catalog.forget([AGAIN])
    assert catalog.next_generation(BLOB.digest) == 2
    for spent in (BLOB, AGAIN):
        with pytest.raises(CondemnedBlob):
            publish_blob(catalog, spent)


def test_a_lower_generation_may_be_deleted_after_a_higher_one(catalog: Catalog) -> None:
    condemn(catalog, blobs=[BLOB])
    condemn(catalog, blobs=[AGAIN])
    catalog.forget([AGAIN])
    assert due(catalog) == (set(), {BLOB})
    catalog.forget([BLOB])
    assert due(catalog) == (set(), set())
    assert catalog.next_generation(BLOB.digest) == 2


def test_a_row_that_is_named_again_is_condemned_no_more(catalog: Catalog) -> None:
    leave_behind(catalog, PACK, INDEX)
    condemn(catalog, [PACK])
    publish(catalog, "demo", catalog.pointer("demo"), "again", [PACK, INDEX])
    assert due(catalog) == (set(), set())
    assert catalog.delete_rows([key(PACK)], before_ms=LATER_MS) == 0
    assert catalog.row(RowKind.PACK, PACK.digest) == PACK.data


def test_a_row_that_is_named_again_by_a_creation_is_condemned_no_more(catalog: Catalog) -> None:
    leave_behind(catalog, PACK)
    condemn(catalog, [PACK, manifest("left behind")])
    catalog.create_repositories([replace(new_repository("other"), manifest=manifest("left behind").digest)], [PACK])
    assert due(catalog) == (set(), set())


def test_a_stored_row_that_a_creation_names_is_condemned_no_more(catalog: Catalog) -> None:
    leave_behind(catalog, PACK)
    condemn(catalog, [PACK])
    catalog.create_repositories([replace(new_repository("other"), rows=[key(PACK)])], [manifest("other")])
    assert due(catalog) == (set(), set())


def test_a_repository_is_not_created_from_a_row_that_is_gone(catalog: Catalog) -> None:
    new = replace(new_repository("two"), rows=[key(PACK)])
    with pytest.raises(RowMissing):
        catalog.create_repositories([new_repository("one"), new], [manifest("one"), manifest("two")])
    assert catalog.repository("one") is None
    assert not catalog.has_row(RowKind.MANIFEST, manifest("one").digest)


def test_a_manifest_that_is_pointed_to_again_is_condemned_no_more(catalog: Catalog) -> None:
    leave_behind(catalog)
    condemn(catalog, [manifest("left behind")])
    publish(catalog, "demo", catalog.pointer("demo"), "left behind", with_manifest=False)
    assert due(catalog) == (set(), set())


# --- a mark, and what happens while it is under way -------------------------------------------------------------------


def name_by_publish(catalog: Catalog) -> None:
    new = manifest("meanwhile")
    catalog.publish(Publish("demo", catalog.pointer("demo"), new.digest, [new, PACK], [BLOB]))


def name_by_creation(catalog: Catalog) -> None:
    catalog.create_repositories([replace(new_repository("other"), blobs=[BLOB])], [manifest("other"), PACK])


def name_stored_by_creation(catalog: Catalog) -> None:
    new = replace(new_repository("other"), rows=[key(PACK)], blobs=[BLOB])
    catalog.create_repositories([new], [manifest("other")])


@pytest.mark.parametrize("name", [name_by_publish, name_by_creation, name_stored_by_creation])
def test_what_is_named_while_a_mark_is_under_way_is_not_condemned_by_it(
    catalog: Catalog, name: Callable[[Catalog], None]
) -> None:
    leave_behind(catalog, PACK)
    mark = catalog.begin_mark()
    name(catalog)
    assert catalog.condemn(mark, [key(PACK), key(manifest("left behind"))], [BLOB], now_ms=1) == 1
    assert due(catalog) == ({key(manifest("left behind"))}, set())


def test_what_was_named_before_a_mark_began_is_for_the_mark_to_find(catalog: Catalog) -> None:
    publish_blob(catalog, BLOB)
    mark = catalog.begin_mark()
    assert catalog.condemn(mark, [], [BLOB], now_ms=1) == 1


def test_a_mark_condemns_in_several_calls_until_it_ends(catalog: Catalog) -> None:
    mark = catalog.begin_mark()
    assert catalog.condemn(mark, [], [BLOB], now_ms=1) == 1
    assert catalog.condemn(mark, [], [BLOB, AGAIN], now_ms=2) == 1
    catalog.end_mark(mark)
    with pytest.raises(MarkLost):
        catalog.condemn(mark, [], [BLOB], now_ms=3)


def test_of_two_collections_only_the_later_condemns(catalog: Catalog) -> None:
    first = catalog.begin_mark()
    second = catalog.begin_mark()
    with pytest.raises(MarkLost):
        catalog.condemn(first, [], [BLOB], now_ms=1)
    catalog.end_mark(first)
    name_by_publish(catalog)
    assert catalog.condemn(second, [], [BLOB], now_ms=1) == 0


def test_the_latest_time_that_a_mark_keeps_states_since_is_remembered(catalog: Catalog) -> None:
    assert catalog.kept_since_ms() == 0
    for since_ms, latest_ms in ((500, 500), (700, 700), (600, 700), (0, 700)):
        catalog.end_mark(catalog.begin_mark(kept_since_ms=since_ms))
        assert catalog.kept_since_ms() == latest_ms


def test_what_is_condemned_already_keeps_its_time(catalog: Catalog) -> None:
    condemn(catalog, blobs=[BLOB], now_ms=10)
    assert condemn(catalog, blobs=[BLOB], now_ms=20) == 0
    assert catalog.condemned(before_ms=11, limit=9).blobs == [BLOB]
    assert catalog.condemned(before_ms=10, limit=9).blobs == []


def test_a_row_that_another_collection_deleted_meanwhile_is_not_condemned(catalog: Catalog) -> None:
    leave_behind(catalog, PACK)
    condemn(catalog, [PACK], now_ms=10)
    mark = catalog.begin_mark()
    assert catalog.delete_rows([key(PACK)], before_ms=11) == 1
    assert catalog.condemn(mark, [key(PACK)], [], now_ms=20) == 0
    catalog.end_mark(mark)
    publish(catalog, "demo", catalog.pointer("demo"), "again", [PACK])
    assert catalog.condemned(before_ms=LATER_MS, limit=9).rows == []
    assert catalog.delete_rows([key(PACK)], before_ms=LATER_MS) == 0
    assert catalog.row(RowKind.PACK, PACK.digest) == PACK.data


def test_a_blob_that_came_late_under_a_spent_generation_is_condemned_again(catalog: Catalog) -> None:
    condemn(catalog, blobs=[BLOB], now_ms=10)
    catalog.forget([BLOB])
    assert condemn(catalog, blobs=[BLOB], now_ms=20) == 1
    assert catalog.condemned(before_ms=21, limit=9).blobs == [BLOB]
    assert catalog.next_generation(BLOB.digest) == 1


# --- deletion ---------------------------------------------------------------------------------------------------------


def test_condemned_rows_are_listed_with_their_size_and_deleted_with_the_index(catalog: Catalog) -> None:
    leave_behind(catalog, PACK, INDEX)
    condemn(catalog, [PACK], now_ms=10)
    (listed,) = catalog.condemned(before_ms=11, limit=9).rows
    assert (listed.key, listed.size_bytes) == (key(PACK), len(PACK.data))
    assert catalog.delete_rows([key(PACK)], before_ms=11) == 1
    assert not catalog.has_row(RowKind.PACK, PACK.digest)
    assert not catalog.has_row(RowKind.PACK_INDEX, PACK.digest)
    assert catalog.delete_rows([key(PACK)], before_ms=11) == 0
    publish(catalog, "demo", catalog.pointer("demo"), "again", [PACK, INDEX])
    assert catalog.row(RowKind.PACK, PACK.digest) == PACK.data


def test_only_what_was_condemned_before_the_time_is_deleted(catalog: Catalog) -> None:
    leave_behind(catalog, PACK)
    condemn(catalog, [PACK], now_ms=10)
    assert catalog.delete_rows([key(PACK)], before_ms=10) == 0
    assert catalog.delete_rows([key(manifest("newest"))], before_ms=10) == 0
    assert catalog.has_row(RowKind.PACK, PACK.digest)


def test_a_manifest_that_a_pointer_names_is_not_deleted_whatever_was_condemned(catalog: Catalog) -> None:
    """No collection does that; but a pointer to nothing would be a repository lost."""
    condemn(catalog, [manifest("demo")])
    assert catalog.delete_rows([key(manifest("demo"))], before_ms=LATER_MS) == 0
    assert catalog.has_row(RowKind.MANIFEST, manifest("demo").digest)


def test_pardoned_rows_are_not_deleted(catalog: Catalog) -> None:
    other = row(RowKind.PACK, b"another one")
    leave_behind(catalog, PACK, other)
    condemn(catalog, [PACK, other])
    catalog.pardon([key(PACK)])
    assert due(catalog) == ({key(other)}, set())
    assert catalog.delete_rows([key(PACK), key(other)], before_ms=LATER_MS) == 1
    assert catalog.has_row(RowKind.PACK, PACK.digest)


def test_so_many_of_each_kind_are_listed(catalog: Catalog) -> None:
    leave_behind(catalog, *(row(RowKind.PACK, b"%d" % number) for number in range(5)))
    condemn(catalog, [row(RowKind.PACK, b"%d" % number) for number in range(5)], [BLOB, AGAIN])
    found = catalog.condemned(before_ms=LATER_MS, limit=1)
    assert (len(found.rows), len(found.blobs)) == (1, 1)


def test_rows_are_listed_in_pages_without_the_indexes(catalog: Catalog) -> None:
    block = row(RowKind.REF_BLOCK, PACK.data)
    leave_behind(catalog, PACK, INDEX, block)
    listed: list[RowKey] = []
    while page := catalog.row_keys(after=listed[-1] if listed else None, limit=2):
        listed += page
    names = ("demo", "left behind", "newest")
    assert len(listed) == len(set(listed))
    assert set(listed) == {key(PACK), key(block), *(key(manifest(name)) for name in names)}


# --- what pointers name -----------------------------------------------------------------------------------------------


def test_pointers_that_say_the_same_are_counted_together(catalog: Catalog) -> None:
    publish(catalog, "demo", catalog.pointer("demo"), "next")
    for fork in ("one", "two"):
        create(catalog, fork, source_id="demo", manifest_of="next")
    uses = set(catalog.pointer_uses())
    assert uses == {PointerUse(manifest("next").digest, 1, 1), PointerUse(manifest("next").digest, 0, 2)}


def test_a_deleted_repository_names_its_manifest_until_that_is_given_up(catalog: Catalog) -> None:
    publish(catalog, "demo", catalog.pointer("demo"), "next")
    catalog.delete_repositories(["demo"], NOW_S)
    assert catalog.pointer_uses() == [PointerUse(manifest("next").digest, 1, 1)]
    assert catalog.give_up_tombstones(NOW_S) == 0
    assert catalog.give_up_tombstones(NOW_S + 1) == 1
    assert catalog.give_up_tombstones(NOW_S + 1) == 0
    assert catalog.pointer_uses() == []
    condemn(catalog, [manifest("next")])
    assert catalog.delete_rows([key(manifest("next"))], before_ms=LATER_MS) == 1


def test_versions_go_on_after_a_manifest_was_given_up(catalog: Catalog) -> None:
    publish(catalog, "demo", catalog.pointer("demo"), "next")
    catalog.delete_repositories(["demo"], NOW_S)
    catalog.give_up_tombstones(NOW_S + 1)
    create(catalog, "demo")
    assert catalog.pointer("demo").version == 4


def test_only_the_deleted_give_up(catalog: Catalog) -> None:
    assert catalog.give_up_tombstones(LATER_MS) == 0
    assert catalog.pointer("demo").manifest == manifest("demo").digest


# --- forks ------------------------------------------------------------------------------------------------------------


def test_a_fork_without_a_manifest_has_the_newest_of_its_source(catalog: Catalog) -> None:
    publish(catalog, "demo", catalog.pointer("demo"), "next")
    forks = [NewRepository(name, None, NOW_S, None, "demo") for name in ("one", "two")]
    catalog.create_repositories(forks)
    assert [catalog.pointer(name) for name in ("one", "two")] == [Pointer(1, manifest("next").digest)] * 2


def test_a_fork_of_what_was_deleted_meanwhile_is_refused(catalog: Catalog) -> None:
    catalog.delete_repositories(["demo"], NOW_S)
    with pytest.raises(RepositoryMissing):
        catalog.create_repositories([NewRepository("fork", None, NOW_S, None, "demo")])


def test_a_fork_may_have_a_source_of_the_same_call(catalog: Catalog) -> None:
    fork = NewRepository("fork", None, NOW_S, None, "new")
    catalog.create_repositories([new_repository("new"), fork], [manifest("new")])
    assert catalog.pointer("fork").manifest == manifest("new").digest


def test_a_repository_has_its_manifest_from_somewhere(catalog: Catalog) -> None:
    with pytest.raises(StorageError, match="neither a manifest nor a source"):
        catalog.create_repositories([NewRepository("none", None, NOW_S, None)])


def test_a_repository_cannot_begin_with_a_manifest_that_is_gone(catalog: Catalog) -> None:
    leave_behind(catalog)
    condemn(catalog, [manifest("left behind")])
    catalog.delete_rows([key(manifest("left behind"))], before_ms=LATER_MS)
    late = replace(new_repository("late"), manifest=manifest("left behind").digest)
    with pytest.raises(RowMissing):
        catalog.create_repositories([late])
