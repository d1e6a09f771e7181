"""The two ports of storage: what the engine asks of a blob store and of a catalog.

Both are synchronous and may be called from any thread; the server calls them in worker threads. Every implementation,
and every fake, passes the suites in `tests/conformance/`.

- A **BlobStore** keeps immutable bytes under their SHA-256 (design, law 2).
- A **Catalog** keeps what must change together: repositories, pointers, tokens, and the *tail*: manifests, ref blocks
  and small packs as rows that are written in the transaction that moves the pointer (design, section 3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Protocol

Digest = bytes
"""32 bytes: the SHA-256 of the content it names."""


class StorageError(Exception):
    """The store cannot do what was asked; nothing changed. The message says what and where.

    One exception: a commit that fails on a failing disk may still be found made after a power loss. Read again to know.
    """


class BlobMissing(StorageError):
    """No blob of this digest is stored."""


class RowMissing(StorageError):
    """No row of this digest is stored."""


class CorruptBlob(StorageError):
    """Stored bytes do not hash to their name."""


class RepositoryExists(StorageError):
    """A live repository has this id already, or a deleted one keeps it for a while."""


class RepositoryMissing(StorageError):
    """No live repository has this id."""


class CatalogBusy(StorageError):
    """The catalog's writer is held by somebody else for too long; try again."""


class BlobStore(Protocol):
    """Immutable, content-addressed, create-only."""

    def put_file(self, path: Path, digest: Digest) -> None:
        """Make the file's bytes durable under `digest`. The file may be moved away: the caller gives it up.

        The caller has computed the digest and syncs nothing. Storing what is stored already is success, and mends a
        stored blob of the wrong length. Durable on return (power loss). Raises CorruptBlob for bytes that are not the
        digest's, where that shows.
        """

    def put_bytes(self, data: bytes) -> Digest:
        """Make `data` durable. Returns its digest."""

    def open(self, digest: Digest) -> BinaryIO:
        """A seekable reader. Raises BlobMissing."""

    def local_path(self, digest: Digest) -> Path:
        """A local file with exactly these bytes, for mapping into memory. Raises BlobMissing."""

    def contains(self, digest: Digest) -> bool: ...

    def size_bytes(self, digest: Digest) -> int:
        """Raises BlobMissing."""

    def delete(self, digest: Digest) -> None:
        """Remove the blob; its absence is success. Readers that have it open are not disturbed."""

    def digests(self) -> Iterator[Digest]:
        """Every stored blob, in no order; for maintenance only."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """The one mutable thing of a repository (design, law 3)."""

    version: int
    """Grows by 1 with each publish and with the deletion, and goes on from there if the id is used again, else from 1.

    So a version never comes twice under one id, and no publish can hit a successor of the repository it was made for.
    """

    manifest: Digest


@dataclass(frozen=True, slots=True)
class RepositoryRecord:
    """A repository as the catalog lists it."""

    id: str
    owner: str | None
    created_at_s: int
    source_id: str | None
    """The id of the repository it was forked from, as long as that is live."""

    read_only: bool
    first_version: int
    """The version its pointer was created with: more than 1 where it continues those of a deleted repository."""


@dataclass(frozen=True, slots=True)
class NewRepository:
    """A repository to be created: with the manifest it starts from, and perhaps its first token."""

    id: str
    owner: str | None
    created_at_s: int
    manifest: Digest
    source_id: str | None = None
    read_only: bool = False
    token: NewToken | None = None


class TokenScope(Enum):
    """What a repository token may do over Git."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to be minted; only its hash is kept."""

    token_hash: Digest
    scope: TokenScope
    created_at_s: int
    expires_at_s: int | None = None
    subject: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A stored token."""

    token_hash: Digest
    repository_id: str
    scope: TokenScope
    created_at_s: int
    expires_at_s: int | None
    revoked_at_s: int | None
    subject: str | None
    label: str | None


class RowKind(Enum):
    """What a content row holds."""

    MANIFEST = "manifest"
    REF_BLOCK = "ref-block"
    PACK = "pack"
    PACK_INDEX = "pack-index"
    """The idx of a tail pack. Derived; named by the digest of the *pack*."""


@dataclass(frozen=True, slots=True)
class Row:
    """Content to be stored as catalog row, named by digest. A row that is stored already is left as it is.

    At most 2,000,000 bytes: StorageError beyond. The catalog checks the digest where it is the data's: CorruptBlob.
    """

    kind: RowKind
    digest: Digest
    data: bytes


@dataclass(frozen=True, slots=True)
class Publish:
    """Move a repository's pointer from the manifest the new one was derived from (design, law 5)."""

    repository_id: str
    expected: Pointer
    manifest: Digest
    rows: Sequence[Row]
    """The new manifest's bytes, its new ref blocks and its new tail packs: stored in the same transaction."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A publish whose transaction is durable. Only a catalog makes one (design, law 4)."""

    repository_id: str
    pointer: Pointer


