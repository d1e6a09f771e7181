"""Workers among the readers of a catalog: there before the first request, gone in order, left behind by a kill."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from packengine.storage import SqliteCatalog
from packengine.storage.ports import Catalog
from tests.support.server import RunningServer

WORKERS = 2


@contextmanager
def catalog_of(data_dir: Path) -> Iterator[Catalog]:
    with closing(SqliteCatalog(data_dir / "catalog.sqlite")) as catalog:
        yield catalog


def test_each_worker_has_a_row_while_it_serves(tmp_path: Path) -> None:
    data_dir, begun_ms = tmp_path / "data", time.time_ns() // 1_000_000
    with RunningServer(data_dir, workers=WORKERS), catalog_of(data_dir) as catalog:
        rows = catalog.readers()
        assert len(rows) == WORKERS
        assert all(begun_ms <= row.oldest_open_ms < row.expires_at_ms for row in rows)
    with catalog_of(data_dir) as catalog:
        assert catalog.readers() == []


def test_the_rows_of_killed_workers_are_taken_out_when_they_expire(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with RunningServer(data_dir, workers=WORKERS) as server:
        server.kill()
        with catalog_of(data_dir) as catalog:
            left = catalog.readers()
            assert len(left) == WORKERS
            assert catalog.expire_readers(min(row.expires_at_ms for row in left) - 1) == 0
            assert catalog.expire_readers(max(row.expires_at_ms for row in left)) == WORKERS
        server.start()
        with catalog_of(data_dir) as catalog:
            assert len(catalog.readers()) == WORKERS
            assert not {row.id for row in catalog.readers()} & {row.id for row in left}
