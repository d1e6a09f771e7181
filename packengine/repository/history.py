"""A repository's past: the states that its own publishes made, newest first.

The chain of manifest parents is the record; nothing else is kept for it (design, section 1). It goes back to the state
that the repository was created with, and not beyond: what lies behind that is the past of what it was forked from. It
ends earlier where older states were collected.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from core_ext import Cancel, Cancelled
from packengine.manifests import Manifest, ManifestHead, PublishKind, decode_manifest, decode_manifest_head
from packengine.refs import HiddenRefs, empty_table
from packengine.refs.comparison import RefMove, moves_between
from packengine.repository.browsing.cursors import decode_cursor, encode_cursor
from packengine.repository.errors import BadCursor, StateGone, StateUnknown
from packengine.repository.state import RepositoryState, StateLoader
from packengine.storage import derive_key
from packengine.storage.ports import Catalog, Pointer, RowKind, RowMissing

MAX_STATES_WALKED = 100_000
"""In one request, to find a state by its time or digest. Each costs one small read."""

MAX_STATES_LISTED = 2_000
"""In one request, those of maintenance included, which are passed over."""

_CURSORS = b"history cursors 1"
_VERSION_BYTES = 8


@dataclass(frozen=True, slots=True)
class PastState:
    """A state that was published, as its manifest begins."""

    version: int
    digest: bytes
    head: ManifestHead
    began_ms: int
    """When it came to be here. A fork's first state is older in its source."""

    is_foreign: bool
    """Whether it is the first state of a fork, which its source published: who did, and when, is not told here."""


