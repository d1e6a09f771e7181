"""What every Catalog says of changes: after each of them another mark, or none at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from packengine.storage.ports import Catalog, NewToken, Pointer, TokenScope
from tests.conformance.conftest import CatalogMaker
from tests.support.catalogs import NOW_S, create, manifest, new_repository, publish

TOKEN = NewToken(hashlib.sha256(b"token").digest(), TokenScope.WRITE, NOW_S)


def push(catalog: Catalog) -> None:
    publish(catalog, "demo", Pointer(1, manifest("demo").digest), "next")


CHANGES: dict[str, Callable[[Catalog], object]] = {
    "a repository is created": lambda catalog: create(catalog, "other"),
    "a repository is deleted": lambda catalog: catalog.delete_repositories(["demo"], NOW_S),
    "a pointer is moved": push,
    "a token is minted": lambda catalog: catalog.mint_token("demo", replace(TOKEN, token_hash=bytes(32))),
    "a token is revoked": lambda catalog: catalog.revoke_token(TOKEN.token_hash, NOW_S),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("changed_elsewhere", [False, True])
def test_no_mark_outlives_a_change(
    catalog: Catalog,
    make_catalog: CatalogMaker,
    implementation: str,
    change: Callable[[Catalog], object],
    changed_elsewhere: bool,
) -> None:
    catalog.create_repositories([replace(new_repository("demo"), token=TOKEN)], [manifest("demo")])
    before = catalog.change_mark()
    if changed_elsewhere and implementation != "memory":  # which is in one process only
        with closing(make_catalog(0)) as elsewhere:
            change(elsewhere)
    else:
        change(catalog)
    assert before is None or catalog.change_mark() != before


def test_a_closed_catalog_has_no_mark(make_catalog: CatalogMaker) -> None:
    catalog = make_catalog(0)
    catalog.close()
    assert catalog.change_mark() is None
