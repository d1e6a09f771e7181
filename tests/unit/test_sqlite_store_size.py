"""What a fork costs on disk, measured over ten thousand: the budgets of docs/storage.md."""

from __future__ import annotations

import random
import string
from contextlib import closing
from pathlib import Path

import pytest

from packengine.storage import SqliteCatalog
from packengine.storage.ports import NewRepository, NewToken, TokenScope
from tests.support.catalogs import NOW_S, create, manifest

FORKS = 10_000
REPOSITORY_BYTES = 228
"""For the rows of repository and pointer with all their indexes."""

ALL_BYTES = 700
"""On disk in all, with a write token, and with the log as it lies there while the catalog is open."""


def forks(*, with_tokens: bool) -> list[NewRepository]:
    """Ids and hashes as the server makes them: random, and so the worst for an index."""
    rng = random.Random(1)

    def token() -> NewToken:
        return NewToken(rng.randbytes(32), TokenScope.WRITE, NOW_S, subject="agent-17")

    return [
        NewRepository(
            "".join(rng.choices(string.ascii_lowercase + string.digits, k=24)),
            "the-owner-of-all-of-them",
            NOW_S,
            manifest("source").digest,
            source_id="source",
            token=token() if with_tokens else None,
        )
        for _ in range(FORKS)
    ]


def bytes_on_disk(directory: Path) -> int:
    return sum(each.stat().st_blocks * 512 for each in directory.iterdir())


@pytest.mark.parametrize("call_size", [FORKS, 100], ids=["one call", "a hundred calls"])
@pytest.mark.parametrize(("with_tokens", "budget"), [(False, REPOSITORY_BYTES), (True, ALL_BYTES)])
def test_ten_thousand_forks_keep_to_their_bytes(tmp_path: Path, call_size: int, with_tokens: bool, budget: int) -> None:
    path = tmp_path / "catalog.db"
    with closing(SqliteCatalog(path)) as catalog:
        create(catalog, "source", owner="the-owner-of-all-of-them")
    empty_bytes = bytes_on_disk(tmp_path)

    with closing(SqliteCatalog(path)) as catalog:
        new = forks(with_tokens=with_tokens)
        for start in range(0, FORKS, call_size):
            catalog.create_repositories(new[start : start + call_size])
        open_bytes = bytes_on_disk(tmp_path)
    closed_bytes = bytes_on_disk(tmp_path)

    assert FORKS * 32 < closed_bytes - empty_bytes <= FORKS * budget
    assert open_bytes - empty_bytes <= FORKS * ALL_BYTES


def test_a_fork_adds_no_content(tmp_path: Path) -> None:
    with closing(SqliteCatalog(tmp_path / "catalog.db")) as catalog:
        create(catalog, "source")
        query = "SELECT count(*) FROM content"
        before = catalog._writer.run(lambda connection: connection.execute(query).fetchone())
        catalog.create_repositories(forks(with_tokens=True)[:100])
        assert catalog._writer.run(lambda connection: connection.execute(query).fetchone()) == before
