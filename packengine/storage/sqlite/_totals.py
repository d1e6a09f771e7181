"""How much is live in all."""

from __future__ import annotations

import sqlite3

from packengine.storage.ports import CatalogTotals

_REPOSITORIES = "SELECT count(*) FROM repository WHERE deleted_at_s IS NULL"
_TOKENS = "SELECT count(*) FROM token WHERE revoked_at_s IS NULL AND (expires_at_s IS NULL OR expires_at_s > ?)"


def totals(connection: sqlite3.Connection, now_s: int) -> CatalogTotals:
    """Of one snapshot."""
    connection.execute("BEGIN")
    (repositories,) = connection.execute(_REPOSITORIES).fetchone()
    (tokens,) = connection.execute(_TOKENS, (now_s,)).fetchone()
    return CatalogTotals(repositories, tokens)
