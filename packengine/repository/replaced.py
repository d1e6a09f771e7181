"""What maintenance replaced a while ago, for clients that were told of it before: offered packs, and bundles of packs.

Packs leave a manifest only when maintenance merges them or writes them anew. They are kept for the grace, and can be
had that long, as far as all that they hold may be wanted now (design, law 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from core_ext import MissingObject
from packengine.manifests import Manifest, PackRecord, PublishKind
from packengine.repository.limits import Limits
from packengine.repository.packs import PackShelf, open_database
from packengine.repository.publish import now_ms
from packengine.repository.state import RepositoryState, StateLoader
from packengine.repository.visibility import Visibility
from packengine.storage.ports import BlobMissing, Pointer, RowMissing

_MAX_WALK_MANIFESTS = 4096


class Replaced:
    """Looks back through a repository's own states."""

    def __init__(self, loader: StateLoader, visibility: Visibility, shelf: PackShelf, limits: Limits) -> None:
        self._loader = loader
        self._visibility = visibility
        self._shelf = shelf
        self._limits = limits

    def states(self, state: RepositoryState) -> Iterator[RepositoryState]:
        """The states that maintenance replaced within the grace, newest first; of a very busy repository the latest."""
        since_ms = now_ms() - self._limits.collection_grace_s * 1000
        newer: Manifest | None = None
        for steps, manifest in enumerate(islice(self._loader.own_history(state), _MAX_WALK_MANIFESTS)):
            if newer is not None and newer.kind is PublishKind.MAINTENANCE and newer.parent is not None:
                yield RepositoryState(state.record, Pointer(state.pointer.version - steps, newer.parent), manifest)
            if manifest.time_ms < since_ms:
                return
            newer = manifest

    def find_pack(self, state: RepositoryState, digest: bytes) -> PackRecord | None:
        """The pack of that digest, if one of these states named it and it may be had now."""
        packs = (pack for before in self.states(state) for pack in before.manifest.packs if pack.digest == digest)
        found = next(packs, None)
        return found if found is not None and self.are_shown(state, [found]) else None

    def are_shown(self, state: RepositoryState, packs: Iterable[PackRecord]) -> bool:
        """Whether all that these packs hold may be wanted now, wherever it lies by now."""
        wantable = self._visibility.wantable(state, now_ms())
        object_format = state.manifest.object_format
        try:
            for pack in packs:
                own = open_database([self._shelf.open(pack, object_format)], object_format, self._limits)
                if len(own.all_objects().moved_to(wantable).minus(wantable.all_objects())):
                    return False
        except (MissingObject, RowMissing, BlobMissing):  # left out since, or deleted
            return False
        return True
