"""The pointers, and the compare-and-swap that is the only way they move (design, law 3)."""

from __future__ import annotations

import sqlite3

from packengine.storage.ports import Committed, Pointer, Publish, RepositoryMissing, Superseded
from packengine.storage.sqlite._content import manifest_key, store_rows

_POINTER = """
    SELECT r.key, p.version, c.digest
    FROM repository r
    JOIN pointer p ON p.repository = r.key
    JOIN content c ON c.key = p.manifest
    WHERE r.id = ? AND r.deleted_at_s IS NULL
"""


def read_pointer(connection: sqlite3.Connection, repository_id: str) -> Pointer:
    """Raises RepositoryMissing."""
    return _find(connection, repository_id)[1]


def publish(connection: sqlite3.Connection, request: Publish) -> Committed | Superseded:
    """Compare, store the rows, swap. Raises RepositoryMissing, RowMissing."""
    repository_key, current = _find(connection, request.repository_id)
    if current != request.expected:
        return Superseded(request.repository_id, current)
    store_rows(connection, request.rows)
    moved = Pointer(current.version + 1, request.manifest)
    connection.execute(
        "UPDATE pointer SET version = ?, manifest = ? WHERE repository = ?",
        (moved.version, manifest_key(connection, moved.manifest), repository_key),
    )
    return Committed(request.repository_id, moved)


def _find(connection: sqlite3.Connection, repository_id: str) -> tuple[int, Pointer]:
    row = connection.execute(_POINTER, (repository_id,)).fetchone()
    if row is None:
        raise RepositoryMissing(f"no repository {repository_id}")
    key, version, manifest = row
    return key, Pointer(version, manifest)
