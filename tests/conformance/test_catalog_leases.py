"""What every Catalog does with leases and with the rows of processes that read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from packengine.storage.ports import Catalog, LeaseRecord, ReaderRecord
from tests.conformance.conftest import CatalogMaker

TTL_MS = 1000


def take(catalog: Catalog, holder: str, now_ms: int = 0) -> bool:
    return catalog.take_lease("maintenance", holder, now_ms=now_ms, ttl_ms=TTL_MS)


def test_a_lease_has_one_holder(catalog: Catalog) -> None:
    assert catalog.lease_holder("maintenance") is None
    assert take(catalog, "one")
    assert not take(catalog, "two", TTL_MS - 1)
    assert catalog.lease_holder("maintenance") == LeaseRecord("one", TTL_MS)


def test_leases_of_different_names_are_different(catalog: Catalog) -> None:
    assert take(catalog, "one")
    assert catalog.take_lease("other", "two", now_ms=0, ttl_ms=TTL_MS)


def test_a_holder_renews_what_it_holds(catalog: Catalog) -> None:
    take(catalog, "one")
    assert take(catalog, "one", 900)
    assert not take(catalog, "two", 1899)
    assert catalog.lease_holder("maintenance") == LeaseRecord("one", 1900)


def test_an_expired_lease_goes_to_whoever_comes_first(catalog: Catalog) -> None:
    take(catalog, "one")
    assert take(catalog, "two", TTL_MS)
    assert not take(catalog, "one", TTL_MS)


def test_a_lease_is_given_back_by_its_holder_only(catalog: Catalog) -> None:
    take(catalog, "one")
    catalog.release_lease("maintenance", "two")
    assert not take(catalog, "two")
    catalog.release_lease("maintenance", "one")
    catalog.release_lease("maintenance", "one")
    assert take(catalog, "two")


def test_of_those_who_race_for_a_lease_one_gets_it(catalog: Catalog) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda holder: take(catalog, holder), "abcdefgh"))
    assert taken.count(True) == 1


def test_leases_and_readers_are_kept_for_the_next_process(make_catalog: CatalogMaker, implementation: str) -> None:
    if implementation == "memory":
        return  # which is in one process only
    with closing(make_catalog(0)) as catalog:
        take(catalog, "one")
        catalog.add_reader("worker", oldest_open_ms=5, now_ms=5, ttl_ms=TTL_MS)
    with closing(make_catalog(0)) as catalog:
        assert not take(catalog, "two")
        assert catalog.readers() == [ReaderRecord("worker", 5, 5 + TTL_MS)]


def test_a_reader_says_what_it_has_open_and_that_it_is_there(catalog: Catalog) -> None:
    catalog.add_reader("one", oldest_open_ms=100, now_ms=100, ttl_ms=TTL_MS)
    catalog.add_reader("two", oldest_open_ms=50, now_ms=50, ttl_ms=TTL_MS)
    assert catalog.readers() == [ReaderRecord("two", 50, 1050), ReaderRecord("one", 100, 1100)]
    assert catalog.renew_reader("two", oldest_open_ms=400, now_ms=500, ttl_ms=TTL_MS)
    assert catalog.readers() == [ReaderRecord("one", 100, 1100), ReaderRecord("two", 400, 1500)]


def test_a_reader_that_was_taken_out_is_told_so(catalog: Catalog) -> None:
    catalog.add_reader("late", oldest_open_ms=0, now_ms=0, ttl_ms=TTL_MS)
    catalog.add_reader("alive", oldest_open_ms=1, now_ms=1, ttl_ms=TTL_MS)
    assert catalog.expire_readers(TTL_MS) == 1
    assert [reader.id for reader in catalog.readers()] == ["alive"]
    assert not catalog.renew_reader("late", oldest_open_ms=0, now_ms=TTL_MS, ttl_ms=TTL_MS)
    assert [reader.id for reader in catalog.readers()] == ["alive"]


def test_a_reader_that_is_late_but_was_not_taken_out_goes_on(catalog: Catalog) -> None:
    catalog.add_reader("late", oldest_open_ms=0, now_ms=0, ttl_ms=TTL_MS)
    assert catalog.renew_reader("late", oldest_open_ms=0, now_ms=5 * TTL_MS, ttl_ms=TTL_MS)


def test_a_reader_that_ends_is_gone(catalog: Catalog) -> None:
    catalog.add_reader("one", oldest_open_ms=0, now_ms=0, ttl_ms=TTL_MS)
    catalog.remove_reader("one")
    catalog.remove_reader("one")
    assert catalog.readers() == []
