"""Content rows: immutable bytes by kind and digest."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence

from packengine.storage.ports import CorruptBlob, Digest, Row, RowKind, RowMissing, StorageError

MAX_ROW_BYTES = 2_000_000
"""What catalogs take in one value everywhere (design, section 3). Larger packs are blobs; nothing else gets near it."""

KIND_NUMBERS = {RowKind.MANIFEST: 1, RowKind.REF_BLOCK: 2, RowKind.PACK: 3, RowKind.PACK_INDEX: 4}
"""As stored; never to be renumbered."""

_INSERT = "INSERT INTO content (kind, digest, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"


def check_row(row: Row) -> None:
    """Raises StorageError for a row over the limit, CorruptBlob for bytes that are not what the digest names."""
    if len(row.data) > MAX_ROW_BYTES:
        raise StorageError(f"{row.kind.value} {row.digest.hex()}: {len(row.data)} bytes, limit {MAX_ROW_BYTES}")
    verify(row.kind, row.digest, row.data)


def verify(kind: RowKind, digest: Digest, data: bytes) -> None:
    """Raises CorruptBlob. An idx bears its pack's digest, and has a checksum of its own for its reader to check."""
    if kind is not RowKind.PACK_INDEX and hashlib.sha256(data).digest() != digest:
        raise CorruptBlob(f"{kind.value} {digest.hex()}: the {len(data)} bytes do not hash to it")


def store_rows(connection: sqlite3.Connection, rows: Sequence[Row]) -> bool:
    """Insert the rows that are not there yet. They have been checked. Returns whether none of them was there."""
    cursor = connection.executemany(_INSERT, [(KIND_NUMBERS[row.kind], row.digest, row.data) for row in rows])
    return cursor.rowcount == len(rows)


def store_row(connection: sqlite3.Connection, row: Row) -> int | None:
    """The same for a single one. Returns its key, or None if it was there."""
    cursor = connection.execute(_INSERT, (KIND_NUMBERS[row.kind], row.digest, row.data))
    return cursor.lastrowid if cursor.rowcount else None


def manifest_key(connection: sqlite3.Connection, digest: Digest) -> int:
    """The key of a stored manifest. Raises RowMissing."""
    row = connection.execute(
        "SELECT key FROM content WHERE digest = ? AND kind = ?", (digest, KIND_NUMBERS[RowKind.MANIFEST])
    ).fetchone()
    if row is None:
        raise RowMissing(f"no manifest {digest.hex()}")
    key: int = row[0]
    return key


def load_row(connection: sqlite3.Connection, kind: RowKind, digest: Digest) -> bytes:
    """A stored row's bytes. Raises RowMissing, CorruptBlob."""
    row = connection.execute(
        "SELECT data FROM content WHERE digest = ? AND kind = ?", (digest, KIND_NUMBERS[kind])
    ).fetchone()
    if row is None:
        raise RowMissing(f"no {kind.value} {digest.hex()}")
    data: bytes = row[0]
    verify(kind, digest, data)
    return data


def has_row(connection: sqlite3.Connection, kind: RowKind, digest: Digest) -> bool:
    """Whether the row is stored."""
    query = "SELECT 1 FROM content WHERE digest = ? AND kind = ?"
    return connection.execute(query, (digest, KIND_NUMBERS[kind])).fetchone() is not None
