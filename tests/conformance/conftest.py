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
def implementation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make_catalog(implementation: str, tmp_path: Path) -> CatalogMaker:
    return _makers(tmp_path / "catalog.db")[implementation]


@pytest.fixture
def make_other_catalog(implementation: str, tmp_path: Path) -> CatalogMaker:
    """The same implementation over another store."""
    return _makers(tmp_path / "other.db")[implementation]


def _makers(path: Path) -> dict[str, CatalogMaker]:
    def sqlite(reuse_after_s: int) -> Catalog:
        return SqliteCatalog(path, reuse_after_s=reuse_after_s)

    def memory(reuse_after_s: int) -> Catalog:
        return MemoryCatalog(reuse_after_s=reuse_after_s)

    return {"sqlite": sqlite, "memory": memory}


@pytest.fixture
def catalog(make_catalog: CatalogMaker) -> Iterator[Catalog]:
    with closing(make_catalog(0)) as catalog:
        yield catalog
