"""Rows of repositories: created many at once, listed newest first, turned into tombstones."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeAlias

import msgspec

from packengine.refs.rules import RefRule
from packengine.storage.ports import (
    Digest,
    NewRepository,
    NewToken,
    OwnerQuota,
    Pointer,
    RepositoryExists,
    RepositoryMissing,
    RepositoryPlace,
    RepositoryRecord,
    Row,
    RowKey,
    RowKind,
    RowMissing,
    StorageError,
)
from packengine.storage.sqlite._condemned import name_blobs, name_rows_again
from packengine.storage.sqlite._content import has_row, manifest_key, store_rows
from packengine.storage.sqlite._owners import check_owner
from packengine.storage.sqlite._tokens import insert_token

_Row: TypeAlias = tuple[str, str | None, int, str | None, int, int, str, int, str | None]

_COLUMNS = """
    r.id, o.name, r.created_at_s, s.id, r.read_only, p.first_version, r.description, r.is_public, r.rules
"""
_TABLES = """
    FROM repository r
    JOIN pointer p ON p.repository = r.key
    LEFT JOIN owner o ON o.key = r.owner
    LEFT JOIN repository s ON s.key = r.source AND s.deleted_at_s IS NULL
"""
_ANY_RECORD = f"SELECT {_COLUMNS} {_TABLES}"
_RECORD = f"{_ANY_RECORD} WHERE r.deleted_at_s IS NULL"
_CURRENT = f"""
    SELECT p.version, c.digest, {_COLUMNS} {_TABLES} JOIN content c ON c.key = p.manifest
    WHERE r.id = ? AND r.deleted_at_s IS NULL
"""
_DEAD = """
    SELECT max(p.version)
    FROM repository r JOIN pointer p ON p.repository = r.key
    WHERE r.id = ? AND r.deleted_at_s IS NOT NULL
"""
_KEPT_FOR_OTHERS = """
    SELECT max(r.id_free_at_s)
    FROM repository r LEFT JOIN owner o ON o.key = r.owner
    WHERE r.id = ? AND r.deleted_at_s IS NOT NULL AND o.name IS NOT ?
"""
_NEWEST = "SELECT manifest, size_bytes FROM pointer WHERE repository = ?"
_FORKS = """
    SELECT id FROM repository
    WHERE source = (SELECT key FROM repository WHERE id = ? AND deleted_at_s IS NULL) AND deleted_at_s IS NULL
    ORDER BY key
"""
_COUNT = "SELECT count(*) FROM repository r WHERE r.deleted_at_s IS NULL"
_TOMBSTONE = """
    SELECT r.key, r.deleted_at_s, p.manifest IS NOT NULL
    FROM repository r JOIN pointer p ON p.repository = r.key
    WHERE r.id = ? AND r.deleted_at_s IS NOT NULL ORDER BY r.key DESC LIMIT 1
"""
_PLACE = """
    SELECT r.key FROM repository r JOIN pointer p ON p.repository = r.key
    WHERE r.id = :id AND r.deleted_at_s IS NULL AND p.first_version = :first_version
    UNION ALL
    SELECT r.key FROM repository r JOIN pointer p ON p.repository = r.key
    WHERE r.id = :id AND r.deleted_at_s IS NOT NULL AND p.first_version = :first_version
