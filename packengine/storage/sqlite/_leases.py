"""Rows of leases: what one process at a time may do, until it gives it back or stops renewing it."""

from __future__ import annotations

import sqlite3

from packengine.storage.ports import LeaseRecord


def take_lease(connection: sqlite3.Connection, name: str, holder: str, now_ms: int, ttl_ms: int) -> bool:
    """Take or renew. False: somebody else's time is not over."""
    cursor = connection.execute(
        """
        INSERT INTO lease VALUES (:name, :holder, :expires_at_ms)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at_ms = excluded.expires_at_ms
        WHERE holder = excluded.holder OR expires_at_ms <= :now_ms
        """,
        {"name": name, "holder": holder, "now_ms": now_ms, "expires_at_ms": now_ms + ttl_ms},
    )
    return bool(cursor.rowcount)


def release_lease(connection: sqlite3.Connection, name: str, holder: str) -> None:
    """Give it back, if it is still the holder's."""
    connection.execute("DELETE FROM lease WHERE name = ? AND holder = ?", (name, holder))


def find_lease(connection: sqlite3.Connection, name: str) -> LeaseRecord | None:
    """Who took it last."""
    row = connection.execute("SELECT holder, expires_at_ms FROM lease WHERE name = ?", (name,)).fetchone()
    return None if row is None else LeaseRecord(*row)