@dataclass(frozen=True, slots=True)
class PastPublish:
    """A state, and what its publish did to the refs."""

    state: PastState
    moves: Sequence[RefMove]
    has_more_moves: bool


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some publishes, newest first, and where the next page begins, if there may be one."""

    publishes: Sequence[PastPublish]
    cursor: str | None


class History:
    """Looks back through the own states of repositories."""

    def __init__(self, catalog: Catalog, loader: StateLoader, hidden: HiddenRefs) -> None:
        self._catalog = catalog
        self._loader = loader
        self.hidden = hidden

    def page(
        self, state: RepositoryState, *, cursor: str | None, limit: int, max_moves: int, cancel: Cancel
    ) -> HistoryPage:
        """Publishes from where the cursor says, or from the newest; without maintenance, which moves no ref.

        max_moves: of each publish. Raises BadCursor, Cancelled; StateGone for a cursor to what was collected since.
        """
        publishes: list[PastPublish] = []
        begin = state.pointer if cursor is None else self._place(state, cursor)
        walked = 0
        for past in self._walk(state, begin, cancel):
            if len(publishes) == limit or walked == MAX_STATES_LISTED:
                return HistoryPage(publishes, self._cursor(state, past))
            walked += 1
            if past.head.kind is not PublishKind.MAINTENANCE or past.version == state.record.first_version:
                publishes.append(self._publish(past, max_moves))
        if cursor is not None and not walked:
            raise gone()
        return HistoryPage(publishes, None)

    def at(self, state: RepositoryState, at_ms: int, cancel: Cancel) -> PastState:
        """The state at a time. Raises StateUnknown for one before the repository was made, StateGone, Cancelled."""
        version = state.pointer.version + 1
        for past in islice(self._walk(state, state.pointer, cancel), MAX_STATES_WALKED):
            version = past.version
            if past.began_ms <= at_ms:
                return past
        if version == state.record.first_version:
            raise StateUnknown(f"repository {state.record.id} was made after that time")
        raise self._not_found(state, version)

    def named(self, state: RepositoryState, digest: bytes, cancel: Cancel) -> PastState:
        """The own state of that manifest, the latest if there are several. Raises as `at`."""
        version = state.pointer.version + 1
        for past in islice(self._walk(state, state.pointer, cancel), MAX_STATES_WALKED):
            version = past.version
            if past.digest == digest:
                return past
        if version == state.record.first_version:
            raise StateUnknown(f"repository {state.record.id} had no state {digest.hex()}")
        raise self._not_found(state, version)

    def as_state(self, newest: RepositoryState, past: PastState) -> RepositoryState:
        """What it said of refs. Its packs may be gone: read objects by the newest. Raises StateGone."""
        return RepositoryState(newest.record, Pointer(past.version, past.digest), self._manifest(past.digest))

    def _walk(self, state: RepositoryState, begin: Pointer, cancel: Cancel) -> Iterator[PastState]:
        """Its own states from that one on, newest first, as far as they are there."""
        digest: bytes | None = begin.manifest
        for version in range(begin.version, state.record.first_version - 1, -1):
            if cancel.is_set():
                raise Cancelled("nobody waits for the past any more")
            if digest is None:
                return
            try:
                head = decode_manifest_head(self._catalog.row(RowKind.MANIFEST, digest))
            except RowMissing:
                return
            yield _past_state(state, version, digest, head)
            digest = head.parent

    def _publish(self, past: PastState, max_moves: int) -> PastPublish:
        manifest = self._manifest(past.digest)
        if past.is_foreign:
            return PastPublish(past, (), has_more_moves=False)
        older = empty_table(oid_len=manifest.oid_len, load=self._loader.load_block)
        try:
            if manifest.parent is not None:
                older = self._decoded(manifest.parent).refs
            shown = (move for move in moves_between(older, manifest.refs) if not self.hidden.hides(move.name))
            moves = list(islice(shown, max_moves + 1))
        except RowMissing:  # what it was derived from was collected: nothing can be said of the difference
            return PastPublish(past, (), has_more_moves=True)
        return PastPublish(past, moves[:max_moves], len(moves) > max_moves)

    def _manifest(self, digest: bytes) -> Manifest:
        try:
            return self._decoded(digest)
        except RowMissing:
            raise gone() from None

    def _decoded(self, digest: bytes) -> Manifest:
        """Past the loader's cache: most of what is read here, nobody else will ask for."""
        return decode_manifest(self._catalog.row(RowKind.MANIFEST, digest), self._loader.load_block)

    def _not_found(self, state: RepositoryState, version: int) -> StateGone | StateUnknown:
        if state.pointer.version - version + 1 >= MAX_STATES_WALKED:
            return StateUnknown(f"it is not among the last {MAX_STATES_WALKED} states")
        return gone()

    def _cursor(self, state: RepositoryState, past: PastState) -> str:
        """Signed: it names a manifest that is not looked for again, and so must have come from here."""
        version = past.version.to_bytes(_VERSION_BYTES, "big")
        return encode_cursor(_CURSORS, self._tag(state, version + past.digest), version, past.digest)

    def _place(self, state: RepositoryState, cursor: str) -> Pointer:
        tag, version, digest = decode_cursor(cursor, _CURSORS, 3)
        if not hmac.compare_digest(tag, self._tag(state, version + digest)):
            raise BadCursor
        return Pointer(int.from_bytes(version, "big"), digest)

    def _tag(self, state: RepositoryState, place: bytes) -> bytes:
        of_whom = f"{state.record.id} {state.record.first_version} ".encode()
        return hmac.digest(derive_key(self._catalog.secret(), _CURSORS), of_whom + place, hashlib.sha256)


def _past_state(state: RepositoryState, version: int, digest: bytes, head: ManifestHead) -> PastState:
    record = state.record
    if version > record.first_version:
        return PastState(version, digest, head, max(head.time_ms, record.created_at_s * 1000), is_foreign=False)
    is_foreign = not _was_made_here(state, head)
    return PastState(version, digest, head, record.created_at_s * 1000 if is_foreign else head.time_ms, is_foreign)


def _was_made_here(state: RepositoryState, first: ManifestHead) -> bool:
    """Whether the first manifest was made for this very repository. A fork's is the source's, whatever that was."""
    if first.parent is not None:
        return False
    if first.kind is PublishKind.IMPORT:  # which may take hours
        return state.record.source_id is None
    return first.time_ms // 1000 == state.record.created_at_s


def gone() -> StateGone:
    """What to raise where a past state, or a part of it, is not stored."""
    return StateGone("the states of the refs back then are no longer kept: they are beyond the retention of history")
