"""The mark: what the pointers of a node name, directly and through the states that are kept.

A manifest names its ref blocks and its packs. Of a state that is not the newest any more only the refs are kept, not
the packs: the newest packs hold whatever those refs reach (`rewrite.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core_ext import Cancel, Cancelled
from packengine.maintenance.retention import StateReader, kept_states
from packengine.manifests import CorruptManifest, Manifest, PackPlace
from packengine.refs import CorruptRefBlock
from packengine.refs.blocks import decode_index
from packengine.repository import Progress, RepositoryError
from packengine.storage.ports import BlobKey, Catalog, CorruptBlob, PointerUse, RowKey, RowKind, RowMissing

_PHASE = "Finding what is named"


class CollectionRefused(RepositoryError):
    """What a repository names cannot be found out, so nothing may be deleted: see `packhouse fsck`."""


@dataclass(slots=True)
class Named:
    """What must stay. About 100 bytes of memory for each."""

    manifests: set[bytes] = field(default_factory=set)
    ref_blocks: set[bytes] = field(default_factory=set)
    tail_packs: set[bytes] = field(default_factory=set)
    blobs: set[BlobKey] = field(default_factory=set)
    blob_digests: set[bytes] = field(default_factory=set)

    def has_row(self, key: RowKey) -> bool:
        """Whether that row is among it."""
        match key.kind:
            case RowKind.MANIFEST:
                return key.digest in self.manifests
            case RowKind.REF_BLOCK:
                return key.digest in self.ref_blocks
            case RowKind.PACK | RowKind.PACK_INDEX:
                return key.digest in self.tail_packs

    def has_pack(self, digest: bytes) -> bool:
        """Whether a pack of those bytes is, wherever it lies."""
        return digest in self.tail_packs or digest in self.blob_digests


class Marker:
    """Finds out what is named. For one mark."""

    def __init__(self, catalog: Catalog, since_ms: int) -> None:
        self._catalog = catalog
        self._reader = StateReader(catalog)
        self._since_ms = since_ms
        self._named = Named()
        self._walked: dict[bytes, int] = {}
        """By the manifest that a walk began with or came by: how many own ones before it were walked."""

    def run(self, progress: Progress, cancel: Cancel) -> Named:
        """Read what every pointer leads to. Raises CollectionRefused if something cannot be read."""
        uses = self._catalog.pointer_uses()
        # Long histories first: the shorter ones of forks are part of them.
        for done, use in enumerate(sorted(uses, key=_own_publishes, reverse=True)):
            if cancel.is_set():
                raise Cancelled("the collection was stopped")
            progress(_PHASE, done, len(uses))
            try:
                self._take_in(use)
            except (RowMissing, CorruptBlob, CorruptManifest, CorruptRefBlock) as error:
                raise CollectionRefused(f"manifest {use.manifest.hex()}, which a pointer names: {error}") from error
        progress(_PHASE, len(uses), len(uses))
        return self._named

    def _take_in(self, use: PointerUse) -> None:
        for steps, (digest, manifest) in enumerate(
            kept_states(use.manifest, use.own_publishes, self._since_ms, self._reader.manifest)
        ):
            if steps == 0:
                self._take_packs(manifest)
            left = use.own_publishes - steps
            if self._walked.get(digest, -1) >= left:
                return
            self._walked[digest] = left
            self._named.manifests.add(digest)
            self._take_blocks(manifest)

    def _take_packs(self, manifest: Manifest) -> None:
        for pack in manifest.packs:
            if pack.place is PackPlace.TAIL:
                self._named.tail_packs.add(pack.digest)
            else:
                self._named.blobs.add(BlobKey(pack.digest, pack.generation))
                self._named.blob_digests.add(pack.digest)

    def _take_blocks(self, manifest: Manifest) -> None:
        for block in manifest.refs.index:
            if block.digest not in self._named.ref_blocks:
                self._named.ref_blocks.add(block.digest)
                leaves = decode_index(self._reader.block(block.digest))
                self._named.ref_blocks.update(leaf.digest for leaf in leaves)


def _own_publishes(use: PointerUse) -> int:
    return use.own_publishes
