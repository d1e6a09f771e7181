"""How connections to the catalog's file are opened, and the schema in it."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from pathlib import Path

from packengine.storage._disk import Disk
from packengine.storage.ports import StorageError

SCHEMA_VERSION = 4
"""`schema_<n>.sql` leads from schema n - 1 to schema n; 0 is an empty file."""

_APPLICATION_ID = 0x50_4B_48_53  # "PKHS", in the file's header
_FOREIGN_WAIT_S = 1.0  # our own writers queue on WriteLock: only strangers, checkpoints and recovery are waited for
_READER_WAIT_S = 5.0  # the first to open a catalog after a crash recovers it; meanwhile readers wait
_CHECKPOINT_PAGES = 512  # the log stays at 2 MiB, where SQLite's own 1000 pages would be most of what 10,000 forks take
_WRITER_CACHE_KIB = 32 * 1024  # so that 10,000 forks in one transaction do not spill


def open_writer(path: Path) -> sqlite3.Connection:
    """The connection that writes; creates the file and its schema. Call it with WriteLock held. Raises StorageError.

    One thread at a time may use it.
    """
    connection = sqlite3.connect(path, timeout=_FOREIGN_WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise StorageError(f"{path}: the file system gives no write-ahead log, only journal mode {mode!r}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
        _ensure_schema(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path, *, wait_s: float = _READER_WAIT_S) -> sqlite3.Connection:
    """A connection that can only read. One thread at a time may use it. wait_s: for the recovery after a crash."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",  # a reader in WAL mode writes to the shared-memory file
        uri=True,
        timeout=wait_s,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def _ensure_schema(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables:
        _migrate(connection, 0)
        Disk().sync_directory(path.parent)
    elif application_id != _APPLICATION_ID:
        raise StorageError(f"{path}: an SQLite database, but no catalog")
    elif not 1 <= version <= SCHEMA_VERSION:
        raise StorageError(f"{path}: a catalog of schema {version}; this program knows 1 to {SCHEMA_VERSION}")
    elif version < SCHEMA_VERSION:
        _migrate(connection, version)


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """From an older schema to ours, whole or not at all."""
    steps = [
        files(__package__).joinpath(f"schema_{step}.sql").read_text(encoding="utf-8")
        for step in range(version + 1, SCHEMA_VERSION + 1)
    ]
    marks = f"PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};"
    connection.executescript(f"BEGIN IMMEDIATE; {' '.join(steps)} {marks} COMMIT;")
