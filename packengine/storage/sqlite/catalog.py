"""The embedded catalog: one SQLite file, shared by the threads and processes of a node. Its format: docs/storage.md."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from packengine.storage._keys import SECRET_BYTES
from packengine.storage.ports import (
    Committed,
    Digest,
    NewRepository,
    NewToken,
    Pointer,
    Publish,
    RepositoryRecord,
    Row,
    RowKind,
    Superseded,
    TokenRecord,
)
from packengine.storage.sqlite import _content, _pointers, _repositories, _secret, _tokens
from packengine.storage.sqlite._change_watch import ChangeWatch
from packengine.storage.sqlite._group_writer import GroupWriter, WriteStats
from packengine.storage.sqlite._readers import ReaderPool


class SqliteCatalog:
    """A Catalog in a file on a local disk. Reads run on connections of their own and never wait for a write.

    path: of the file; its directory exists. Beside it lie SQLite's `-wal` and `-shm`, and our `-lock` and `-turn`.
    wait_s: how long a write waits for its turn before CatalogBusy.
    reuse_after_s: how long the id of a deleted repository stays taken.
    Open it after forking, never before.
    """

    def __init__(self, path: Path, *, wait_s: float = 5.0, reuse_after_s: int = 0) -> None:
        self._reuse_after_s = reuse_after_s
        self._writer = GroupWriter(path, wait_s=wait_s)
        self._readers = ReaderPool(path)
        self._changes = ChangeWatch(path)

    def create_repositories(self, repositories: Sequence[NewRepository], rows: Sequence[Row] = ()) -> None:
        """Create all, or none. Raises RepositoryExists, RepositoryMissing (of a source), RowMissing (of a manifest)."""
        for row in rows:
            _content.check_row(row)
        self._writer.run(partial(_repositories.create_repositories, repositories=repositories, rows=rows))

    def repository(self, repository_id: str) -> RepositoryRecord | None:
        """The record of a live repository."""
        with self._readers.connection() as connection:
            return _repositories.find_repository(connection, repository_id)

    def repositories(
        self, *, limit: int, offset: int = 0, owner: str | None = None
    ) -> tuple[Sequence[RepositoryRecord], int]:
        """A page, newest first, and how many there are in all."""
        with self._readers.connection() as connection:
            return _repositories.list_repositories(connection, limit, offset, owner)

    def live_forks(self, repository_id: str) -> Sequence[str]:
        """Ids of the live direct forks, oldest first."""
        with self._readers.connection() as connection:
            return _repositories.live_forks(connection, repository_id)

    def delete_repositories(self, repository_ids: Sequence[str], deleted_at_s: int) -> None:
        """Turn the pointers into tombstones, all or none. Raises RepositoryMissing. Tokens die with them."""
        self._writer.run(
            partial(
                _repositories.delete_repositories,
                repository_ids=repository_ids,
                deleted_at_s=deleted_at_s,
                id_free_at_s=deleted_at_s + self._reuse_after_s,
            )
        )

    def pointer(self, repository_id: str) -> Pointer:
        """The pointer as of now. Raises RepositoryMissing."""
        with self._readers.connection() as connection:
            return _pointers.read_pointer(connection, repository_id)

    def publish(self, publish: Publish) -> Committed | Superseded:
        """Compare-and-swap the pointer, in a transaction that is shared with whoever publishes at the same time."""
        for row in publish.rows:
            _content.check_row(row)
        return self._writer.run(partial(_pointers.publish, request=publish))

    def row(self, kind: RowKind, digest: Digest) -> bytes:
        """A stored row's bytes, verified. Raises RowMissing, CorruptBlob."""
        with self._readers.connection() as connection:
            return _content.load_row(connection, kind, digest)

    def has_row(self, kind: RowKind, digest: Digest) -> bool:
        """Whether the row is stored."""
        with self._readers.connection() as connection:
            return _content.has_row(connection, kind, digest)

    def mint_token(self, repository_id: str, token: NewToken) -> None:
        """Raises RepositoryMissing, and StorageError if a token of that hash exists."""
        self._writer.run(
            lambda connection: _tokens.insert_token(
                connection, _repositories.live_key(connection, repository_id), token
            )
        )

    def token(self, token_hash: Digest) -> TokenRecord | None:
        """Any token of that hash whose repository lives."""
        with self._readers.connection() as connection:
            return _tokens.find_token(connection, token_hash)

    def tokens(self, repository_id: str, now_s: int) -> Sequence[TokenRecord]:
        """The live ones of a repository, newest first. Raises RepositoryMissing."""
        with self._readers.connection() as connection:
            return _tokens.live_tokens(connection, _repositories.live_key(connection, repository_id), now_s)

    def revoke_token(self, token_hash: Digest, revoked_at_s: int) -> bool:
        """Whether there was a live one to revoke."""
        return self._writer.run(partial(_tokens.revoke_token, token_hash=token_hash, revoked_at_s=revoked_at_s))

    def change_mark(self) -> int | None:
        """Another one after each commit to the file. None while it cannot be read at once."""
        return self._changes.mark()

    def secret(self) -> bytes:
        """The store's secret, made and kept for ever by whoever asks first."""
        with self._readers.connection() as connection:
            known = _secret.find_secret(connection)
        return known or self._writer.run(partial(_secret.ensure_secret, fresh=secrets.token_bytes(SECRET_BYTES)))

    def probe_write(self) -> None:
        """Take and give back the writer; raises CatalogBusy or StorageError."""
        self._writer.probe()

    def stats(self) -> WriteStats:
        """What this process wrote: group sizes, and the time it waited for other processes."""
        return self._writer.stats

    def close(self) -> None:
        """Finish the writes that are queued and close the file. Idempotent."""
        self._changes.close()
        self._readers.close()
        self._writer.close()
