"""The pointers, and the compare-and-swap that is the only way they move (design, law 3)."""

from __future__ import annotations

import sqlite3

from packengine.storage.ports import (
    Committed,
    Pointer,
    PointerUse,
    Publish,
    RepositoryMissing,
    RowKey,
    RowKind,
    Superseded,
)
from packengine.storage.sqlite._condemned import name_blobs, name_rows_again
from packengine.storage.sqlite._content import manifest_key, store_row, store_rows
from packengine.storage.sqlite._owners import check_growth

_POINTER = """
    SELECT r.key, p.version, c.digest
    FROM repository r
    JOIN pointer p ON p.repository = r.key
    JOIN content c ON c.key = p.manifest
    WHERE r.id = ? AND r.deleted_at_s IS NULL
"""
_USES = """
    SELECT c.digest, p.version - p.first_version - (r.deleted_at_s IS NOT NULL) AS own_publishes, count(*)
    FROM pointer p
    JOIN content c ON c.key = p.manifest
    JOIN repository r ON r.key = p.repository
    GROUP BY p.manifest, own_publishes
"""


def read_pointer(connection: sqlite3.Connection, repository_id: str) -> Pointer:
    """Raises RepositoryMissing."""
    return _find(connection, repository_id)[1]


def publish(connection: sqlite3.Connection, request: Publish) -> Committed | Superseded:
    """Compare, store the rows, swap. Raises RepositoryMissing, RowMissing, CondemnedBlob."""
    repository_key, current = _find(connection, request.repository_id)
    if current != request.expected:
        return Superseded(request.repository_id, current)
    manifest = _store(connection, request)
    if request.blobs:
        name_blobs(connection, request.blobs)
    check_growth(connection, repository_key, request.size_bytes, request.quota)
    moved = Pointer(current.version + request.steps, request.manifest)
    connection.execute(
        "UPDATE pointer SET version = ?, manifest = ?, size_bytes = ? WHERE repository = ?",
        (moved.version, manifest, request.size_bytes, repository_key),
    )
    return Committed(request.repository_id, moved)


def _store(connection: sqlite3.Connection, request: Publish) -> int:
    """The key of the manifest, which is mostly the last of the rows, and new as all of them."""
    rows = request.rows
    are_new = store_rows(connection, rows[:-1])
    key = store_row(connection, rows[-1]) if rows else None
    if key is not None and are_new and rows[-1].digest == request.manifest:
        return key
    if rows and not (are_new and key is not None):
        name_rows_again(connection, [RowKey(row.digest, row.kind) for row in rows])
    if not any(row.digest == request.manifest for row in rows):
        name_rows_again(connection, [RowKey(request.manifest, RowKind.MANIFEST)])
    return manifest_key(connection, request.manifest)


def pointer_uses(connection: sqlite3.Connection) -> list[PointerUse]:
    """What pointers name, of live repositories and of deleted ones. A deletion moved the version, as publishes do."""
    return [PointerUse(*row) for row in connection.execute(_USES)]


def _find(connection: sqlite3.Connection, repository_id: str) -> tuple[int, Pointer]:
    row = connection.execute(_POINTER, (repository_id,)).fetchone()
    if row is None:
        raise RepositoryMissing(f"no repository {repository_id}")
    key, version, manifest = row
    return key, Pointer(version, manifest)
