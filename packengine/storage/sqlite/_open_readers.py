"""Rows of the processes that read: collection stays behind what the slowest of them has open."""

from __future__ import annotations

import sqlite3

from packengine.storage.ports import ReaderRecord


def add_reader(connection: sqlite3.Connection, reader_id: str, oldest_open_ms: int, now_ms: int, ttl_ms: int) -> None:
    """Announce one that is new."""
    connection.execute("INSERT OR REPLACE INTO reader VALUES (?, ?, ?)", (reader_id, oldest_open_ms, now_ms + ttl_ms))


def renew_reader(connection: sqlite3.Connection, reader_id: str, oldest_open_ms: int, now_ms: int, ttl_ms: int) -> bool:
    """False: it was taken out."""
    cursor = connection.execute(
        "UPDATE reader SET oldest_open_ms = ?, expires_at_ms = ? WHERE id = ?",
        (oldest_open_ms, now_ms + ttl_ms, reader_id),
    )
    return bool(cursor.rowcount)


def remove_reader(connection: sqlite3.Connection, reader_id: str) -> None:
    """It reads no more."""
    connection.execute("DELETE FROM reader WHERE id = ?", (reader_id,))


def expire_readers(connection: sqlite3.Connection, now_ms: int) -> int:
    """Take out those whose time is over."""
    return connection.execute("DELETE FROM reader WHERE expires_at_ms <= ?", (now_ms,)).rowcount


def list_readers(connection: sqlite3.Connection) -> list[ReaderRecord]:
    """All that were not taken out, the one that holds collection up first."""
    rows = connection.execute("SELECT id, oldest_open_ms, expires_at_ms FROM reader ORDER BY oldest_open_ms, id")
    return [ReaderRecord(*row) for row in rows]
