"""Condemnation: how content is deleted while others publish (docs/storage.md, "Garbage collection").

A mark finds out what pointers name, which takes a while, and others name things meanwhile. They say so: between
`begin_mark` and `end_mark`, whoever names what had been stored before leaves a note, and what is noted is not
condemned. What is stored for the first time needs no note: it was not there when the mark listed what is stored.

Rows live and die in the catalog's own transactions: one that is named again is simply condemned no more. A blob is
deleted outside of them, so one that was condemned is never named again; its bytes are stored under another generation.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from packengine.storage.ports import BlobKey, Condemned, CondemnedBlob, CondemnedRow, MarkLost, RowKey, RowKind
from packengine.storage.sqlite._content import KIND_NUMBERS

_Key: TypeAlias = tuple[bytes, int, int]
"""(digest, kind, generation), as `condemned` has them."""

_BLOB = 0
"""The kind of what is no row, also in the queries below, where 4 is an index: see KIND_NUMBERS."""

_KINDS = {number: kind for kind, number in KIND_NUMBERS.items()}
_SPENT = "SELECT max(generation) FROM condemned WHERE digest = ? AND kind = 0"
_BEGIN = """
    UPDATE mark SET number = number + 1, is_open = 1, kept_since_ms = max(kept_since_ms, ?) RETURNING number
"""
_OPEN_MARK = "SELECT 1 FROM mark WHERE is_open"
_CONDEMN = """
    INSERT INTO condemned SELECT :digest, :kind, :generation, :now_ms
    WHERE NOT EXISTS (
        SELECT 1 FROM named_since_mark WHERE digest = :digest AND kind = :kind AND generation = :generation
    )
    AND (:kind = 0 OR EXISTS (SELECT 1 FROM content WHERE digest = :digest AND kind = :kind))
    ON CONFLICT DO UPDATE SET condemned_at_ms = excluded.condemned_at_ms WHERE condemned_at_ms IS NULL
"""
"""A row that another collection deleted since it was listed is not condemned: stored anew, it would be doomed. A blob
that was deleted and is there again, stored by somebody who was late, is condemned again: nobody may name it."""

_PARDON = "DELETE FROM condemned WHERE digest = ? AND kind = ? AND generation = ?"
_ROWS = """
    SELECT digest, kind FROM content
    WHERE (digest, kind) > (?, ?) AND kind != 4 ORDER BY digest, kind LIMIT ?
"""
_DUE_ROWS = """
    SELECT d.digest, d.kind, length(c.data)
    FROM condemned d JOIN content c ON c.digest = d.digest AND c.kind = d.kind
    WHERE d.condemned_at_ms < :before_ms AND d.kind != 0 LIMIT :limit
"""
_DUE_BLOBS = """
    SELECT digest, generation FROM condemned
    WHERE condemned_at_ms < :before_ms AND kind = 0 LIMIT :limit
"""
_DOOMED = """
    SELECT c.key FROM condemned d JOIN content c ON c.digest = d.digest AND c.kind = d.kind
    WHERE d.digest = :digest AND d.kind = :kind AND d.condemned_at_ms < :before_ms
