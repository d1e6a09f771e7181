"""What every Catalog does with the store's secret, and what is derived from it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from packengine.storage import derive_key
from packengine.storage.ports import Catalog
from tests.conformance.conftest import CatalogMaker

CALLERS = 8


def test_the_secret_is_32_bytes_and_stays_the_same(catalog: Catalog) -> None:
    secret = catalog.secret()
    assert len(secret) == 32
    assert catalog.secret() == secret


def test_every_store_has_a_secret_of_its_own(catalog: Catalog, make_other_catalog: CatalogMaker) -> None:
    with closing(make_other_catalog(0)) as other:
        assert other.secret() != catalog.secret()


def test_racing_first_callers_hear_one_value(catalog: Catalog) -> None:
    start = threading.Barrier(CALLERS)

    def ask(_: int) -> bytes:
        start.wait()
        return catalog.secret()

    with ThreadPoolExecutor(CALLERS) as pool:
        heard = set(pool.map(ask, range(CALLERS)))
    assert heard == {catalog.secret()}


def test_a_key_belongs_to_one_secret_and_one_purpose() -> None:
    keys = {derive_key(secret, purpose) for secret in (bytes(32), bytes([1]) * 32) for purpose in (b"one", b"two")}
    assert len(keys) == 4
    assert derive_key(bytes(32), b"one") in keys
    assert all(len(key) == 32 for key in keys)
