"""SqliteCatalog beyond the port: the file, its schema, its durability settings, its query plans."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from packengine.storage import SqliteCatalog
from packengine.storage.ports import CorruptBlob, NewToken, RowKind, StorageError, TokenScope
from packengine.storage.sqlite import _repositories, _tokens
from tests.support.catalogs import NOW_S, create, manifest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def catalog(path: Path) -> Iterator[SqliteCatalog]:
    with closing(SqliteCatalog(path)) as catalog:
        yield catalog


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_what_was_written_is_there_after_reopening(path: Path) -> None:
    with closing(SqliteCatalog(path)) as catalog:
        create(catalog, "demo", owner="alice")
    with closing(SqliteCatalog(path)) as catalog:
        assert catalog.pointer("demo").manifest == manifest("demo").digest


def test_commits_survive_power_loss_by_the_settings_that_say_so(catalog: SqliteCatalog) -> None:
    def setting(name: str) -> object:
        query = f"PRAGMA {name}"
        return catalog._writer.run(lambda connection: connection.execute(query).fetchone()[0])

    assert setting("journal_mode") == "wal"
    assert setting("synchronous") == 2  # FULL: each commit syncs the log
    assert setting("foreign_keys") == 1


def test_closing_leaves_one_database_file(path: Path) -> None:
    with closing(SqliteCatalog(path)) as catalog:
        create(catalog, "demo")
    assert {each.name for each in path.parent.iterdir()} == {"catalog.db", "catalog.db-lock", "catalog.db-turn"}


def test_the_catalog_is_created_once_however_many_open_it_at_once(path: Path) -> None:
    start = threading.Barrier(8)

    def open_and_create(number: int) -> None:
        start.wait()
        with closing(SqliteCatalog(path)) as catalog:
            create(catalog, f"repo-{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(open_and_create, range(8)))
    with closing(SqliteCatalog(path)) as catalog:
        assert catalog.repositories(limit=10)[1] == 8


def test_a_newer_schema_is_refused_and_left_alone(path: Path) -> None:
    SqliteCatalog(path).close()
    change(path, "PRAGMA user_version = 3")
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"catalog\.db: a catalog of schema 3; this program knows 1 to 2"):
        SqliteCatalog(path)
    assert path.read_bytes() == before


def make_schema_1(path: Path) -> None:
    """A catalog as the program that knew no other schema made it, with a repository in it."""
    with closing(SqliteCatalog(path)) as catalog:
        create(catalog, "demo", owner="alice")
    change(path, "DROP TABLE secret")
    change(path, "PRAGMA user_version = 1")


def test_a_catalog_of_schema_1_goes_on_with_all_that_it_holds(path: Path) -> None:
    make_schema_1(path)
    with closing(SqliteCatalog(path)) as catalog:
        assert catalog.pointer("demo").manifest == manifest("demo").digest
        secret = catalog.secret()
    with closing(SqliteCatalog(path)) as catalog:
        assert catalog.secret() == secret


def test_a_migration_that_fails_leaves_the_older_schema(path: Path) -> None:
    make_schema_1(path)
    change(path, "CREATE TABLE secret (in_the_way)")
    with pytest.raises(StorageError, match="secret already exists"):
        SqliteCatalog(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    change(path, "DROP TABLE secret")
    with closing(SqliteCatalog(path)) as catalog:
        assert catalog.repository("demo") is not None


def test_the_secret_is_the_same_after_reopening_and_for_everybody(path: Path) -> None:
    with closing(SqliteCatalog(path)) as one, closing(SqliteCatalog(path)) as another:
        secret = one.secret()
        assert another.secret() == secret
    with closing(SqliteCatalog(path)) as later:
        assert later.secret() == secret


def test_another_programs_database_is_refused(path: Path) -> None:
    change(path, "CREATE TABLE theirs (x)")
    with pytest.raises(StorageError, match="no catalog"):
        SqliteCatalog(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StorageError, match=r"catalog\.db: file is not a database"):
        SqliteCatalog(path)


def test_a_directory_that_is_not_there_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"none/catalog\.db"):
        SqliteCatalog(tmp_path / "none" / "catalog.db")


def test_a_damaged_row_is_not_served(catalog: SqliteCatalog, path: Path) -> None:
    create(catalog, "demo")
    change(path, "UPDATE content SET data = x'00'")
    with pytest.raises(CorruptBlob, match=manifest("demo").digest.hex()):
        catalog.row(RowKind.MANIFEST, manifest("demo").digest)


def test_readers_cannot_write(catalog: SqliteCatalog) -> None:
    with pytest.raises(StorageError, match="readonly"), catalog._readers.connection() as connection:
        connection.execute("DELETE FROM owner")


def test_readers_see_the_newest_commit_of_another_catalog_on_the_file(catalog: SqliteCatalog, path: Path) -> None:
    create(catalog, "demo")
    token = NewToken(b"\1" * 32, TokenScope.WRITE, NOW_S)
    catalog.mint_token("demo", token)
    with closing(SqliteCatalog(path)) as other:
        assert other.token(token.token_hash) is not None
        catalog.revoke_token(token.token_hash, NOW_S)
        record = other.token(token.token_hash)
        assert record is not None
        assert record.revoked_at_s == NOW_S


def test_idle_connections_are_used_again(catalog: SqliteCatalog) -> None:
    for _ in range(10):
        catalog.repository("demo")
    assert len(catalog._readers._idle) == 1


PLANS = {
    "list": (f"{_repositories._RECORD} ORDER BY r.key DESC LIMIT 10", "SCAN r"),
    "list of an owner": (f"{_repositories._RECORD} AND r.owner = 1 ORDER BY r.key DESC LIMIT 9", "repository_by_owner"),
    "count": (_repositories._COUNT, "repository_by_"),
    "count of an owner": (f"{_repositories._COUNT} AND r.owner = 1", "repository_by_owner"),
    "by id": (f"{_repositories._RECORD} AND r.id = 'x'", "repository_by_live_id"),
    "forks": (_repositories._FORKS.replace("?", "'x'"), "repository_by_source"),
    "dead ids": (_repositories._DEAD.replace("?", "'x'"), "repository_by_dead_id"),
    "token": (f"{_tokens._RECORD} AND t.hash = x'00'", "token_by_hash"),
    "tokens": (f"{_tokens._RECORD} AND t.repository = 1 ORDER BY t.key DESC", "token_by_repository"),
}


@pytest.mark.parametrize("name", PLANS)
def test_queries_run_on_their_index_and_sort_nothing(catalog: SqliteCatalog, name: str) -> None:
    query, expected = PLANS[name]
    with catalog._readers.connection() as connection:
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert any(expected in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan)
    assert [step for step in plan if "SCAN" in step and expected not in step] == []


def test_the_change_mark_holds_while_nothing_is_committed(tmp_path: Path) -> None:
    with closing(SqliteCatalog(tmp_path / "catalog.db")) as catalog:
        create(catalog, "demo")
        before = catalog.change_mark()
        assert before is not None
        catalog.pointer("demo")
        catalog.probe_write()
        assert not catalog.revoke_token(bytes(32), NOW_S)
        assert catalog.change_mark() == before
