"""What every Catalog does with rotated keys."""

from __future__ import annotations

from contextlib import closing

from packengine.storage.ports import Catalog, ServerKey
from tests.conformance.conftest import CatalogMaker

FIRST = ServerKey(b"new", b"configured", 1)
SECOND = ServerKey(b"newer", b"configured", 2)


def test_a_key_is_there_from_when_it_is_set(catalog: Catalog) -> None:
    assert catalog.server_key("admin") is None
    catalog.set_server_key("admin", FIRST)
    assert catalog.server_key("admin") == FIRST
    assert catalog.server_key("jwt") is None


def test_the_last_one_counts(catalog: Catalog) -> None:
    catalog.set_server_key("admin", FIRST)
    catalog.set_server_key("admin", SECOND)
    assert catalog.server_key("admin") == SECOND


def test_a_key_changes_the_mark(catalog: Catalog) -> None:
    before = catalog.change_mark()
    catalog.set_server_key("admin", FIRST)
    assert before is None or catalog.change_mark() != before


def test_stores_have_keys_of_their_own(catalog: Catalog, make_other_catalog: CatalogMaker) -> None:
    catalog.set_server_key("admin", FIRST)
    with closing(make_other_catalog(0)) as other:
        assert other.server_key("admin") is None