@dataclass(frozen=True, slots=True)
class Superseded:
    """Another publish came first; nothing was stored. `current` is what to compute from now."""

    repository_id: str
    current: Pointer


class Catalog(Protocol):
    """Transactional; every write is durable (power loss) before it returns."""

    def create_repositories(self, repositories: Sequence[NewRepository], rows: Sequence[Row] = ()) -> None:
        """Create all of them, or none, as they are listed: a source may be created in the same call before its forks.

        Raises RepositoryExists, RepositoryMissing (no such live source) or RowMissing (no such manifest).
        """

    def repository(self, repository_id: str) -> RepositoryRecord | None: ...

    def repositories(
        self, *, limit: int, offset: int = 0, owner: str | None = None
    ) -> tuple[Sequence[RepositoryRecord], int]:
        """A page, newest first, and how many there are in all."""

    def live_forks(self, repository_id: str) -> Sequence[str]:
        """Ids of the live repositories that were forked directly from this live one, oldest first."""

    def delete_repositories(self, repository_ids: Sequence[str], deleted_at_s: int) -> None:
        """Turn the pointers into tombstones, all or none. Raises RepositoryMissing. Tokens die with them."""

    def pointer(self, repository_id: str) -> Pointer:
        """The pointer as of now. Raises RepositoryMissing."""

    def publish(self, publish: Publish) -> Committed | Superseded:
        """Compare-and-swap the pointer. Raises RepositoryMissing; CatalogBusy; RowMissing if the manifest is absent.

        Calls that come at the same time, for whatever repositories, may share a transaction; each gets its own verdict.
        """

    def row(self, kind: RowKind, digest: Digest) -> bytes:
        """A stored row's bytes, verified against the digest where it is theirs. Raises RowMissing, CorruptBlob."""

    def has_row(self, kind: RowKind, digest: Digest) -> bool: ...

    def mint_token(self, repository_id: str, token: NewToken) -> None:
        """Raises RepositoryMissing, and StorageError if a token of that hash exists."""

    def token(self, token_hash: Digest) -> TokenRecord | None:
        """Any token of that hash whose repository lives: the caller judges expiry and revocation."""

    def tokens(self, repository_id: str, now_s: int) -> Sequence[TokenRecord]:
        """The live ones of a repository, newest first. Raises RepositoryMissing."""

    def revoke_token(self, token_hash: Digest, revoked_at_s: int) -> bool:
        """Whether there was a live one to revoke."""

    def change_mark(self) -> int | None:
        """Equal marks of one Catalog object: nothing was committed between, by whatever process, its own included.

        So what was read after a mark holds for as long as the mark does. None: it cannot be told now. Never waits, and
        costs microseconds: it may be called where nothing may wait.
        """

    def secret(self) -> bytes:
        """32 random bytes, made once for a store: the same for every process, for ever.

        Nobody uses them as they are: see `derive_key`.
        """

    def probe_write(self) -> None:
        """Take and give back the writer; raises CatalogBusy or StorageError."""

    def close(self) -> None: ...
