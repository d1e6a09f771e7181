"""What the past keeps stored: the windows, and the states and packs of a repository that lie in them.

A state stopped being current at the time of the one after it. It is kept, and what its refs named with it, until that
lies farther back than the retention of history; at least for the grace, and for as long as its values can be wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, pairwise

from packengine.manifests import Manifest, PackRecord, PublishKind, decode_manifest
from packengine.repository import Limits
from packengine.repository.limits import MS_PER_DAY
from packengine.storage.ports import Catalog, RowKind, RowMissing

LoadManifest = Callable[[bytes], Manifest]
"""Reads a stored manifest. Raises RowMissing."""


class StateReader:
    """Reads manifests past the engine's caches: most of what is read here, nobody else will ask for."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def manifest(self, digest: bytes) -> Manifest:
        """Raises RowMissing, CorruptBlob, CorruptManifest."""
        return decode_manifest(self._catalog.row(RowKind.MANIFEST, digest), self.block)

    def block(self, digest: bytes) -> bytes:
        """A ref block. Raises RowMissing, CorruptBlob."""
        return self._catalog.row(RowKind.REF_BLOCK, digest)


@dataclass(frozen=True, slots=True)
class Windows:
    """How far back what is kept. Times in ms since the epoch."""

    history_ms: int
    """States that were replaced at this time or later are kept."""

    young_ms: int
    """What came at this time or later is not left out, and what was condemned then not deleted."""

    undelete_ms: int
    """Repositories that were deleted at this time or later can come back."""

    @staticmethod
    def at(now_ms: int, limits: Limits) -> Windows:
        """As of a time."""
        grace_ms = limits.collection_grace_s * 1000
        history_ms = max(limits.history_retention_days * MS_PER_DAY, grace_ms, limits.want_grace_ms)
        return Windows(now_ms - history_ms, now_ms - grace_ms, now_ms - limits.undelete_days * MS_PER_DAY)


def kept_states(
    newest: bytes, own_publishes: int, since_ms: int, load: LoadManifest
) -> Iterator[tuple[bytes, Manifest]]:
    """The newest manifest and those before it that are kept, newest first, with their digests.

    own_publishes: how many before the newest are the repository's own. Where older ones were collected, it ends.
    Raises RowMissing if the newest is not there.
    """
    manifest = load(newest)
    yield newest, manifest
    for _ in range(own_publishes):
        if manifest.parent is None or manifest.time_ms < since_ms:
            return
        digest = manifest.parent
        try:
            manifest = load(digest)
        except RowMissing:
            return
        yield digest, manifest


def ref_values(states: Iterable[Manifest]) -> set[bytes]:
    """Every value that a ref had in these states, which are in order. Blocks that neighbours share are read once."""
    values: set[bytes] = set()
    newer: Manifest | None = None
    for state in states:
        entries = state.refs.scan() if newer is None else state.refs.apart_from(newer.refs)
        values.update(entry.oid for entry in entries)
        newer = state
    return values


def young_packs(states: Iterable[Manifest], since_ms: int) -> list[PackRecord]:
    """The packs that pushes and the like brought since a time. states: newest first; those before the time are asked
    only for what they had."""
    found: dict[bytes, PackRecord] = {}
    for newer, older in pairwise(chain(states, (None,))):
        if newer is None or newer.time_ms < since_ms:
            break
        if newer.kind is not PublishKind.MAINTENANCE:
            before = _packs_before(newer, older)
            found.update((pack.digest, pack) for pack in newer.packs if pack.digest not in before)
    return list(found.values())


def _packs_before(newer: Manifest, older: Manifest | None) -> set[bytes]:
    """Of a state whose parent is another repository's, or gone: all that it has itself."""
    if older is None and newer.parent is None:
        return set()
    return {pack.digest for pack in (older or newer).packs}
