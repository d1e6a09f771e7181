"""The implementations that the catalog's suites run against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from packengine.storage import SqliteCatalog
from packengine.storage.ports import Catalog
from tests.support.fakes import MemoryCatalog

CatalogMaker = Callable[[int], Catalog]
"""Makes a catalog in which the id of a deleted repository stays taken for so many seconds."""


@pytest.fixture(params=["sqlite", "memory"])
def make_catalog(request: pytest.FixtureRequest, tmp_path: Path) -> CatalogMaker:
    def sqlite(reuse_after_s: int) -> Catalog:
        return SqliteCatalog(tmp_path / "catalog.db", reuse_after_s=reuse_after_s)

    def memory(reuse_after_s: int) -> Catalog:
        return MemoryCatalog(reuse_after_s=reuse_after_s)

    makers: dict[str, CatalogMaker] = {"sqlite": sqlite, "memory": memory}
    return makers[request.param]


@pytest.fixture
def catalog(make_catalog: CatalogMaker) -> Iterator[Catalog]:
    with closing(make_catalog(0)) as catalog:
        yield catalog