"""
_FOUND = "AND (r.id LIKE :search ESCAPE '!' OR r.description LIKE :search ESCAPE '!')"
_OWNED = "AND r.owner = (SELECT key FROM owner WHERE name = :owner)"


def live_key(connection: sqlite3.Connection, repository_id: str) -> int:
    """The key of a live repository. Raises RepositoryMissing."""
    query = "SELECT key FROM repository WHERE id = ? AND deleted_at_s IS NULL"
    row = connection.execute(query, (repository_id,)).fetchone()
    if row is None:
        raise RepositoryMissing(f"no repository {repository_id}")
    key: int = row[0]
    return key


def same_key(connection: sqlite3.Connection, repository_id: str, first_version: int | None) -> int:
    """The key of a live repository; if a first version is given, of the one with that. Raises RepositoryMissing."""
    key = live_key(connection, repository_id)
    found = connection.execute("SELECT first_version FROM pointer WHERE repository = ?", (key,)).fetchone()[0]
    if first_version not in (None, found):
        raise RepositoryMissing(f"repository {repository_id} was deleted; its id belongs to another one now")
    return key


def create_repositories(
    connection: sqlite3.Connection, repositories: Sequence[NewRepository], rows: Sequence[Row], quota: OwnerQuota
) -> None:
    """Insert all of them with their pointers and tokens, then see what their owners have."""
    if not store_rows(connection, rows):
        name_rows_again(connection, [RowKey(row.digest, row.kind) for row in rows])
    _insert_all(connection, repositories)
    for owner in {new.owner for new in repositories}:
        if owner is not None:
            check_owner(connection, owner, quota)


def _insert_all(connection: sqlite3.Connection, repositories: Sequence[NewRepository]) -> None:
    """Made to be fast for ten thousand forks of one source."""

    # Forks made together share these; a source that is created in the same call comes before its forks.
    @cache
    def source_key(source_id: str, first_version: int | None) -> int:
        return same_key(connection, source_id, first_version)

    @cache
    def key_of_manifest(digest: Digest) -> int:
        name_rows_again(connection, [RowKey(digest, RowKind.MANIFEST)])
        return manifest_key(connection, digest)

    @cache
    def newest_of(source: int) -> tuple[int, int]:
        key, size_bytes = connection.execute(_NEWEST, (source,)).fetchone()
        return key, size_bytes

    @cache
    def key_of_owner(name: str) -> int:
        return _owner_key(connection, name)

    for new in repositories:
        version = _first_version(connection, new)
        owner = None if new.owner is None else key_of_owner(new.owner)
        source = None if new.source_id is None else source_key(new.source_id, new.source_first_version)
        if new.manifest is not None:
            manifest, size_bytes = key_of_manifest(new.manifest), new.size_bytes
        elif source is not None:
            manifest, size_bytes = newest_of(source)
        else:
            raise StorageError(f"repository {new.id} has neither a manifest nor a source to have it from")
        name_blobs(connection, new.blobs)
        _name_stored(connection, new.rows)
        key = _insert(connection, new, owner, source)
        connection.execute("INSERT INTO pointer VALUES (?, ?, ?, ?, ?)", (key, version, manifest, version, size_bytes))
        if new.token is not None:
            insert_token(connection, key, new.token)


def _name_stored(connection: sqlite3.Connection, rows: Sequence[RowKey]) -> None:
    """Rows that must be there still. Raises RowMissing."""
    for row in rows:
        if not has_row(connection, row.kind, row.digest):
            raise RowMissing(f"no {row.kind.value} {row.digest.hex()}")
    name_rows_again(connection, rows)


def _first_version(connection: sqlite3.Connection, new: NewRepository) -> int:
    """1, or what follows the versions of deleted repositories of that id. Raises RepositoryExists."""
    _refuse_live(connection, new.id)
    if new.owner is not None:
        (free_at_s,) = connection.execute(_KEPT_FOR_OTHERS, (new.id, new.owner)).fetchone()
        if free_at_s is not None and new.created_at_s < free_at_s:
            raise RepositoryExists(f"repository {new.id} was deleted; its id is free again at {free_at_s} (Unix time)")
    (last_version,) = connection.execute(_DEAD, (new.id,)).fetchone()
    return 1 if last_version is None else last_version + 1


def _refuse_live(connection: sqlite3.Connection, repository_id: str) -> None:
    live = "SELECT 1 FROM repository WHERE id = ? AND deleted_at_s IS NULL"
    if connection.execute(live, (repository_id,)).fetchone() is not None:
        raise RepositoryExists(f"repository {repository_id} exists")


def _owner_key(connection: sqlite3.Connection, name: str) -> int:
    connection.execute("INSERT INTO owner (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
    key: int = connection.execute("SELECT key FROM owner WHERE name = ?", (name,)).fetchone()[0]
    return key


def _insert(connection: sqlite3.Connection, new: NewRepository, owner: int | None, source: int | None) -> int:
    key: int = connection.execute(
        """
        INSERT INTO repository (id, owner, source, created_at_s, read_only, description, is_public, rules)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING key
        """,
        (
            new.id,
            owner,
            source,
            new.created_at_s,
            int(new.read_only),
            new.description,
            int(new.is_public),
            encoded_rules(new.rules),
        ),
    ).fetchone()[0]
    return key


def update_repository(
    connection: sqlite3.Connection,
    repository_id: str,
    first_version: int | None,
    changes: dict[str, str | int | None],
) -> RepositoryRecord:
    """Set columns. Raises RepositoryMissing."""
    key = same_key(connection, repository_id, first_version)
    for column, value in changes.items():
        connection.execute(f"UPDATE repository SET {column} = ? WHERE key = ?", (value, key))  # noqa: S608 - ours
    return _by_key(connection, key)


def find_deleted(connection: sqlite3.Connection, repository_id: str, not_before_s: int) -> RepositoryRecord | None:
    """The record of the newest tombstone of that id that can come to life."""
    found = connection.execute(_TOMBSTONE, (repository_id,)).fetchone()
    if found is None or found[1] < not_before_s or not found[2]:
        return None
    return _record(connection.execute(f"{_ANY_RECORD} WHERE r.key = ?", found[:1]).fetchone())


def undelete_repository(
    connection: sqlite3.Connection,
    repository_id: str,
    not_before_s: int,
    first_version: int | None,
    token: NewToken | None,
    quota: OwnerQuota,
) -> RepositoryRecord:
    """Make the newest tombstone of that id a live repository. Raises RepositoryExists, RepositoryMissing.

    The version that the deletion moved on to stays, and what counts as the first one moves along: so the number of its
    own publishes is right, and what was computed before the deletion matches no more.
    """
    _refuse_live(connection, repository_id)
    found = find_deleted(connection, repository_id, not_before_s)
    if found is None or first_version not in (None, found.first_version):
        raise RepositoryMissing(f"no repository {repository_id} that was deleted lately")
    key = connection.execute(_TOMBSTONE, (repository_id,)).fetchone()[0]
    connection.execute("UPDATE repository SET deleted_at_s = NULL, id_free_at_s = NULL WHERE key = ?", (key,))
    connection.execute("UPDATE pointer SET first_version = first_version + 1 WHERE repository = ?", (key,))
    if token is not None:
        insert_token(connection, key, token)
    record = _by_key(connection, key)
    if record.owner is not None:
        check_owner(connection, record.owner, quota)
    return record


def delete_repositories(
    connection: sqlite3.Connection,
    repository_ids: Sequence[str],
    first_versions: Mapping[str, int],
    deleted_at_s: int,
    id_free_at_s: int,
) -> None:
    """Turn live repositories into tombstones. Raises RepositoryMissing.

    The pointer keeps its manifest and gets a new version: a publish that was computed before can never match again.
    """
    for repository_id in repository_ids:
        key = same_key(connection, repository_id, first_versions.get(repository_id))
        connection.execute(
            "UPDATE repository SET deleted_at_s = ?, id_free_at_s = ? WHERE key = ?", (deleted_at_s, id_free_at_s, key)
        )
        connection.execute("UPDATE pointer SET version = version + 1 WHERE repository = ?", (key,))
        connection.execute("DELETE FROM token WHERE repository = ?", (key,))


def give_up_tombstones(connection: sqlite3.Connection, deleted_before_s: int) -> int:
    """Let go of the manifests of repositories that were deleted before."""
    return connection.execute(
        """
        UPDATE pointer SET manifest = NULL
        WHERE manifest IS NOT NULL AND repository IN (SELECT key FROM repository WHERE deleted_at_s < ?)
        """,
        (deleted_before_s,),
    ).rowcount


def find_repository(connection: sqlite3.Connection, repository_id: str) -> RepositoryRecord | None:
    """The record of a live repository."""
    row = connection.execute(f"{_RECORD} AND r.id = ?", (repository_id,)).fetchone()
    return None if row is None else _record(row)


def find_current(connection: sqlite3.Connection, repository_id: str) -> tuple[RepositoryRecord, Pointer]:
    """The record and the pointer of a live repository. Raises RepositoryMissing."""
    row = connection.execute(_CURRENT, (repository_id,)).fetchone()
    if row is None:
        raise RepositoryMissing(f"no repository {repository_id}")
    return _record(row[2:]), Pointer(*row[:2])


def list_repositories(
    connection: sqlite3.Connection,
    limit: int,
    offset: int,
    owner: str | None,
    search: str | None,
    before: RepositoryPlace | None,
) -> tuple[list[RepositoryRecord], int]:
    """A page, newest first, and the total, both of one snapshot. Keys are in the order of creation: no sorting."""
    chosen = ("" if owner is None else _OWNED) + ("" if search is None else _FOUND)
    older = "" if before is None else "AND r.key < :before"
    names = {"owner": owner, "limit": limit, "offset": offset, "search": _like(search)}
    connection.execute("BEGIN")
    if before is not None:
        names["before"] = _place_key(connection, before)
    page = connection.execute(
        f"{_RECORD} {chosen} {older} ORDER BY r.key DESC LIMIT :limit OFFSET :offset", names
    ).fetchall()
    total: int = connection.execute(f"{_COUNT} {chosen}", names).fetchone()[0]
    return [_record(row) for row in page], total


def _like(search: str | None) -> str | None:
    """A pattern for what has the text in it, whatever characters are special in patterns."""
    if search is None:
        return None
    return f"%{search.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"


def _place_key(connection: sqlite3.Connection, place: RepositoryPlace) -> int:
    """The key of a repository, live or dead. Raises RepositoryMissing."""
    row = connection.execute(_PLACE, {"id": place.id, "first_version": place.first_version}).fetchone()
    if row is None:
        raise RepositoryMissing(f"no repository {place.id} was ever listed")
    key: int = row[0]
    return key


def live_forks(connection: sqlite3.Connection, repository_id: str) -> list[str]:
    """Ids of the live direct forks, oldest first; none if the repository is not live."""
    return [fork_id for (fork_id,) in connection.execute(_FORKS, (repository_id,))]


def encoded_rules(rules: tuple[RefRule, ...]) -> str | None:
    """As they are stored."""
    return msgspec.json.encode(rules).decode() if rules else None


def _by_key(connection: sqlite3.Connection, key: int) -> RepositoryRecord:
    return _record(connection.execute(f"{_RECORD} AND r.key = ?", (key,)).fetchone())


def _record(row: _Row) -> RepositoryRecord:
    repository_id, owner, created_at_s, source_id, read_only, first_version, description, is_public, rules = row
    return RepositoryRecord(
        repository_id,
        owner,
        created_at_s,
        source_id,
        bool(read_only),
        first_version,
        description,
        bool(is_public),
        () if rules is None else msgspec.json.decode(rules, type=tuple[RefRule, ...]),
    )
