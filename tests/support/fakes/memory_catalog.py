"""A Catalog in dictionaries: the port's rules with nothing to make them fast or durable."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from threading import RLock

from packengine.refs.rules import RefRule
from packengine.storage.ports import (
    NO_QUOTA,
    BlobKey,
    CatalogTotals,
    Committed,
    Condemned,
    CondemnedRow,
    CorruptBlob,
    Digest,
    NewRepository,
    NewToken,
    OwnerBytesExceeded,
    OwnerQuota,
    OwnerUsage,
    Pointer,
    PointerUse,
    Publish,
    QuotaExceeded,
    RepositoryExists,
    RepositoryMissing,
    RepositoryPlace,
    RepositoryRecord,
    Row,
    RowKey,
    RowKind,
    RowMissing,
    ServerKey,
    StorageError,
    Superseded,
    TokenRecord,
)
from tests.support.fakes.memory_collection import Condemnations, MemoryLeases
from tests.support.fakes.memory_jobs import MemoryJobs

MAX_ROW_BYTES = 2_000_000


@dataclass
class _Repository:
    new: NewRepository
    pointer: Pointer
    source: _Repository | None
    first_version: int
    size_bytes: int = 0
    id_free_at_s: int | None = None
    deleted_at_s: int | None = None
    """Set by the deletion, both."""

    given_up: bool = False
    """Whether a deleted one let go of its manifest."""

    @property
    def live(self) -> bool:
        return self.deleted_at_s is None

    def record(self) -> RepositoryRecord:
        source_id = self.source.new.id if self.source is not None and self.source.live else None
        new = self.new
        return RepositoryRecord(
            new.id,
            new.owner,
            new.created_at_s,
            source_id,
            new.read_only,
            self.first_version,
            new.description,
            new.is_public,
            new.rules,
        )


class MemoryCatalog(MemoryJobs, MemoryLeases):
    """Everything under one lock, so every call is one transaction; a call that fails puts back what it found."""

    def __init__(self, *, reuse_after_s: int = 0) -> None:
        super().__init__()
        self._reuse_after_s = reuse_after_s
        self._condemned = Condemnations()
        self._kept_since_ms = 0
        self._lock = RLock()
        self._repositories: list[_Repository] = []
        self._rows: dict[tuple[RowKind, Digest], bytes] = {}
        self._tokens: dict[Digest, TokenRecord] = {}
        self._server_keys: dict[str, ServerKey] = {}
        self._secret = secrets.token_bytes(32)

    def create_repositories(
        self, repositories: Sequence[NewRepository], rows: Sequence[Row] = (), *, quota: OwnerQuota = NO_QUOTA
    ) -> None:
        """Create all of them, or none."""
        with self._lock:
            before = (list(self._repositories), dict(self._rows), dict(self._tokens))
            named: list[RowKey | BlobKey] = []
            try:
                named += self._store(rows)
                for new in repositories:
                    named += self._create(new)
                self._check_owners({new.owner for new in repositories}, quota)
            except StorageError:
                self._repositories, self._rows, self._tokens = before
                raise
            self._condemned.name(named)

    def repository(self, repository_id: str) -> RepositoryRecord | None:
        """The record of a live repository."""
        with self._lock:
            found = self._find(repository_id)
            return None if found is None else found.record()

    def repositories(
        self,
        *,
        limit: int,
        offset: int = 0,
        owner: str | None = None,
        search: str | None = None,
        before: RepositoryPlace | None = None,
    ) -> tuple[Sequence[RepositoryRecord], int]:
        """A page, newest first, and the total."""
        with self._lock:
            below = len(self._repositories) if before is None else self._place(before)
            live = [(at, each.record()) for at, each in reversed(list(enumerate(self._repositories))) if each.live]
        chosen = [(at, each) for at, each in live if owner is None or each.owner == owner]
        if search is not None:
            wanted = _folded(search)
            chosen = [(at, each) for at, each in chosen if wanted in each.id or wanted in _folded(each.description)]
        return [each for at, each in chosen if at < below][offset : offset + limit], len(chosen)

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
        """Set what is not None."""
        with self._lock:
            found = self._same(repository_id, first_version)
            new = found.new
            found.new = replace(
                new,
                description=new.description if description is None else description,
                read_only=new.read_only if read_only is None else read_only,
                is_public=new.is_public if is_public is None else is_public,
                rules=new.rules if rules is None else rules,
            )
            return found.record()

    def deleted_repository(self, repository_id: str, *, not_before_s: int) -> RepositoryRecord | None:
        """The one of that id that was deleted last."""
        with self._lock:
            found = self._deleted(repository_id, not_before_s)
            return None if found is None else found.record()

    def undelete_repository(
        self,
        repository_id: str,
        *,
        not_before_s: int,
        first_version: int | None = None,
        token: NewToken | None = None,
        quota: OwnerQuota = NO_QUOTA,
    ) -> RepositoryRecord:
        """Back to life."""
        with self._lock:
            if self._find(repository_id) is not None:
                raise RepositoryExists(f"repository {repository_id} exists")
            found = self._deleted(repository_id, not_before_s)
            if found is None or first_version not in (None, found.first_version):
                raise RepositoryMissing(f"no repository {repository_id} that was deleted lately")
            before = replace(found)
            found.deleted_at_s = found.id_free_at_s = None
            found.first_version += 1
            try:
                self._check_owners({found.new.owner}, quota)
                if token is not None:
                    self._mint(repository_id, token)
            except StorageError:
                found.deleted_at_s, found.id_free_at_s = before.deleted_at_s, before.id_free_at_s
                found.first_version = before.first_version
                raise
            return found.record()

    def owner_usage(self, owner: str) -> OwnerUsage:
        """What is live."""
        with self._lock:
            sizes = [each.size_bytes for each in self._repositories if each.live and each.new.owner == owner]
            return OwnerUsage(len(sizes), sum(sizes))

    def totals(self, now_s: int) -> CatalogTotals:
        """What is live in all."""
        with self._lock:
            tokens = sum(_live(token, now_s) for token in self._tokens.values())
            return CatalogTotals(sum(each.live for each in self._repositories), tokens)

    def live_forks(self, repository_id: str) -> Sequence[str]:
        """Live direct forks, oldest first."""
        with self._lock:
            source = self._find(repository_id)
            forks = [each for each in self._repositories if each.live and each.source is source is not None]
            return [fork.new.id for fork in forks]

    def delete_repositories(
        self, repository_ids: Sequence[str], deleted_at_s: int, *, first_versions: Mapping[str, int] | None = None
    ) -> None:
        """Turn the pointers into tombstones, all or none."""
        with self._lock:
            if len(set(repository_ids)) != len(repository_ids):
                raise RepositoryMissing("a repository can be deleted only once")
            own = first_versions or {}
            doomed = [self._same(repository_id, own.get(repository_id)) for repository_id in repository_ids]
            for each in doomed:
                each.pointer = replace(each.pointer, version=each.pointer.version + 1)
                each.deleted_at_s = deleted_at_s
                each.id_free_at_s = deleted_at_s + self._reuse_after_s
            dead = set(repository_ids)
            self._tokens = {key: token for key, token in self._tokens.items() if token.repository_id not in dead}

    def pointer(self, repository_id: str) -> Pointer:
        """The pointer as of now."""
        with self._lock:
            return self._get(repository_id).pointer

    def current(self, repository_id: str) -> tuple[RepositoryRecord, Pointer]:
        """The record and the pointer."""
        with self._lock:
            found = self._get(repository_id)
            return found.record(), found.pointer

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
            self._condemned.check(publish.blobs)
            self._check_growth(repository, publish)
            again = self._store(publish.rows)
            self._condemned.name([*again, RowKey(publish.manifest, RowKind.MANIFEST), *publish.blobs])
            repository.pointer = Pointer(repository.pointer.version + publish.steps, publish.manifest)
            repository.size_bytes = publish.size_bytes
            return Committed(publish.repository_id, repository.pointer)

    def publishing_turn(self, _repository_id: str) -> AbstractContextManager[None]:
        """There is one process."""
        return nullcontext()

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

    def mint_token(self, repository_id: str, token: NewToken, *, first_version: int | None = None) -> None:
        """Keep the hash."""
        with self._lock:
            self._mint(self._same(repository_id, first_version).new.id, token)

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

    def rotate_tokens(
        self, repository_id: str, token: NewToken, now_s: int, *, first_version: int | None = None
    ) -> int:
        """Revoke what is live, mint one."""
        with self._lock:
            self._same(repository_id, first_version)
            live = self.tokens(repository_id, now_s)
            self.mint_token(repository_id, token)
            return sum(self.revoke_token(each.token_hash, now_s) for each in live)

    def server_key(self, name: str) -> ServerKey | None:
        """What was set last."""
        return self._server_keys.get(name)

    def set_server_key(self, name: str, key: ServerKey) -> None:
        """In the place of what was there."""
        self._server_keys[name] = key

    def next_generation(self, digest: Digest) -> int:
        """What is not spent yet."""
        with self._lock:
            return self._condemned.next_generation(digest)

    def begin_mark(self, *, kept_since_ms: int = 0) -> int:
        """Begin to take notes."""
        with self._lock:
            self._kept_since_ms = max(self._kept_since_ms, kept_since_ms)
            return self._condemned.begin_mark()

    def kept_since_ms(self) -> int:
        """The latest that was told."""
        return self._kept_since_ms

    def end_mark(self, mark: int) -> None:
        """Take no more."""
        with self._lock:
            self._condemned.end_mark(mark)

    def pointer_uses(self) -> Sequence[PointerUse]:
        """What pointers name."""
        with self._lock:
            counts: dict[tuple[Digest, int], int] = {}
            for each in self._repositories:
                if not each.given_up:
                    own = each.pointer.version - each.first_version - (not each.live)
                    key = (each.pointer.manifest, own)
                    counts[key] = counts.get(key, 0) + 1
        return [PointerUse(manifest, own, count) for (manifest, own), count in counts.items()]

    def row_keys(self, *, after: RowKey | None, limit: int) -> Sequence[RowKey]:
        """In the order of digests."""
        order = list(RowKind)

        def place(key: RowKey) -> tuple[Digest, int]:
            return key.digest, order.index(key.kind)

        with self._lock:
            keys = [RowKey(digest, kind) for kind, digest in self._rows if kind is not RowKind.PACK_INDEX]
        return [key for key in sorted(keys, key=place) if after is None or place(key) > place(after)][:limit]

    def condemn(self, mark: int, rows: Sequence[RowKey], blobs: Sequence[BlobKey], *, now_ms: int) -> int:
        """What nobody named meanwhile."""
        with self._lock:
            stored = [key for key in rows if (key.kind, key.digest) in self._rows]
            return self._condemned.condemn(mark, stored, blobs, now_ms)

    def condemned(self, *, before_ms: int, limit: int) -> Condemned:
        """What was condemned before."""
        with self._lock:
            rows = self._condemned.due_rows(before_ms)[:limit]
            sized = [CondemnedRow(key, len(self._rows[key.kind, key.digest])) for key in rows]
            return Condemned(sized, self._condemned.due_blobs(before_ms)[:limit])

    def delete_rows(self, rows: Sequence[RowKey], *, before_ms: int) -> int:
        """Those that are condemned still."""
        with self._lock:
            pointed_at = {each.pointer.manifest for each in self._repositories if not each.given_up}
            due = set(self._condemned.due_rows(before_ms)) & set(rows)
            doomed = {key for key in due if key.kind is not RowKind.MANIFEST or key.digest not in pointed_at}
            for key in doomed:
                del self._condemned.rows[key]
                del self._rows[key.kind, key.digest]
                if key.kind is RowKind.PACK:
                    self._rows.pop((RowKind.PACK_INDEX, key.digest), None)
            return len(doomed)

    def pardon(self, rows: Sequence[RowKey]) -> None:
        """Not any more."""
        with self._lock:
            for key in rows:
                self._condemned.rows.pop(key, None)

    def forget(self, blobs: Sequence[BlobKey]) -> None:
        """They are deleted."""
        with self._lock:
            self._condemned.forget(blobs)

    def give_up_tombstones(self, deleted_before_s: int) -> int:
        """Let go of what was deleted before."""
        with self._lock:
            doomed = [
                each
                for each in self._repositories
                if each.deleted_at_s is not None and each.deleted_at_s < deleted_before_s and not each.given_up
            ]
            for each in doomed:
                each.given_up = True
            return len(doomed)

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

    def _job_repository(self, repository_id: str, first_version: int | None = None) -> _Repository:
        return self._same(repository_id, first_version)

    def _place(self, place: RepositoryPlace) -> int:
        for at, each in enumerate(self._repositories):
            if (each.new.id, each.first_version) == (place.id, place.first_version):
                return at
        raise RepositoryMissing(f"no repository {place.id} was ever listed")

    def _check_owners(self, owners: set[str | None], quota: OwnerQuota) -> None:
        for owner in owners - {None}:
            assert owner is not None
            usage = self.owner_usage(owner)
            if 0 < quota.max_repositories < usage.repositories:
                raise QuotaExceeded(owner, quota.max_repositories)
            if 0 < quota.max_bytes < usage.size_bytes:
                raise OwnerBytesExceeded(owner, usage.size_bytes, quota.max_bytes)

    def _check_growth(self, repository: _Repository, publish: Publish) -> None:
        owner, grown = repository.new.owner, publish.size_bytes - repository.size_bytes
        if owner is None or not publish.quota.max_bytes or grown <= 0:
            return
        used = self.owner_usage(owner).size_bytes + grown
        if used > publish.quota.max_bytes:
            raise OwnerBytesExceeded(owner, used, publish.quota.max_bytes)

    def _same(self, repository_id: str, first_version: int | None) -> _Repository:
        found = self._get(repository_id)
        if first_version not in (None, found.first_version):
            raise RepositoryMissing(f"repository {repository_id} is another one")
        return found

    def _deleted(self, repository_id: str, not_before_s: int) -> _Repository | None:
        dead = [each for each in self._repositories if each.new.id == repository_id and not each.live]
        if not dead or dead[-1].given_up or (dead[-1].deleted_at_s or 0) < not_before_s:
            return None
        return dead[-1]

    def _create(self, new: NewRepository) -> list[RowKey | BlobKey]:
        """Returns what it names."""
        namesakes = [each for each in self._repositories if each.new.id == new.id]
        if any(each.live or _is_kept_from(new, each) for each in namesakes):
            raise RepositoryExists(f"repository {new.id} exists, or its id is not free yet")
        source = None if new.source_id is None else self._same(new.source_id, new.source_first_version)
        manifest = new.manifest if new.manifest is not None or source is None else source.pointer.manifest
        if manifest is None:
            raise StorageError(f"repository {new.id} has neither a manifest nor a source")
        if (RowKind.MANIFEST, manifest) not in self._rows:
            raise RowMissing(f"no manifest {manifest.hex()}")
        self._condemned.check(new.blobs)
        for row in new.rows:
            if (row.kind, row.digest) not in self._rows:
                raise RowMissing(f"no {row.kind.value} {row.digest.hex()}")
        version = max((each.pointer.version for each in namesakes), default=0) + 1
        size_bytes = source.size_bytes if new.manifest is None and source is not None else new.size_bytes
        self._repositories.append(_Repository(new, Pointer(version, manifest), source, version, size_bytes))
        if new.token is not None:
            self._mint(new.id, new.token)
        return [RowKey(manifest, RowKind.MANIFEST), *new.rows, *new.blobs]

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
            token.refs,
        )

    def _store(self, rows: Sequence[Row]) -> list[RowKey]:
        """Returns what they are called."""
        _check(rows)
        for row in rows:
            self._rows.setdefault((row.kind, row.digest), row.data)
        return [RowKey(row.digest, row.kind) for row in rows]


def _is_kept_from(new: NewRepository, dead: _Repository) -> bool:
    """Whether the id of a deleted repository is not to be had by somebody else yet."""
    is_foreign = new.owner is not None and new.owner != dead.new.owner
    return is_foreign and dead.id_free_at_s is not None and new.created_at_s < dead.id_free_at_s


def _check(rows: Sequence[Row]) -> None:
    for row in rows:
        if len(row.data) > MAX_ROW_BYTES:
            raise StorageError(f"{row.kind.value} {row.digest.hex()}: {len(row.data)} bytes, limit {MAX_ROW_BYTES}")
        if row.kind is not RowKind.PACK_INDEX and hashlib.sha256(row.data).digest() != row.digest:
            raise CorruptBlob(f"{row.kind.value} {row.digest.hex()}: the bytes do not hash to it")


def _folded(text: str) -> str:
    """ASCII letters of either case are the same."""
    return "".join(each.lower() if each.isascii() else each for each in text)


def _live(token: TokenRecord, now_s: int) -> bool:
    return token.revoked_at_s is None and (token.expires_at_s is None or token.expires_at_s > now_s)
