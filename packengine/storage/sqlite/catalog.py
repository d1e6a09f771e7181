"""The embedded catalog: one SQLite file, shared by the threads and processes of a node. Its format: docs/storage.md."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from packengine.refs.rules import RefRule
from packengine.storage._keys import SECRET_BYTES
from packengine.storage.ports import (
    NO_QUOTA,
    BlobKey,
    CatalogTotals,
    Committed,
    Condemned,
    Digest,
    LeaseRecord,
    NewRepository,
    NewToken,
    OwnerQuota,
    OwnerUsage,
    Pointer,
    PointerUse,
    Publish,
    ReaderRecord,
    RepositoryPlace,
    RepositoryRecord,
    Row,
    RowKey,
    RowKind,
    ServerKey,
    Superseded,
    TokenRecord,
)
from packengine.storage.sqlite import (
    _condemned,
    _content,
    _leases,
    _open_readers,
    _owners,
    _pointers,
    _repositories,
    _secret,
    _server_keys,
    _tokens,
    _totals,
)
from packengine.storage.sqlite._change_watch import ChangeWatch
from packengine.storage.sqlite._group_writer import GroupWriter, WriteStats
from packengine.storage.sqlite._job_calls import JobCalls
from packengine.storage.sqlite._publish_queue import PublishQueue
from packengine.storage.sqlite._readers import ReaderPool


class SqliteCatalog(JobCalls):
    """A Catalog in a file on a local disk. Reads run on connections of their own and never wait for a write.

    path: of the file, in a folder that exists. Beside it: SQLite's `-wal` and `-shm`; our `-lock`, `-turn`, `-queue`.
    wait_s: how long a write waits for its turn before CatalogBusy.
    reuse_after_s: how long the id of a deleted repository is kept for its owner, who may bring it back or use it anew.
    Open it after forking, never before.
    """

    def __init__(self, path: Path, *, wait_s: float = 5.0, reuse_after_s: int = 0) -> None:
        self._reuse_after_s = reuse_after_s
        self._writer = GroupWriter(path, wait_s=wait_s)
        self._readers = ReaderPool(path)
        self._queue = PublishQueue(path)
        self._changes = ChangeWatch(path)

    def create_repositories(
        self, repositories: Sequence[NewRepository], rows: Sequence[Row] = (), *, quota: OwnerQuota = NO_QUOTA
    ) -> None:
        """Create all, or none. Raises RepositoryExists, RepositoryMissing (a source), RowMissing, CondemnedBlob,
        QuotaExceeded, OwnerBytesExceeded.
        """
        for row in rows:
            _content.check_row(row)
        self._writer.run(partial(_repositories.create_repositories, repositories=repositories, rows=rows, quota=quota))

    def repository(self, repository_id: str) -> RepositoryRecord | None:
        """The record of a live repository."""
        with self._readers.connection() as connection:
            return _repositories.find_repository(connection, repository_id)

    def repositories(
        self,
        *,
        limit: int,
        offset: int = 0,
        owner: str | None = None,
        search: str | None = None,
        before: RepositoryPlace | None = None,
    ) -> tuple[Sequence[RepositoryRecord], int]:
        """A page, newest first, and how many there are in all."""
        with self._readers.connection() as connection:
            return _repositories.list_repositories(connection, limit, offset, owner, search, before)

    def update_repository(
        self,
        repository_id: str,
        *,
        description: str | None = None,
        read_only: bool | None = None,
        is_public: bool | None = None,
        rules: tuple[RefRule, ...] | None = None,
        first_version: int | None = None,
    ) -> RepositoryRecord:
        """Set what is not None. Raises RepositoryMissing."""
        changes: dict[str, str | int | None] = {}
        if description is not None:
            changes["description"] = description
        if read_only is not None:
            changes["read_only"] = int(read_only)
        if is_public is not None:
            changes["is_public"] = int(is_public)
        if rules is not None:
            changes["rules"] = _repositories.encoded_rules(rules)
        return self._writer.run(
            partial(
                _repositories.update_repository,
                repository_id=repository_id,
                first_version=first_version,
                changes=changes,
            )
        )

    def deleted_repository(self, repository_id: str, *, not_before_s: int) -> RepositoryRecord | None:
        """What `undelete_repository` would bring back."""
        with self._readers.connection() as connection:
            return _repositories.find_deleted(connection, repository_id, not_before_s)

    def undelete_repository(
        self,
        repository_id: str,
        *,
        not_before_s: int,
        first_version: int | None = None,
        token: NewToken | None = None,
        quota: OwnerQuota = NO_QUOTA,
    ) -> RepositoryRecord:
        """Bring back what was deleted last. Raises RepositoryMissing, RepositoryExists, and as a creation would."""
        return self._writer.run(
            partial(
                _repositories.undelete_repository,
                repository_id=repository_id,
                not_before_s=not_before_s,
                first_version=first_version,
                token=token,
                quota=quota,
            )
        )

    def owner_usage(self, owner: str) -> OwnerUsage:
        """What an owner has."""
        with self._readers.connection() as connection:
            return _owners.owner_usage(connection, owner)

    def totals(self, now_s: int) -> CatalogTotals:
        """What is live in all."""
        with self._readers.connection() as connection:
            return _totals.totals(connection, now_s)

    def live_forks(self, repository_id: str) -> Sequence[str]:
        """Ids of the live direct forks, oldest first."""
        with self._readers.connection() as connection:
            return _repositories.live_forks(connection, repository_id)

    def delete_repositories(
        self, repository_ids: Sequence[str], deleted_at_s: int, *, first_versions: Mapping[str, int] | None = None
    ) -> None:
        """Turn the pointers into tombstones, all or none. Raises RepositoryMissing. Tokens die with them."""
        self._writer.run(
            partial(
                _repositories.delete_repositories,
                repository_ids=repository_ids,
                first_versions=first_versions or {},
                deleted_at_s=deleted_at_s,
                id_free_at_s=deleted_at_s + self._reuse_after_s,
            )
        )

    def pointer(self, repository_id: str) -> Pointer:
        """The pointer as of now. Raises RepositoryMissing."""
        with self._readers.connection() as connection:
            return _pointers.read_pointer(connection, repository_id)

    def current(self, repository_id: str) -> tuple[RepositoryRecord, Pointer]:
        """The record and the pointer, both as of one moment. Raises RepositoryMissing."""
        with self._readers.connection() as connection:
            return _repositories.find_current(connection, repository_id)

    def publish(self, publish: Publish) -> Committed | Superseded:
        """Compare-and-swap the pointer, in a transaction that is shared with whoever publishes at the same time."""
        for row in publish.rows:
            _content.check_row(row)
        return self._writer.run(partial(_pointers.publish, request=publish))

    def publishing_turn(self, repository_id: str) -> AbstractContextManager[None]:
        """Other processes hold back from publishing to that repository, for a moment."""
        return self._queue.turn(repository_id)

    def row(self, kind: RowKind, digest: Digest) -> bytes:
        """A stored row's bytes, verified. Raises RowMissing, CorruptBlob."""
        with self._readers.connection() as connection:
            return _content.load_row(connection, kind, digest)

    def has_row(self, kind: RowKind, digest: Digest) -> bool:
        """Whether the row is stored."""
        with self._readers.connection() as connection:
            return _content.has_row(connection, kind, digest)

    def mint_token(self, repository_id: str, token: NewToken, *, first_version: int | None = None) -> None:
        """Raises RepositoryMissing, and StorageError if a token of that hash exists."""
        self._writer.run(
            lambda connection: _tokens.insert_token(
                connection, _repositories.same_key(connection, repository_id, first_version), token
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

    def rotate_tokens(
        self, repository_id: str, token: NewToken, now_s: int, *, first_version: int | None = None
    ) -> int:
        """Revoke all live tokens of a repository and mint one. Returns how many were revoked."""
        return self._writer.run(
            lambda connection: _tokens.rotate_tokens(
                connection, _repositories.same_key(connection, repository_id, first_version), token, now_s
            )
        )

    def server_key(self, name: str) -> ServerKey | None:
        """What was set last under that name."""
        with self._readers.connection() as connection:
            return _server_keys.find_key(connection, name)

    def set_server_key(self, name: str, key: ServerKey) -> None:
        """Keep it in the place of what was there."""
        self._writer.run(partial(_server_keys.set_key, name=name, key=key))

    def take_lease(self, name: str, holder: str, *, now_ms: int, ttl_ms: int) -> bool:
        """Take or renew a lease. False: somebody else holds it."""
        return self._writer.run(partial(_leases.take_lease, name=name, holder=holder, now_ms=now_ms, ttl_ms=ttl_ms))

    def release_lease(self, name: str, holder: str) -> None:
        """Give it back, if it is still this holder's."""
        self._writer.run(partial(_leases.release_lease, name=name, holder=holder))

    def lease_holder(self, name: str) -> LeaseRecord | None:
        """Who took it last and did not give it back."""
        with self._readers.connection() as connection:
            return _leases.find_lease(connection, name)

    def add_reader(self, reader_id: str, *, oldest_open_ms: int, now_ms: int, ttl_ms: int) -> None:
        """Announce a process that will read."""
        self._writer.run(
            partial(
                _open_readers.add_reader,
                reader_id=reader_id,
                oldest_open_ms=oldest_open_ms,
                now_ms=now_ms,
                ttl_ms=ttl_ms,
            )
        )

    def renew_reader(self, reader_id: str, *, oldest_open_ms: int, now_ms: int, ttl_ms: int) -> bool:
        """Say that one is there still. False: it was taken out."""
        return self._writer.run(
            partial(
                _open_readers.renew_reader,
                reader_id=reader_id,
                oldest_open_ms=oldest_open_ms,
                now_ms=now_ms,
                ttl_ms=ttl_ms,
            )
        )

    def remove_reader(self, reader_id: str) -> None:
        """It reads no more."""
        self._writer.run(partial(_open_readers.remove_reader, reader_id=reader_id))

    def readers(self) -> Sequence[ReaderRecord]:
        """All that were not taken out, the one that holds collection up first."""
        with self._readers.connection() as connection:
            return _open_readers.list_readers(connection)

    def expire_readers(self, now_ms: int) -> int:
        """Take out those whose time is over."""
        return self._writer.run(partial(_open_readers.expire_readers, now_ms=now_ms))

    def next_generation(self, digest: Digest) -> int:
        """The generation in which a blob of that digest may be stored and named now."""
        with self._readers.connection() as connection:
            return _condemned.next_generation(connection, digest)

    def begin_mark(self, *, kept_since_ms: int = 0) -> int:
        """Begin to find out what is named."""
        return self._writer.run(partial(_condemned.begin_mark, kept_since_ms=kept_since_ms))

    def kept_since_ms(self) -> int:
        """States that were replaced before may have been collected."""
        with self._readers.connection() as connection:
            return _condemned.kept_since_ms(connection)

    def end_mark(self, mark: int) -> None:
        """Nothing more is to be condemned by it."""
        self._writer.run(partial(_condemned.end_mark, mark=mark))

    def pointer_uses(self) -> Sequence[PointerUse]:
        """What pointers name, as of one moment."""
        with self._readers.connection() as connection:
            return _pointers.pointer_uses(connection)

    def row_keys(self, *, after: RowKey | None, limit: int) -> Sequence[RowKey]:
        """A page of the names of content rows."""
        with self._readers.connection() as connection:
            return _condemned.list_rows(connection, after, limit)

    def condemn(self, mark: int, rows: Sequence[RowKey], blobs: Sequence[BlobKey], *, now_ms: int) -> int:
        """Condemn what the mark found unnamed, but for what was named meanwhile."""
        return self._writer.run(partial(_condemned.condemn, mark=mark, rows=rows, blobs=blobs, now_ms=now_ms))

    def condemned(self, *, before_ms: int, limit: int) -> Condemned:
        """What was condemned before that time."""
        with self._readers.connection() as connection:
            return _condemned.find_condemned(connection, before_ms, limit)

    def delete_rows(self, rows: Sequence[RowKey], *, before_ms: int) -> int:
        """Delete those that are condemned since before that time still."""
        return self._writer.run(partial(_condemned.delete_rows, rows=rows, before_ms=before_ms))

    def pardon(self, rows: Sequence[RowKey]) -> None:
        """Condemn these no more."""
        self._writer.run(partial(_condemned.pardon, rows=rows))

    def forget(self, blobs: Sequence[BlobKey]) -> None:
        """The blobs are deleted."""
        self._writer.run(partial(_condemned.forget, blobs=blobs))

    def give_up_tombstones(self, deleted_before_s: int) -> int:
        """Let go of the manifests of repositories that were deleted before that time."""
        return self._writer.run(partial(_repositories.give_up_tombstones, deleted_before_s=deleted_before_s))

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
        self._queue.close()
