"""The two ports of storage: what the engine asks of a blob store and of a catalog.

Both are synchronous and may be called from any thread; the server calls them in worker threads. Every implementation,
and every fake, passes the suites in `tests/conformance/`.

- A **BlobStore** keeps immutable bytes under their SHA-256 (design, law 2).
- A **Catalog** keeps what must change together: repositories, pointers, tokens, and the *tail*: manifests, ref blocks
  and small packs as rows that are written in the transaction that moves the pointer (design, section 3).

A long file, for whoever implements a store finds all of its rules here, and nothing else; but for jobs, which are in
`job_ports`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Protocol

from packengine.refs.rules import RefRule
from packengine.storage.job_ports import Jobs

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


class JobUnderWay(StorageError):
    """A repository has work of that kind under way."""


class CondemnedBlob(StorageError):
    """A blob that is to be named is about to be deleted, or was: its bytes must be stored under a fresh generation."""


class QuotaExceeded(StorageError):
    """An owner would have more live repositories than it may."""

    def __init__(self, subject: str, limit: int) -> None:
        super().__init__(subject, limit)
        self.subject = subject
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.subject} may have {self.limit} repositories"


class OwnerBytesExceeded(StorageError):
    """The live repositories of an owner would be larger, together, than they may."""

    def __init__(self, subject: str, bytes_used: int, limit_bytes: int) -> None:
        super().__init__(subject, bytes_used, limit_bytes)
        self.subject = subject
        self.bytes_used = bytes_used
        self.limit_bytes = limit_bytes

    def __str__(self) -> str:
        return f"the repositories of {self.subject} would have {self.bytes_used} bytes, the limit is {self.limit_bytes}"


class MarkLost(StorageError):
    """Another collection has begun since: what this one found out is not to be acted on."""


@dataclass(frozen=True, slots=True, order=True)
class BlobKey:
    """The name of a stored blob: what it holds, and the how manieth copy of that it is."""

    digest: Digest
    generation: int = 0
    """Raised when the bytes come back after the copy before was condemned (design, section 3)."""


class BlobStore(Protocol):
    """Immutable, content-addressed, create-only. The same bytes may be stored in several generations, each alone."""

    def put_file(self, path: Path, digest: Digest, generation: int = 0) -> None:
        """Make the file's bytes durable under `digest`. The file may be moved away: the caller gives it up.

        The caller has computed the digest and syncs nothing. Storing what is stored already is success, and mends a
        stored blob of the wrong length. Durable on return (power loss). Raises CorruptBlob for bytes that are not the
        digest's, where that shows.
        """

    def put_bytes(self, data: bytes, generation: int = 0) -> Digest:
        """Make `data` durable. Returns its digest."""

    def open(self, digest: Digest, generation: int = 0) -> BinaryIO:
        """A seekable reader. Raises BlobMissing."""

    def local_path(self, digest: Digest, generation: int = 0) -> Path:
        """A local file with exactly these bytes, for mapping into memory. Raises BlobMissing."""

    def contains(self, digest: Digest, generation: int = 0) -> bool: ...

    def size_bytes(self, digest: Digest, generation: int = 0) -> int:
        """Raises BlobMissing."""

    def delete(self, digest: Digest, generation: int = 0) -> None:
        """Remove the blob; its absence is success. Readers that have it open are not disturbed."""

    def stored(self) -> Iterator[BlobKey]:
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
    """The version its pointer was created with: more than 1 where it continues those of a deleted repository.

    One more with each undeletion: what was begun before the deletion is not to be published after it.
    """

    description: str = ""
    is_public: bool = False
    """Whether anyone may read it."""

    rules: tuple[RefRule, ...] = ()


@dataclass(frozen=True, slots=True)
class RepositoryPlace:
    """Where a page of a list ended: it may be gone by the time that the next one is asked for."""

    id: str
    first_version: int


@dataclass(frozen=True, slots=True)
class OwnerQuota:
    """What each owner may have; 0: as much as they like. Repositories without an owner count for nobody."""

    max_repositories: int = 0
    max_bytes: int = 0
    """Of all packs of all of them, each counted as if it were alone."""


NO_QUOTA = OwnerQuota()


@dataclass(frozen=True, slots=True)
class OwnerUsage:
    """What an owner has in live repositories."""

    repositories: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class CatalogTotals:
    """What is live in a catalog."""

    repositories: int
    tokens: int


@dataclass(frozen=True, slots=True)
class NewRepository:
    """A repository to be created: with the manifest it starts from, and perhaps its first token."""

    id: str
    owner: str | None
    created_at_s: int
    manifest: Digest | None
    """None: what the source's pointer names in the moment of the creation, which no collection can have taken away."""

    source_id: str | None = None
    read_only: bool = False
    token: NewToken | None = None
    blobs: Sequence[BlobKey] = ()
    """The blobs that a manifest of its own names, if the source's newest does not."""

    rows: Sequence[RowKey] = ()
    """The rows that a manifest of its own names and that were stored before. Of several new repositories with one
    manifest, it is enough if the first names blobs and rows."""

    size_bytes: int = 0
    """Of the packs that a manifest of its own names; without one, the source's size is taken over."""

    description: str = ""
    is_public: bool = False
    rules: tuple[RefRule, ...] = ()
    source_first_version: int | None = None
    """The source's own, if it is to be no other one that has the id by now."""


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
    refs: tuple[str, ...] | None = None
    """Patterns of the refs that it may move; None: any."""


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
    refs: tuple[str, ...] | None = None


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
    """The new manifest's bytes, its new ref blocks and its new tail packs: stored in the same transaction.

    New is what the expected manifest does not name, whether it is stored already or not: it may be condemned.
    """

    blobs: Sequence[BlobKey] = ()
    """The blobs that the new manifest names and the expected one does not."""

    steps: int = 1
    """How many publishes it stands for, each derived from the one before; the manifests between are among the rows.

    The version grows by as many.
    """

    size_bytes: int = 0
    """Of the packs that the new manifest names, together."""

    quota: OwnerQuota = NO_QUOTA
    """Refused, if the repository grows, with more bytes than its owner may have."""


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


