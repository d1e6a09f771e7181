"""Rows of tokens: only hashes, found by hash or by repository."""

from __future__ import annotations

import json
import sqlite3
from typing import TypeAlias

from packengine.storage.ports import Digest, NewToken, StorageError, TokenRecord, TokenScope

SCOPE_NUMBERS = {TokenScope.READ: 1, TokenScope.WRITE: 2}
"""As stored; never to be renumbered."""

_SCOPES = {number: scope for scope, number in SCOPE_NUMBERS.items()}

_Row: TypeAlias = tuple[bytes, str, int, int, int | None, int | None, str | None, str | None, str | None]

_RECORD = """
    SELECT t.hash, r.id, t.scope, t.created_at_s, t.expires_at_s, t.revoked_at_s, t.subject, t.label, t.refs
    FROM token t JOIN repository r ON r.key = t.repository
    WHERE r.deleted_at_s IS NULL
"""
_REVOKE = "UPDATE token SET revoked_at_s = :now_s WHERE hash = :hash"
_REVOKE_ALL = "UPDATE token SET revoked_at_s = :now_s WHERE repository = :repository"
_LIVE = "revoked_at_s IS NULL AND (expires_at_s IS NULL OR expires_at_s > :now_s)"


def insert_token(connection: sqlite3.Connection, repository_key: int, token: NewToken) -> None:
    """Raises StorageError if there is a token of that hash."""
    cursor = connection.execute(
        """
        INSERT INTO token (hash, repository, scope, created_at_s, expires_at_s, subject, label, refs)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING
        """,
        (
            token.token_hash,
            repository_key,
            SCOPE_NUMBERS[token.scope],
            token.created_at_s,
            token.expires_at_s,
            token.subject,
            token.label,
            None if token.refs is None else json.dumps(token.refs),
        ),
    )
    if not cursor.rowcount:
        raise StorageError(f"a token of hash {token.token_hash.hex()} exists")


def find_token(connection: sqlite3.Connection, token_hash: Digest) -> TokenRecord | None:
    """The token of that hash, live or not."""
    row = connection.execute(f"{_RECORD} AND t.hash = ?", (token_hash,)).fetchone()
    return None if row is None else _record(row)


def live_tokens(connection: sqlite3.Connection, repository_key: int, now_s: int) -> list[TokenRecord]:
    """Those of a repository that are neither revoked nor expired, newest first."""
    rows = connection.execute(
        f"{_RECORD} AND t.repository = :repository AND {_LIVE} ORDER BY t.key DESC",
        {"repository": repository_key, "now_s": now_s},
    )
    return [_record(row) for row in rows]


def revoke_token(connection: sqlite3.Connection, token_hash: Digest, revoked_at_s: int) -> bool:
    """Whether there was a live one to revoke."""
    cursor = connection.execute(f"{_REVOKE} AND {_LIVE}", {"hash": token_hash, "now_s": revoked_at_s})
    return bool(cursor.rowcount)


def rotate_tokens(connection: sqlite3.Connection, repository_key: int, token: NewToken, now_s: int) -> int:
    """Revoke those of a repository that are live, and insert one. Returns how many were revoked."""
    cursor = connection.execute(f"{_REVOKE_ALL} AND {_LIVE}", {"repository": repository_key, "now_s": now_s})
    insert_token(connection, repository_key, token)
    return cursor.rowcount


def _record(row: _Row) -> TokenRecord:
    token_hash, repository_id, scope, created_at_s, expires_at_s, revoked_at_s, subject, label, refs = row
    return TokenRecord(
        token_hash,
        repository_id,
        _SCOPES[scope],
        created_at_s,
        expires_at_s,
        revoked_at_s,
        subject,
        label,
        None if refs is None else tuple(json.loads(refs)),
    )
