"""What every Catalog does for owners: what they have, and that no more is given to them than they may have."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from packengine.storage.ports import (
    NO_QUOTA,
    Catalog,
    CatalogTotals,
    Committed,
    NewRepository,
    NewToken,
    OwnerBytesExceeded,
    OwnerQuota,
    OwnerUsage,
    Publish,
    QuotaExceeded,
    RepositoryMissing,
    TokenScope,
)
from tests.support.catalogs import NOW_S, create, manifest, new_repository

THREE = OwnerQuota(max_repositories=3)
HUNDRED_BYTES = OwnerQuota(max_bytes=100)


def make(catalog: Catalog, *ids: str, owner: str | None = "alice", quota: OwnerQuota, size_bytes: int = 0) -> None:
    new = [replace(new_repository(each, owner), size_bytes=size_bytes) for each in ids]
    catalog.create_repositories(new, [manifest(each) for each in ids], quota=quota)


def resize(catalog: Catalog, repository_id: str, size_bytes: int, quota: OwnerQuota = NO_QUOTA) -> object:
    after = manifest(f"{repository_id} of {size_bytes} bytes")
    expected = catalog.pointer(repository_id)
    return catalog.publish(Publish(repository_id, expected, after.digest, [after], size_bytes=size_bytes, quota=quota))


def test_usage_is_of_live_repositories_of_the_owner(catalog: Catalog) -> None:
    make(catalog, "one", "two", quota=NO_QUOTA, size_bytes=10)
    make(catalog, "theirs", owner="bob", quota=NO_QUOTA, size_bytes=1)
    resize(catalog, "one", 15)
    assert catalog.owner_usage("alice") == OwnerUsage(2, 25)
    catalog.delete_repositories(["two"], NOW_S)
    assert catalog.owner_usage("alice") == OwnerUsage(1, 15)
    assert catalog.owner_usage("nobody") == OwnerUsage(0, 0)


def test_the_last_repository_that_fits_is_made_and_the_next_is_not(catalog: Catalog) -> None:
    for name in ("one", "two", "three"):
        make(catalog, name, quota=THREE)
    with pytest.raises(QuotaExceeded, match="alice may have 3 repositories") as raised:
        make(catalog, "four", quota=THREE)
    assert (raised.value.subject, raised.value.limit) == ("alice", 3)
    assert catalog.repository("four") is None
    make(catalog, "four", owner="bob", quota=THREE)
    catalog.delete_repositories(["one"], NOW_S)
    make(catalog, "five", quota=THREE)


def test_forks_count_all_of_them_at_once(catalog: Catalog) -> None:
    make(catalog, "base", quota=THREE)
    forks = [NewRepository(f"fork-{n}", "alice", NOW_S, None, "base") for n in range(3)]
    with pytest.raises(QuotaExceeded):
        catalog.create_repositories(forks, quota=THREE)
    assert catalog.owner_usage("alice").repositories == 1
    catalog.create_repositories(forks[:2], quota=THREE)
    assert catalog.owner_usage("alice").repositories == 3


def test_what_nobody_owns_counts_for_nobody(catalog: Catalog) -> None:
    make(catalog, *(f"repo-{n}" for n in range(5)), owner=None, quota=OwnerQuota(1, 1), size_bytes=100)


def test_no_race_passes_the_quota(catalog: Catalog) -> None:
    def attempt(number: int) -> bool:
        try:
            make(catalog, f"repo-{number}", quota=THREE)
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(attempt, range(16)))
    assert sum(made) == catalog.owner_usage("alice").repositories == 3


def test_a_fork_has_the_size_of_its_source(catalog: Catalog) -> None:
    make(catalog, "base", quota=NO_QUOTA, size_bytes=60)
    fork = NewRepository("fork", "alice", NOW_S, None, "base")
    with pytest.raises(OwnerBytesExceeded) as raised:
        catalog.create_repositories([fork], quota=HUNDRED_BYTES)
    assert (raised.value.bytes_used, raised.value.limit_bytes) == (120, 100)
    assert catalog.repository("fork") is None
    catalog.create_repositories([replace(fork, owner="bob")], quota=HUNDRED_BYTES)
    assert catalog.owner_usage("bob") == OwnerUsage(1, 60)


def test_a_publish_that_makes_all_of_an_owners_too_large_is_refused(catalog: Catalog) -> None:
    make(catalog, "one", "two", quota=NO_QUOTA, size_bytes=40)
    before = catalog.pointer("one")
    with pytest.raises(OwnerBytesExceeded, match="would have 101 bytes, the limit is 100"):
        resize(catalog, "one", 61, HUNDRED_BYTES)
    assert catalog.pointer("one") == before
    assert isinstance(resize(catalog, "one", 60, HUNDRED_BYTES), Committed)


def test_what_does_not_grow_is_never_refused(catalog: Catalog) -> None:
    make(catalog, "one", quota=NO_QUOTA, size_bytes=500)
    assert isinstance(resize(catalog, "one", 500, HUNDRED_BYTES), Committed)
    assert isinstance(resize(catalog, "one", 400, HUNDRED_BYTES), Committed)
    with pytest.raises(OwnerBytesExceeded):
        resize(catalog, "one", 401, HUNDRED_BYTES)


def test_a_publish_to_what_nobody_owns_is_not_limited(catalog: Catalog) -> None:
    create(catalog, "free")
    assert isinstance(resize(catalog, "free", 500, HUNDRED_BYTES), Committed)


def test_an_undeletion_counts_as_a_creation(catalog: Catalog) -> None:
    make(catalog, "one", "two", "three", quota=THREE)
    catalog.delete_repositories(["one"], NOW_S)
    make(catalog, "four", quota=THREE)
    first_version = catalog.deleted_repository("one", not_before_s=NOW_S)
    assert first_version is not None
    with pytest.raises(QuotaExceeded):
        catalog.undelete_repository("one", not_before_s=NOW_S, first_version=first_version.first_version, quota=THREE)
    with pytest.raises(RepositoryMissing):
        catalog.pointer("one")


def test_totals_are_of_what_is_live(catalog: Catalog) -> None:
    assert catalog.totals(NOW_S) == CatalogTotals(0, 0)
    make(catalog, "one", "two", quota=NO_QUOTA)
    create(catalog, "three")
    for number, (name, expires_at_s) in enumerate([("one", None), ("one", NOW_S + 9), ("two", None), ("three", NOW_S)]):
        catalog.mint_token(name, NewToken(bytes([number]) * 32, TokenScope.READ, NOW_S, expires_at_s))
    assert catalog.totals(NOW_S) == CatalogTotals(3, 3)
    catalog.revoke_token(bytes([0]) * 32, NOW_S)
    assert catalog.totals(NOW_S + 9) == CatalogTotals(3, 1)
    catalog.delete_repositories(["two"], NOW_S)
    assert catalog.totals(NOW_S) == CatalogTotals(2, 1)