@dataclass(frozen=True, slots=True, order=True)
class RowKey:
    """The name of a content row."""

    digest: Digest
    kind: RowKind


@dataclass(frozen=True, slots=True)
class PointerUse:
    """What some pointers, of live or of deleted repositories, have in common."""

    manifest: Digest
    own_publishes: int
    """How many manifests before this one are their repository's own; those behind belong to what it was forked from."""

    repositories: int


@dataclass(frozen=True, slots=True)
class CondemnedRow:
    """A row that is to be deleted."""

    key: RowKey
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Condemned:
    """What was condemned before a time and is still there."""

    rows: Sequence[CondemnedRow]
    blobs: Sequence[BlobKey]


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """Who holds a lease, and until when unless it is renewed."""

    holder: str
    expires_at_ms: int


@dataclass(frozen=True, slots=True)
class ServerKey:
    """A credential that was rotated while the server ran."""

    value: bytes
    replaces: bytes
    """What counted before, in the form of the value: it is valid only as long as this is what is configured."""

    set_at_ms: int


@dataclass(frozen=True, slots=True)
class ReaderRecord:
    """A process that reads: it opened nothing that it still uses before `oldest_open_ms`."""

    id: str
    oldest_open_ms: int
    expires_at_ms: int


class Catalog(Jobs, Protocol):
    """Transactional; every write is durable (power loss) before it returns."""

    def create_repositories(
        self, repositories: Sequence[NewRepository], rows: Sequence[Row] = (), *, quota: OwnerQuota = NO_QUOTA
    ) -> None:
        """Create all of them, or none, as they are listed: a source may be created in the same call before its forks.

        Raises RepositoryExists, RepositoryMissing (no such live source), RowMissing (the manifest, or a row that it
        names), CondemnedBlob, and QuotaExceeded or OwnerBytesExceeded if an owner of new ones would have more
        afterwards than `quota` allows.
        """

    def repository(self, repository_id: str) -> RepositoryRecord | None: ...

    def repositories(
        self,
        *,
        limit: int,
        offset: int = 0,
        owner: str | None = None,
        search: str | None = None,
        before: RepositoryPlace | None = None,
    ) -> tuple[Sequence[RepositoryRecord], int]:
        """A page, newest first, and how many there are in all, whatever the page.

        search: those whose id or description has it in it; ASCII letters of either case are the same.
        before: only older ones than this one, which may be deleted. Raises RepositoryMissing if it never was.
        """

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
        """Set what is not None. Returns the record as it is then. Raises RepositoryMissing.

        first_version: the repository's own, if it is to be no other one that has the id by now.
        """

    def deleted_repository(self, repository_id: str, *, not_before_s: int) -> RepositoryRecord | None:
        """The repository of that id that was deleted last, if that was at `not_before_s` or later and it can come back.

        Whether or not the id is in use again.
        """

    def undelete_repository(
        self,
        repository_id: str,
        *,
        not_before_s: int,
        first_version: int | None = None,
        token: NewToken | None = None,
        quota: OwnerQuota = NO_QUOTA,
    ) -> RepositoryRecord:
        """Bring back what `deleted_repository` tells of. first_version: its own, if it is to be no other one.

        Its refs are as they were; its tokens are gone. Raises RepositoryMissing if there is none, or if its manifest
        was given up; RepositoryExists if the id is in use; QuotaExceeded, OwnerBytesExceeded.
        """

    def owner_usage(self, owner: str) -> OwnerUsage: ...

    def totals(self, now_s: int) -> CatalogTotals:
        """Cost: O(repositories + tokens), of which a million take some tenths of a second."""

    def live_forks(self, repository_id: str) -> Sequence[str]:
        """Ids of the live repositories that were forked directly from this live one, oldest first."""

    def delete_repositories(
        self, repository_ids: Sequence[str], deleted_at_s: int, *, first_versions: Mapping[str, int] | None = None
    ) -> None:
        """Turn the pointers into tombstones, all or none. Raises RepositoryMissing. Tokens die with them.

        first_versions: by id, of those that are to be no other ones that have the ids by now.
        """

    def pointer(self, repository_id: str) -> Pointer:
        """The pointer as of now. Raises RepositoryMissing."""

    def current(self, repository_id: str) -> tuple[RepositoryRecord, Pointer]:
        """The record and the pointer of a live repository, both as of one moment. Raises RepositoryMissing."""

    def publish(self, publish: Publish) -> Committed | Superseded:
        """Compare-and-swap the pointer. Raises RepositoryMissing; CatalogBusy; RowMissing if the manifest is absent.

        Raises CondemnedBlob and OwnerBytesExceeded, if the compare held. Rows that are named again are condemned no
        more. Calls that come at the same time, for whatever repositories, may share a transaction; each gets its own
        verdict.
        """

    def publishing_turn(self, repository_id: str) -> AbstractContextManager[None]:
        """In the body of the `with` other processes that ask for a turn hold back from publishing to that repository.

        A courtesy that spares them lost rounds, and no lock: nobody waits for long, and nothing may depend on it.
        """

    def row(self, kind: RowKind, digest: Digest) -> bytes:
        """A stored row's bytes, verified against the digest where it is theirs. Raises RowMissing, CorruptBlob."""

    def has_row(self, kind: RowKind, digest: Digest) -> bool: ...

    def mint_token(self, repository_id: str, token: NewToken, *, first_version: int | None = None) -> None:
        """Raises RepositoryMissing, and StorageError if a token of that hash exists.

        first_version: the repository's own, if it is to be no other one that has the id by now.
        """

    def token(self, token_hash: Digest) -> TokenRecord | None:
        """Any token of that hash whose repository lives: the caller judges expiry and revocation."""

    def tokens(self, repository_id: str, now_s: int) -> Sequence[TokenRecord]:
        """The live ones of a repository, newest first. Raises RepositoryMissing."""

    def revoke_token(self, token_hash: Digest, revoked_at_s: int) -> bool:
        """Whether there was a live one to revoke."""

    def rotate_tokens(
        self, repository_id: str, token: NewToken, now_s: int, *, first_version: int | None = None
    ) -> int:
        """Revoke all live tokens of a repository and mint one, as mint_token does. Returns how many were revoked."""

    def server_key(self, name: str) -> ServerKey | None:
        """What was set last under that name."""

    def set_server_key(self, name: str, key: ServerKey) -> None:
        """Keep it in the place of what was there."""

    def take_lease(self, name: str, holder: str, *, now_ms: int, ttl_ms: int) -> bool:
        """Take a lease that is free or has expired, or renew one's own. False: somebody else holds it."""

    def release_lease(self, name: str, holder: str) -> None:
        """Give it back, if it is still this holder's."""

    def lease_holder(self, name: str) -> LeaseRecord | None:
        """Who took it last and did not give it back; it may have expired."""

    def add_reader(self, reader_id: str, *, oldest_open_ms: int, now_ms: int, ttl_ms: int) -> None:
        """Announce a process that will read, under an id of its own making."""

    def renew_reader(self, reader_id: str, *, oldest_open_ms: int, now_ms: int, ttl_ms: int) -> bool:
        """Say that one is there still. False: it had expired and was taken out, and what it read may be gone."""

    def remove_reader(self, reader_id: str) -> None:
        """It reads no more; its absence is success."""

    def readers(self) -> Sequence[ReaderRecord]:
        """All that were not taken out, expired or not."""

    def expire_readers(self, now_ms: int) -> int:
        """Take out those whose time is over. Returns how many."""

    def next_generation(self, digest: Digest) -> int:
        """The generation in which a blob of that digest may be stored and named now: 0 unless copies were condemned."""

    def begin_mark(self, *, kept_since_ms: int = 0) -> int:
        """Begin to find out what is named. Returns the mark's number; older ones are lost.

        kept_since_ms: of the states of refs those are kept that were replaced at this time or later.

        Whatever is named for the first time, or again, from now on until `end_mark`, cannot be condemned by this mark.
        So first begin; then list what is stored; then what is named (`pointer_uses`); then condemn the difference.
        """

    def kept_since_ms(self) -> int:
        """The latest of these times of all marks: states that were replaced before may have been collected."""

    def end_mark(self, mark: int) -> None:
        """Nothing more is to be condemned by it. One that is never ended costs some bytes for what is named again."""

    def pointer_uses(self) -> Sequence[PointerUse]:
        """What the pointers of live repositories name, and of deleted ones whose manifest was not given up."""

    def row_keys(self, *, after: RowKey | None, limit: int) -> Sequence[RowKey]:
        """A page of the names of content rows, indexes of packs left out: they share their pack's fate."""

    def condemn(self, mark: int, rows: Sequence[RowKey], blobs: Sequence[BlobKey], *, now_ms: int) -> int:
        """Condemn what the mark found unnamed, but for what was named meanwhile. Returns how many were.

        What is condemned already keeps its time. Raises MarkLost.
        """

    def condemned(self, *, before_ms: int, limit: int) -> Condemned:
        """So many of each kind of what was condemned before that time."""

    def delete_rows(self, rows: Sequence[RowKey], *, before_ms: int) -> int:
        """Delete those that are condemned since before that time still, with indexes of packs. Returns how many."""

    def pardon(self, rows: Sequence[RowKey]) -> None:
        """Condemn these no more: what is kept has grown since, by a longer retention say."""

    def forget(self, blobs: Sequence[BlobKey]) -> None:
        """The blobs are deleted. Their generation stays spent: nobody who was late can name them."""

    def give_up_tombstones(self, deleted_before_s: int) -> int:
        """Let go of the manifests of repositories that were deleted before that time. Returns how many.

        Their ids and versions are kept, so that a successor's pointer goes on from there.
        """

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
