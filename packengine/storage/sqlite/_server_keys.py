"""Rows of rotated keys."""

from __future__ import annotations

import sqlite3

from packengine.storage.ports import ServerKey


def find_key(connection: sqlite3.Connection, name: str) -> ServerKey | None:
    """What was set last."""
    row = connection.execute("SELECT value, replaces, set_at_ms FROM server_key WHERE name = ?", (name,)).fetchone()
    return None if row is None else ServerKey(*row)


def set_key(connection: sqlite3.Connection, name: str, key: ServerKey) -> None:
    """In the place of what was there."""
    connection.execute(
        "INSERT OR REPLACE INTO server_key VALUES (?, ?, ?, ?)", (name, key.value, key.replaces, key.set_at_ms)
    )
