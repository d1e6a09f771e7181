"""The row of the store's secret."""

from __future__ import annotations

import sqlite3

_FIND = "SELECT value FROM secret"


def find_secret(connection: sqlite3.Connection) -> bytes | None:
    """The secret, if there is one yet."""
    row = connection.execute(_FIND).fetchone()
    return None if row is None else row[0]


def ensure_secret(connection: sqlite3.Connection, fresh: bytes) -> bytes:
    """The secret: `fresh` becomes it unless somebody's has before."""
    connection.execute("INSERT INTO secret VALUES (1, ?) ON CONFLICT DO NOTHING", (fresh,))
    secret: bytes = connection.execute(_FIND).fetchone()[0]
    return secret