"""


# --- what those do who name things ------------------------------------------------------------------------------------


def name_blobs(connection: sqlite3.Connection, blobs: Sequence[BlobKey]) -> None:
    """Let a manifest name these. Raises CondemnedBlob."""
    for blob in blobs:
        if blob.generation < next_generation(connection, blob.digest):
            raise CondemnedBlob(f"blob {blob.digest.hex()}, generation {blob.generation}: condemned by a collection")
    _note(connection, [_blob_key(blob) for blob in blobs])


def name_rows_again(connection: sqlite3.Connection, rows: Iterable[RowKey]) -> None:
    """Rows that were stored before, which somebody names now: they are not to be deleted."""
    keys = [_row_key(row) for row in rows if row.kind is not RowKind.PACK_INDEX]
    connection.executemany(_PARDON, keys)
    _note(connection, keys)


def next_generation(connection: sqlite3.Connection, digest: bytes) -> int:
    """0, or one more than the highest that was condemned. Lower ones count as condemned, and need no row."""
    (spent,) = connection.execute(_SPENT, (digest,)).fetchone()
    return 0 if spent is None else spent + 1


def _note(connection: sqlite3.Connection, keys: Sequence[_Key]) -> None:
    if keys and connection.execute(_OPEN_MARK).fetchone() is not None:
        connection.executemany("INSERT OR IGNORE INTO named_since_mark VALUES (?, ?, ?)", keys)


# --- what the collection does -----------------------------------------------------------------------------------------


def list_rows(connection: sqlite3.Connection, after: RowKey | None, limit: int) -> list[RowKey]:
    """A page of what is stored, in the order of digests: what is stored meanwhile may be passed over."""
    key = (b"", 0) if after is None else (after.digest, KIND_NUMBERS[after.kind])
    return [RowKey(digest, _KINDS[kind]) for digest, kind in connection.execute(_ROWS, (*key, limit))]


def begin_mark(connection: sqlite3.Connection, kept_since_ms: int) -> int:
    """Begin to take notes, from nothing. Older marks are lost."""
    connection.execute("DELETE FROM named_since_mark")
    number: int = connection.execute(_BEGIN, (kept_since_ms,)).fetchone()[0]
    return number


def kept_since_ms(connection: sqlite3.Connection) -> int:
    """The latest time that a mark began with."""
    latest: int = connection.execute("SELECT kept_since_ms FROM mark").fetchone()[0]
    return latest


def end_mark(connection: sqlite3.Connection, mark: int) -> None:
    """Take no more notes, unless it is for another mark."""
    if connection.execute("UPDATE mark SET is_open = 0 WHERE number = ? AND is_open", (mark,)).rowcount:
        connection.execute("DELETE FROM named_since_mark")


def condemn(
    connection: sqlite3.Connection, mark: int, rows: Sequence[RowKey], blobs: Sequence[BlobKey], now_ms: int
) -> int:
    """Condemn what nobody named since the mark began. Returns how many were not condemned before. Raises MarkLost."""
    if connection.execute("SELECT 1 FROM mark WHERE number = ? AND is_open", (mark,)).fetchone() is None:
        raise MarkLost(f"mark {mark} is not the one under way: another collection began")
    keys = [*map(_row_key, rows), *map(_blob_key, blobs)]
    return connection.executemany(
        _CONDEMN,
        [
            {"digest": digest, "kind": kind, "generation": generation, "now_ms": now_ms}
            for digest, kind, generation in keys
        ],
    ).rowcount


def find_condemned(connection: sqlite3.Connection, before_ms: int, limit: int) -> Condemned:
    """What was condemned before that time."""
    bounds = {"before_ms": before_ms, "limit": limit}
    rows = connection.execute(_DUE_ROWS, bounds).fetchall()
    blobs = connection.execute(_DUE_BLOBS, bounds).fetchall()
    return Condemned(
        [CondemnedRow(RowKey(digest, _KINDS[kind]), size_bytes) for digest, kind, size_bytes in rows],
        [BlobKey(digest, generation) for digest, generation in blobs],
    )


def delete_rows(connection: sqlite3.Connection, rows: Sequence[RowKey], before_ms: int) -> int:
    """Delete those that are condemned still, and their condemnation. Returns how many.

    A manifest that a pointer names stays in any case: pointers name it by its key, which another row could get.
    """
    doomed = [(*key, found[0]) for key in map(_row_key, rows) if (found := _doomed(connection, key, before_ms))]
    pointed_at = _pointed_at(connection, {key for _, kind, _, key in doomed if kind == KIND_NUMBERS[RowKind.MANIFEST]})
    doomed = [each for each in doomed if each[-1] not in pointed_at]
    connection.executemany("DELETE FROM content WHERE key = ?", [(key,) for *_, key in doomed])
    pack, index = KIND_NUMBERS[RowKind.PACK], KIND_NUMBERS[RowKind.PACK_INDEX]
    connection.executemany(
        "DELETE FROM content WHERE digest = ? AND kind = ?",
        [(digest, index) for digest, kind, *_ in doomed if kind == pack],
    )
    connection.executemany(_PARDON, [each[:3] for each in doomed])
    return len(doomed)


def pardon(connection: sqlite3.Connection, rows: Sequence[RowKey]) -> None:
    """Condemn rows no more."""
    connection.executemany(_PARDON, map(_row_key, rows))


def forget(connection: sqlite3.Connection, blobs: Sequence[BlobKey]) -> None:
    """Keep the highest generation of each, as spent."""
    for blob in blobs:
        connection.execute(
            "UPDATE condemned SET condemned_at_ms = NULL WHERE digest = ? AND kind = ? AND generation = ?",
            _blob_key(blob),
        )
        connection.execute(
            """
            DELETE FROM condemned WHERE digest = :digest AND kind = 0 AND condemned_at_ms IS NULL
            AND generation < (SELECT max(generation) FROM condemned WHERE digest = :digest AND kind = 0)
            """,
            {"digest": blob.digest},
        )


def _doomed(connection: sqlite3.Connection, key: _Key, before_ms: int) -> tuple[int] | None:
    digest, kind, _ = key
    names = {"digest": digest, "kind": kind, "before_ms": before_ms}
    found: tuple[int] | None = connection.execute(_DOOMED, names).fetchone()
    return found


def _pointed_at(connection: sqlite3.Connection, manifests: set[int]) -> set[int]:
    if not manifests:
        return set()
    return {key for (key,) in connection.execute("SELECT manifest FROM pointer") if key in manifests}


def _row_key(row: RowKey) -> _Key:
    return (row.digest, KIND_NUMBERS[row.kind], 0)


def _blob_key(blob: BlobKey) -> _Key:
    return (blob.digest, _BLOB, blob.generation)
