"""What every Catalog does with pointers: compare-and-swap."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from packengine.storage.ports import (
    Catalog,
    Committed,
    Pointer,
    Publish,
    RepositoryMissing,
    RowKind,
    RowMissing,
    Superseded,
)
from tests.support.catalogs import create, manifest, publish, row

ABSENT = hashlib.sha256(b"never stored").digest()


def test_a_publish_moves_the_pointer_and_stores_its_rows(catalog: Catalog) -> None:
    create(catalog, "demo")
    rows = [row(RowKind.REF_BLOCK, b"refs"), row(RowKind.PACK, b"pack")]

    verdict = publish(catalog, "demo", catalog.pointer("demo"), "next", rows)

    moved = Pointer(2, manifest("next").digest)
    assert verdict == Committed("demo", moved)
    assert catalog.pointer("demo") == moved
    for stored in [*rows, manifest("next")]:
        assert catalog.row(stored.kind, stored.digest) == stored.data


def test_record_and_pointer_are_read_together(catalog: Catalog) -> None:
    create(catalog, "demo")
    publish(catalog, "demo", catalog.pointer("demo"), "next")
    assert catalog.current("demo") == (catalog.repository("demo"), Pointer(2, manifest("next").digest))
    catalog.delete_repositories(["demo"], 1_000)
    with pytest.raises(RepositoryMissing):
        catalog.current("demo")


def test_a_manifest_among_the_rows_may_stand_anywhere(catalog: Catalog) -> None:
    create(catalog, "demo")
    new, pack = manifest("next"), row(RowKind.PACK, b"pack")
    assert catalog.publish(Publish("demo", catalog.pointer("demo"), new.digest, [new, pack])) == Committed(
        "demo", Pointer(2, new.digest)
    )
    assert catalog.pointer("demo").manifest == new.digest


def test_stale_cas_leaves_pointer_and_rows_unchanged(catalog: Catalog) -> None:
    create(catalog, "demo")
    stale = catalog.pointer("demo")
    publish(catalog, "demo", stale, "winner")
    current = catalog.pointer("demo")
    pack = row(RowKind.PACK, b"the loser's pack")

    verdict = publish(catalog, "demo", stale, "loser", [pack])

    assert verdict == Superseded("demo", current)
    assert catalog.pointer("demo") == current
    assert not catalog.has_row(RowKind.PACK, pack.digest)
    assert not catalog.has_row(RowKind.MANIFEST, manifest("loser").digest)


@pytest.mark.parametrize("wrong", ["version", "manifest"])
def test_version_and_manifest_are_both_compared(catalog: Catalog, wrong: str) -> None:
    create(catalog, "demo")
    current = catalog.pointer("demo")
    expected = replace(current, version=7) if wrong == "version" else replace(current, manifest=ABSENT)
    assert publish(catalog, "demo", expected, "next") == Superseded("demo", current)


def test_a_publish_of_several_steps_raises_the_version_by_as_many(catalog: Catalog) -> None:
    create(catalog, "demo")
    created, between, last = catalog.pointer("demo"), manifest("between"), manifest("last")
    request = Publish("demo", created, last.digest, [between, last], steps=2)
    assert catalog.publish(request) == Committed("demo", Pointer(created.version + 2, last.digest))
    assert catalog.row(RowKind.MANIFEST, between.digest) == between.data
    assert catalog.publish(request) == Superseded("demo", catalog.pointer("demo"))


def test_the_same_manifest_may_be_published_again_under_a_new_version(catalog: Catalog) -> None:
    create(catalog, "demo")
    verdict = publish(catalog, "demo", catalog.pointer("demo"), "demo")
    assert verdict == Committed("demo", Pointer(2, manifest("demo").digest))


def test_a_publish_needs_its_manifest(catalog: Catalog) -> None:
    create(catalog, "demo")
    current = catalog.pointer("demo")
    pack = row(RowKind.PACK, b"pack")
    with pytest.raises(RowMissing, match=manifest("next").digest.hex()):
        publish(catalog, "demo", current, "next", [pack], with_manifest=False)
    assert catalog.pointer("demo") == current
    assert not catalog.has_row(RowKind.PACK, pack.digest)


def test_a_publish_may_name_a_manifest_that_is_stored(catalog: Catalog) -> None:
    create(catalog, "demo")
    create(catalog, "other")
    verdict = publish(catalog, "demo", catalog.pointer("demo"), "other", with_manifest=False)
    assert isinstance(verdict, Committed)


def test_a_fork_moves_alone(catalog: Catalog) -> None:
    create(catalog, "source")
    create(catalog, "fork", source_id="source", manifest_of="source")
    before = catalog.pointer("source")
    publish(catalog, "fork", catalog.pointer("fork"), "next")
    assert catalog.pointer("source") == before


def test_racing_publishes_have_exactly_one_winner(catalog: Catalog) -> None:
    create(catalog, "demo")
    expected = catalog.pointer("demo")

    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda name: publish(catalog, "demo", expected, name), "abcdefgh"))

    winners = [verdict for verdict in verdicts if isinstance(verdict, Committed)]
    assert len(winners) == 1
    losers = [verdict for verdict in verdicts if isinstance(verdict, Superseded)]
    assert [loser.current for loser in losers] == [winners[0].pointer] * 7


def test_publishes_to_different_repositories_all_win(catalog: Catalog) -> None:
    ids = [f"repo-{number}" for number in range(16)]
    for repository_id in ids:
        create(catalog, repository_id)

    with ThreadPoolExecutor(16) as pool:
        verdicts = list(pool.map(lambda each: publish(catalog, each, catalog.pointer(each), "next"), ids))

    assert all(isinstance(verdict, Committed) for verdict in verdicts)
    assert [catalog.pointer(repository_id).version for repository_id in ids] == [2] * 16
