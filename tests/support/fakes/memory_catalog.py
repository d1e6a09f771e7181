"""A Catalog in dictionaries: the port's rules with nothing to make them fast or durable."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import RLock

from packengine.storage.ports import (
    Committed,
    CorruptBlob,
    Digest,
    NewRepository,
    NewToken,
    Pointer,
    Publish,
    RepositoryExists,
    RepositoryMissing,
    RepositoryRecord,
    Row,
    RowKind,
    RowMissing,
    StorageError,
    Superseded,
    TokenRecord,
)

MAX_ROW_BYTES = 2_000_000


@dataclass
class _Repository:
    new: NewRepository
    pointer: Pointer
    source: _Repository | None
    first_version: int
    id_free_at_s: int | None = None
    """Set by the deletion."""

    @property
    def live(self) -> bool:
        return self.id_free_at_s is None

    def record(self) -> RepositoryRecord:
        source_id = self.source.new.id if self.source is not None and self.source.live else None
        new = self.new
        return RepositoryRecord(new.id, new.owner, new.created_at_s, source_id, new.read_only, self.first_version)


class MemoryCatalog:
    """Everything under one lock, so every call is one transaction; a call that fails puts back what it found."""

    def __init__(self, *, reuse_after_s: int = 0) -> None:
        self._reuse_after_s = reuse_after_s
        self._lock = RLock()
        self._repositories: list[_Repository] = []
        self._rows: dict[tuple[RowKind, Digest], bytes] = {}
        self._tokens: dict[Digest, TokenRecord] = {}
        self._secret = secrets.token_bytes(32)

    def create_repositories(self, repositories: Sequence[NewRepository], rows: Sequence[Row] = ()) -> None:
        """Create all of them, or none."""
        with self._lock:
            before = (list(self._repositories), dict(self._rows), dict(self._tokens))
            try:
                self._store(rows)
                for new in repositories:
                    self._create(new)
            except StorageError:
                self._repositories, self._rows, self._tokens = before
                raise

    def repository(self, repository_id: str) -> RepositoryRecord | None:
        """The record of a live repository."""
        with self._lock:
            found = self._find(repository_id)
            return None if found is None else found.record()

    def repositories(
        self, *, limit: int, offset: int = 0, owner: str | None = None
    ) -> tuple[Sequence[RepositoryRecord], int]:
        """A page, newest first, and the total."""
        with self._lock:
            records = [each.record() for each in reversed(self._repositories) if each.live]
        chosen = [record for record in records if owner is None or record.owner == owner]
        return chosen[offset : offset + limit], len(chosen)

    def live_forks(self, repository_id: str) -> Sequence[str]:
        """Live direct forks, oldest first."""
        with self._lock:
            source = self._find(repository_id)
            forks = [each for each in self._repositories if each.live and each.source is source is not None]
            return [fork.new.id for fork in forks]

    def delete_repositories(self, repository_ids: Sequence[str], deleted_at_s: int) -> None:
        """Turn the pointers into tombstones, all or none."""
        with self._lock:
            if len(set(repository_ids)) != len(repository_ids):
                raise RepositoryMissing("a repository can be deleted only once")
            doomed = [self._get(repository_id) for repository_id in repository_ids]
            for each in doomed:
                each.pointer = replace(each.pointer, version=each.pointer.version + 1)
                each.id_free_at_s = deleted_at_s + self._reuse_after_s
            dead = set(repository_ids)
            self._tokens = {key: token for key, token in self._tokens.items() if token.repository_id not in dead}

    def pointer(self, repository_id: str) -> Pointer:
        """The pointer as of now."""
        with self._lock:
            return self._get(repository_id).pointer

    def publish(self, publish: Publish) -> Committed | Superseded:
        """Compare-and-swap the pointer."""
        _check(publish.rows)
        with self._lock:
            repository = self._get(publish.repository_id)
            if repository.pointer != publish.expected:
                return Superseded(publish.repository_id, repository.pointer)
            named = (RowKind.MANIFEST, publish.manifest)
            if named not in self._rows and named not in {(row.kind, row.digest) for row in publish.rows}:
                raise RowMissing(f"no manifest {publish.manifest.hex()}")
            self._store(publish.rows)
            repository.pointer = Pointer(repository.pointer.version + 1, publish.manifest)
            return Committed(publish.repository_id, repository.pointer)

    def row(self, kind: RowKind, digest: Digest) -> bytes:
        """A stored row's bytes."""
        with self._lock:
            try:
                return self._rows[kind, digest]
            except KeyError:
                raise RowMissing(f"no {kind.value} {digest.hex()}") from None

    def has_row(self, kind: RowKind, digest: Digest) -> bool:
        """Whether the row is stored."""
        with self._lock:
            return (kind, digest) in self._rows

    def mint_token(self, repository_id: str, token: NewToken) -> None:
        """Keep the hash."""
        with self._lock:
            self._mint(self._get(repository_id).new.id, token)

    def token(self, token_hash: Digest) -> TokenRecord | None:
        """Any token of that hash whose repository lives."""
        with self._lock:
            return self._tokens.get(token_hash)

    def tokens(self, repository_id: str, now_s: int) -> Sequence[TokenRecord]:
        """The live ones of a repository, newest first."""
        with self._lock:
            self._get(repository_id)
            tokens = [token for token in self._tokens.values() if token.repository_id == repository_id]
            return [token for token in reversed(tokens) if _live(token, now_s)]

    def revoke_token(self, token_hash: Digest, revoked_at_s: int) -> bool:
        """Whether there was a live one to revoke."""
        with self._lock:
            token = self._tokens.get(token_hash)
            if token is None or not _live(token, revoked_at_s):
                return False
            self._tokens[token_hash] = replace(token, revoked_at_s=revoked_at_s)
            return True

    def change_mark(self) -> int | None:
        """Nobody counts the changes here."""
        return None

    def secret(self) -> bytes:
        """Made with the catalog."""
        return self._secret

    def probe_write(self) -> None:
        """The lock is free as soon as nobody calls."""
        with self._lock:
            pass

    def close(self) -> None:
        """Nothing is open."""

    def _find(self, repository_id: str) -> _Repository | None:
        return next((each for each in self._repositories if each.live and each.new.id == repository_id), None)

    def _get(self, repository_id: str) -> _Repository:
        found = self._find(repository_id)
        if found is None:
            raise RepositoryMissing(f"no repository {repository_id}")
        return found

    def _create(self, new: NewRepository) -> None:
        namesakes = [each for each in self._repositories if each.new.id == new.id]
        if any(each.id_free_at_s is None or new.created_at_s < each.id_free_at_s for each in namesakes):
            raise RepositoryExists(f"repository {new.id} exists, or its id is not free yet")
        source = None if new.source_id is None else self._get(new.source_id)
        if (RowKind.MANIFEST, new.manifest) not in self._rows:
            raise RowMissing(f"no manifest {new.manifest.hex()}")
        version = max((each.pointer.version for each in namesakes), default=0) + 1
        self._repositories.append(_Repository(new, Pointer(version, new.manifest), source, version))
        if new.token is not None:
            self._mint(new.id, new.token)

    def _mint(self, repository_id: str, token: NewToken) -> None:
        if token.token_hash in self._tokens:
            raise StorageError(f"a token of hash {token.token_hash.hex()} exists")
        self._tokens[token.token_hash] = TokenRecord(
            token.token_hash,
            repository_id,
            token.scope,
            token.created_at_s,
            token.expires_at_s,
            None,
            token.subject,
            token.label,
        )

    def _store(self, rows: Sequence[Row]) -> None:
        _check(rows)
        for row in rows:
            self._rows.setdefault((row.kind, row.digest), row.data)


def _check(rows: Sequence[Row]) -> None:
    for row in rows:
        if len(row.data) > MAX_ROW_BYTES:
            raise StorageError(f"{row.kind.value} {row.digest.hex()}: {len(row.data)} bytes, limit {MAX_ROW_BYTES}")
        if row.kind is not RowKind.PACK_INDEX and hashlib.sha256(row.data).digest() != row.digest:
            raise CorruptBlob(f"{row.kind.value} {row.digest.hex()}: the bytes do not hash to it")


def _live(token: TokenRecord, now_s: int) -> bool:
    return token.revoked_at_s is None and (token.expires_at_s is None or token.expires_at_s > now_s)
