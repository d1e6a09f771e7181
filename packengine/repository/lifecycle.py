"""Creating, deleting, undeleting and describing repositories."""

from __future__ import annotations

import re
import secrets
import string
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Lock

from cachetools import LRUCache

from packengine.manifests import (
    OID_LENGTHS,
    Manifest,
    ObjectFormat,
    PublishKind,
    digest_of,
    encode_manifest,
    known_object_format,
)
from packengine.refs import HiddenRefs, empty_table
from packengine.refs.names import BRANCH_PREFIX, is_valid_branch_name
from packengine.repository.actor import Actor
from packengine.repository.errors import BranchNameError, ForkDependency, InvalidRepositoryId, UnknownObjectFormat
from packengine.repository.limits import S_PER_DAY, Limits
from packengine.repository.publish import now_ms
from packengine.repository.state import RepositoryState, StateLoader
from packengine.repository.visibility import Visibility
from packengine.storage.ports import (
    Catalog,
    NewRepository,
    NewToken,
    RepositoryExists,
    RepositoryMissing,
    RepositoryRecord,
    Row,
    RowKind,
)

_ID = re.compile(r"[a-z0-9_-]{4,64}")
_ID_ALPHABET = string.ascii_lowercase + string.digits
_GENERATED_LENGTH = 24
_CHARACTER_OF_BYTE = bytes(ord(_ID_ALPHABET[byte % len(_ID_ALPHABET)]) for byte in range(256))
_UNFAIR_BYTES = bytes(range(256 // len(_ID_ALPHABET) * len(_ID_ALPHABET), 256))
_COUNTS_KEPT = 10_000

MAX_REFS_DESCRIBED = 10_000
"""A description lists so many refs; a listing in pages has all of them."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a repository shows of itself."""

    description: str = ""
    is_public: bool = False
    """Whether anyone may read it."""


PRIVATE = Profile()


@dataclass(frozen=True, slots=True)
class RepositoryDetails:
    """A repository and what its newest state says."""

    record: RepositoryRecord
    default_branch: str
    """What HEAD names, less refs/heads/."""

    object_format: ObjectFormat
    refs: list[tuple[str, str]]
    has_more_refs: bool
    size_bytes: int
    head_sha: str | None
    commit_count: int
    fork_count: int


class Lifecycle:
    """What happens to whole repositories."""

    def __init__(
        self, catalog: Catalog, loader: StateLoader, visibility: Visibility, limits: Limits, hidden: HiddenRefs
    ) -> None:
        self._catalog = catalog
        self._loader = loader
        self._visibility = visibility
        self._undelete_s = limits.undelete_days * S_PER_DAY
        self._quota = limits.owner_quota
        self._hidden = hidden
        self._lock = Lock()
        self._commit_counts: LRUCache[bytes, int] = LRUCache(_COUNTS_KEPT)
        """By commit: what one reaches never changes."""

    def create(
        self,
        repository_id: str | None,
        actor: Actor,
        *,
        owner: str | None,
        object_format: str,
        default_branch: str,
        read_only: bool,
        token: NewToken | None,
        profile: Profile,
    ) -> str:
        """Create an empty repository. Returns its id."""
        new_id = chosen_id(repository_id)
        manifest = self.first_manifest(actor, object_format, default_branch)
        data = encode_manifest(manifest)
        row = Row(RowKind.MANIFEST, digest_of(data), data)
        new = NewRepository(
            new_id,
            owner,
            manifest.time_ms // 1000,  # by which its history knows that this manifest is its own
            row.digest,
            read_only=read_only,
            token=token,
            description=profile.description,
            is_public=profile.is_public,
        )
        self._catalog.create_repositories([new], [row], quota=self._quota)
        return new_id

    def delete(
        self,
        repository_id: str,
        *,
        force: bool,
        cascade: bool,
        may_delete: Callable[[RepositoryRecord], bool],
        first_version: int | None = None,
    ) -> list[str]:
        """Delete a repository; with `cascade` its forks too, deepest first; with `force` they live on, whole.

        first_version: its own, if it is to be no other one that has the id by now.
        may_delete: whether a fork that is to go along may be deleted: it can be somebody else's.
        """
        record = self._catalog.repository(repository_id)
        if record is None:
            raise RepositoryMissing(f"no repository {repository_id}")
        forks = self._catalog.live_forks(repository_id)
        if forks and not (force or cascade):
            raise ForkDependency(repository_id, forks)
        doomed = self._deepest_first(repository_id) if cascade else [repository_id]
        first_versions = self._refuse_foreign(repository_id, doomed[:-1], may_delete)
        first_versions[repository_id] = record.first_version if first_version is None else first_version
        self._catalog.delete_repositories(doomed, now_s(), first_versions=first_versions)
        return doomed

    def _refuse_foreign(
        self, repository_id: str, forks: Sequence[str], may_delete: Callable[[RepositoryRecord], bool]
    ) -> dict[str, int]:
        """The first version of each of the forks that were judged."""
        found = (self._catalog.repository(fork_id) for fork_id in forks)
        records = [record for record in found if record is not None]
        foreign = [record.id for record in records if not may_delete(record)]
        if foreign:
            raise ForkDependency(repository_id, foreign, are_foreign=True)
        return {record.id: record.first_version for record in records}

    def undelete(
        self, repository_id: str, *, token: NewToken | None, check: Callable[[RepositoryRecord], None]
    ) -> RepositoryRecord:
        """Bring back what was deleted last under this id, with its refs as they were, if it can come back still.

        check: is asked about it, or about who has the id now, before anything is told or done; raises what it likes.
        Raises RepositoryMissing, RepositoryExists.
        """
        not_before_s = now_s() - self._undelete_s
        deleted = self._catalog.deleted_repository(repository_id, not_before_s=not_before_s)
        if deleted is None:
            live = self._catalog.repository(repository_id)
            if live is None:
                raise RepositoryMissing(f"no repository {repository_id} that was deleted lately")
            check(live)
            raise RepositoryExists(f"repository {repository_id} is not deleted")
        check(deleted)
        return self._catalog.undelete_repository(
            repository_id,
            not_before_s=not_before_s,
            first_version=deleted.first_version,
            token=token,
            quota=self._quota,
        )

    def describe(self, repository_id: str, first_version: int | None = None) -> RepositoryDetails:
        """The newest state in figures. Counts the commits that HEAD reaches. first_version: as `delete` has it."""
        state = self._loader.load(repository_id)
        if first_version not in (None, state.record.first_version):
            raise RepositoryMissing(f"repository {repository_id} was deleted; its id belongs to another one now")
        head = state.head_entry()
        shown = list(islice(self._hidden.shown(state.manifest.refs), MAX_REFS_DESCRIBED + 1))
        return RepositoryDetails(
            record=state.record,
            default_branch=state.manifest.head.removeprefix(BRANCH_PREFIX).decode("utf-8", "replace"),
            object_format=state.manifest.object_format,
            refs=[(entry.name.decode("utf-8", "replace"), entry.oid.hex()) for entry in shown[:MAX_REFS_DESCRIBED]],
            has_more_refs=len(shown) > MAX_REFS_DESCRIBED,
            size_bytes=sum(pack.size_bytes for pack in state.manifest.packs),
            head_sha=head.oid.hex() if head is not None else None,
            commit_count=self._commit_count(state, head.oid) if head is not None else 0,
            fork_count=len(self._catalog.live_forks(repository_id)),
        )

    def _commit_count(self, state: RepositoryState, head: bytes) -> int:
        with self._lock:
            count = self._commit_counts.get(head)
        if count is None:
            count = self._visibility.usable(state).count_commits([head])
            with self._lock:
                self._commit_counts[head] = count
        return count

    def first_manifest(self, actor: Actor, object_format: str, default_branch: str) -> Manifest:
        """The manifest of an empty repository. Raises UnknownObjectFormat or BranchNameError."""
        try:
            known_format = known_object_format(object_format)
        except ValueError as error:
            raise UnknownObjectFormat(str(error)) from error
        if not is_valid_branch_name(default_branch.encode()):
            raise BranchNameError(f"{default_branch!r} cannot be the name of a branch")
        return Manifest(
            object_format=known_format,
            head=b"refs/heads/" + default_branch.encode(),
            parent=None,
            time_ms=now_ms(),
            actor=actor.subject,
            request_id=actor.request_id,
            kind=PublishKind.CREATE,
            sealed=True,
            packs=(),
            refs=empty_table(oid_len=OID_LENGTHS[known_format], load=self._loader.load_block),
        )

    def _deepest_first(self, repository_id: str) -> list[str]:
        order, queue = [], [repository_id]
        while queue:
            current = queue.pop(0)
            order.append(current)
            queue += self._catalog.live_forks(current)
        return order[::-1]


def chosen_id(repository_id: str | None) -> str:
    """The id if it is one, or a fresh one for None. Raises InvalidRepositoryId."""
    if repository_id is None:
        return _generated_id()
    if _ID.fullmatch(repository_id) is None:
        raise InvalidRepositoryId(f"{repository_id[:80]!r} is no repository id: 4 to 64 of a-z, 0-9, _ and -")
    return repository_id


def _generated_id() -> str:
    """Each character as likely as any other: bytes that would favour some are left out."""
    drawn = b""
    while len(drawn) < _GENERATED_LENGTH:
        drawn = secrets.token_bytes(2 * _GENERATED_LENGTH).translate(_CHARACTER_OF_BYTE, _UNFAIR_BYTES)
    return drawn[:_GENERATED_LENGTH].decode("ascii")


def now_s() -> int:
    """Seconds since the epoch."""
    return int(time.time())
