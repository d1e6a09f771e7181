"""SqliteCatalog beyond the port: the file, its schema, its durability settings, its query plans."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest

from packengine.storage import SqliteCatalog
from packengine.storage.ports import (
    Committed,
    CorruptBlob,
    NewToken,
    OwnerUsage,
    Pointer,
    Publish,
    RepositoryRecord,
    RowKind,
    StorageError,
    TokenScope,
)
from packengine.storage.sqlite import _condemned, _pointers, _repositories, _tokens
from packengine.storage.sqlite._connections import SCHEMA_VERSION
from tests.support.catalogs import NOW_S, create, manifest, publish, row


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
    locks = {"catalog.db-lock", "catalog.db-queue", "catalog.db-turn"}
    assert {each.name for each in path.parent.iterdir()} == {"catalog.db", *locks}


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
    change(path, "PRAGMA user_version = 5")
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"catalog\.db: a catalog of schema 5; this program knows 1 to 4"):
        SqliteCatalog(path)
    assert path.read_bytes() == before


OLDER = f"""
    PRAGMA application_id = {0x504B4853}; PRAGMA user_version = %(schema)d;
    INSERT INTO owner VALUES (1, 'alice');
    INSERT INTO content VALUES (7, 1, x'%(digest)s', CAST('manifest demo' AS BLOB));
    INSERT INTO repository VALUES (1, 'demo', 1, NULL, {NOW_S}, 0, NULL, NULL);
    INSERT INTO repository VALUES (2, 'fork', NULL, 1, {NOW_S}, 0, NULL, NULL);
    INSERT INTO repository VALUES (3, 'dead', NULL, 1, {NOW_S}, 0, {NOW_S}, {NOW_S});
    INSERT INTO pointer VALUES (1, 4, 7, 1), (2, 1, 7, 1), (3, 2, 7, 1);
    INSERT INTO token VALUES (1, x'{bytes(32).hex()}', 1, 2, {NOW_S}, NULL, NULL, 'ci', NULL);
"""  # noqa: S608 - of constants


def make_older(path: Path, schema: int) -> None:
    """A catalog as a program that knew no later schema made it: live and dead repositories, one moved, one a fork."""
    digest = manifest("demo").digest.hex()
    with closing(sqlite3.connect(path)) as connection:
        for step in range(1, schema + 1):
            script = files("packengine.storage.sqlite").joinpath(f"schema_{step}.sql")
            connection.executescript(script.read_text(encoding="utf-8"))
        connection.executescript(OLDER % {"digest": digest, "schema": schema})


@pytest.mark.parametrize("schema", range(1, SCHEMA_VERSION))
def test_a_catalog_of_an_older_schema_goes_on_with_all_that_it_holds(path: Path, schema: int) -> None:
    make_older(path, schema)
    with closing(SqliteCatalog(path)) as catalog:
        assert catalog.pointer("demo") == Pointer(4, manifest("demo").digest)
        assert catalog.pointer("fork") == Pointer(1, manifest("demo").digest)
        assert catalog.live_forks("demo") == ["fork"]
        assert catalog.repository("demo") == RepositoryRecord("demo", "alice", NOW_S, None, False, 1)
        assert [token.subject for token in catalog.tokens("demo", NOW_S)] == ["ci"]
        assert isinstance(publish(catalog, "demo", catalog.pointer("demo"), "next"), Committed)
        create(catalog, "dead")
        assert catalog.pointer("dead").version == 3
        assert catalog.readers() == []
        assert catalog.begin_mark() == 1
        assert catalog.server_key("admin") is None
        assert catalog.owner_usage("alice") == OwnerUsage(1, 0)
        assert catalog.update_repository("demo", description="now it may have one").description == "now it may have one"
        secret = catalog.secret()
    with closing(SqliteCatalog(path)) as catalog:
        assert catalog.secret() == secret


@pytest.mark.parametrize("schema", range(1, SCHEMA_VERSION))
def test_a_migrated_catalog_is_laid_out_as_a_new_one(path: Path, schema: int) -> None:
    def layout(catalog_path: Path) -> list[object]:
        SqliteCatalog(catalog_path).close()
        with closing(sqlite3.connect(catalog_path)) as connection:
            return connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name").fetchall()

    make_older(path, schema)
    assert layout(path) == layout(path.with_name("new.db"))


@pytest.mark.parametrize(("schema", "table"), [(1, "secret"), (2, "condemned"), (3, "server_key")])
def test_a_migration_that_fails_leaves_the_older_schema(path: Path, schema: int, table: str) -> None:
    make_older(path, schema)
    change(path, f"CREATE TABLE {table} (in_the_way)")
    with pytest.raises(StorageError, match=f"{table} already exists"):
        SqliteCatalog(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (schema,)
    change(path, f"DROP TABLE {table}")
    with closing(SqliteCatalog(path)) as catalog:
        assert catalog.repository("demo") is not None


def test_a_publish_of_what_is_new_does_nothing_for_collections(catalog: SqliteCatalog) -> None:
    """Not even while one marks: what nobody stored before is in no list of what may be condemned."""
    create(catalog, "demo")
    catalog.begin_mark()
    pack, next_manifest = row(RowKind.PACK, b"pack"), manifest("next")
    request = Publish("demo", catalog.pointer("demo"), next_manifest.digest, [pack, next_manifest])
    statements: list[str] = []

    def traced(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(statements.append)
        _pointers.publish(connection, request)
        connection.set_trace_callback(None)

    catalog._writer.run(traced)
    assert [statement.split()[0] for statement in statements] == ["SELECT", "INSERT", "INSERT", "UPDATE"]
    assert not [each for each in statements if "condemned" in each or "mark" in each]


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


def due(query: str) -> str:
    return query.replace(":before_ms", "9").replace(":limit", "9")


PLANS = {
    "list": (f"{_repositories._RECORD} ORDER BY r.key DESC LIMIT 10", "SCAN r"),
    "list of an owner": (f"{_repositories._RECORD} AND r.owner = 1 ORDER BY r.key DESC LIMIT 9", "repository_by_owner"),
    "count": (_repositories._COUNT, "repository_by_"),
    "count of an owner": (f"{_repositories._COUNT} AND r.owner = 1", "repository_by_owner"),
    "by id": (f"{_repositories._RECORD} AND r.id = 'x'", "repository_by_live_id"),
    "forks": (_repositories._FORKS.replace("?", "'x'"), "repository_by_source"),
    "dead ids": (_repositories._DEAD.replace("?", "'x'"), "repository_by_dead_id"),
    "token": (f"{_tokens._RECORD} AND t.hash = x'00'", "token_by_hash"),
    "spent generations": (_condemned._SPENT.replace("?", "x'00'"), "SEARCH condemned"),
    "rows in pages": (_condemned._ROWS.replace("(?, ?)", "(x'00', 1)").replace("?", "9"), "content_by_digest"),
    "rows that are due": (due(_condemned._DUE_ROWS), "condemned_by_time"),
    "blobs that are due": (due(_condemned._DUE_BLOBS), "condemned_by_time"),
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
