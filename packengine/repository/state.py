"""A repository as of one moment: its record, its pointer, and what the manifest says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Lock

from cachetools import LRUCache

from core_ext import ObjectDb
from packengine.manifests import Manifest, decode_manifest
from packengine.refs import RefEntry
from packengine.repository.limits import Limits
from packengine.repository.packs import PackShelf, open_database
from packengine.storage.ports import Catalog, Pointer, RepositoryMissing, RepositoryRecord, RowKind, RowMissing

_MANIFESTS_KEPT = 200_000
"""By weight: a manifest counts one, and one more for each pack and ref that it lists itself."""

_BLOCKS_KEPT_BYTES = 32 * 1024 * 1024

_STATES_KEPT = 4096
"""Latest states, each good for as long as nothing is committed to the catalog."""


@dataclass(frozen=True, slots=True)
class RepositoryState:
    """What a request sees: one published state, unmoved by later publishes."""

    record: RepositoryRecord
    pointer: Pointer
    manifest: Manifest

    def head_entry(self) -> RefEntry | None:
        """The ref that HEAD names, if it has been born."""
        return self.manifest.refs.get(self.manifest.head)


class StateLoader:
    """Reads states. What is content-addressed is kept; the pointer is fresh each time (design, section 5)."""

    def __init__(self, catalog: Catalog, shelf: PackShelf, limits: Limits) -> None:
        self._catalog = catalog
        self._shelf = shelf
        self._limits = limits
        self._lock = Lock()
        self._manifests: LRUCache[bytes, Manifest] = LRUCache(_MANIFESTS_KEPT, getsizeof=_weight)
        self._blocks: LRUCache[bytes, bytes] = LRUCache(_BLOCKS_KEPT_BYTES, getsizeof=len)
        self._databases: LRUCache[bytes, ObjectDb] = LRUCache(limits.open_repositories)
        self._last: tuple[Manifest, ObjectDb] | None = None
        """What was asked for last, which is asked for again at once: a push does so three times."""

        self._latest: LRUCache[str, tuple[int, RepositoryState]] = LRUCache(_STATES_KEPT)
        """With the catalog's mark, taken before the state was read."""

    def load(self, repository_id: str) -> RepositoryState:
        """The newest state. Raises RepositoryMissing."""
        mark = self._catalog.change_mark()
        with self._lock:
            known = self._latest.get(repository_id)
        if known is not None and known[0] == mark:
            return known[1]
        state = self._read(repository_id)
        if mark is not None:
            with self._lock:
                self._latest[repository_id] = (mark, state)
        return state

    def _read(self, repository_id: str) -> RepositoryState:
        record, pointer = self._catalog.current(repository_id)
        return RepositoryState(record, pointer, self.manifest(pointer.manifest))

    def reload(self, state: RepositoryState) -> RepositoryState:
        """The newest state of the same repository. Raises RepositoryMissing, also if another one has its id by now."""
        newest = self.load(state.record.id)
        if newest.record.first_version != state.record.first_version:
            raise RepositoryMissing(f"repository {state.record.id} was deleted; its id belongs to another one now")
        return newest

    def manifest(self, digest: bytes) -> Manifest:
        """The manifest of that digest."""
        with self._lock:
            manifest = self._manifests.get(digest)
        if manifest is None:
            manifest = decode_manifest(self._catalog.row(RowKind.MANIFEST, digest), self.load_block)
            with self._lock:
                self._manifests[digest] = manifest
        return manifest

    def keep(
        self, digest: bytes, manifest: Manifest, blocks: Mapping[bytes, bytes], objects: ObjectDb | None = None
    ) -> None:
        """Take in what was published just now, so that the next who asks need not read what was here in hand.

        objects: a database over the manifest's packs, if there is one.
        """
        with self._lock:
            self._manifests[digest] = manifest
            self._blocks.update(blocks)
            if objects is not None:
                self._databases[_name_of_packs(manifest)] = objects
                self._last = (manifest, objects)

    def load_block(self, digest: bytes) -> bytes:
        """A ref block's bytes."""
        with self._lock:
            block = self._blocks.get(digest)
        if block is None:
            block = self._catalog.row(RowKind.REF_BLOCK, digest)
            with self._lock:
                if len(block) <= _BLOCKS_KEPT_BYTES:
                    self._blocks[digest] = block
        return block

    def objects(self, manifest: Manifest) -> ObjectDb:
        """Everything that is stored in the manifest's packs, whether a ref reaches it or not."""
        self._shelf.look_again()
        last = self._last
        if last is not None and last[0] is manifest:
            return last[1]
        key = _name_of_packs(manifest)
        with self._lock:
            database = self._databases.get(key)
        if database is None:
            packs = [self._shelf.open(pack, manifest.object_format) for pack in manifest.packs]
            database = open_database(packs, manifest.object_format, self._limits)
            with self._lock:
                self._databases[key] = database
        self._last = (manifest, database)
        return database

    def let_go_of_databases(self) -> None:
        """Drop those that are open; who uses one goes on with it."""
        with self._lock:
            self._databases.clear()
            self._last = None

    def own_history(self, state: RepositoryState) -> Iterator[Manifest]:
        """The manifests that this repository published, newest first, never past the one it was created with.

        It ends early where older ones were collected, which are beyond the retention of history. Each publish raises
        the pointer's version by one, so the versions tell where a fork began.
        """
        manifest = state.manifest
        for _ in range(state.pointer.version - state.record.first_version):
            yield manifest
            if manifest.parent is None:
                return
            try:
                manifest = self.manifest(manifest.parent)
            except RowMissing:
                return
        yield manifest


def _name_of_packs(manifest: Manifest) -> bytes:
    names = [manifest.object_format.encode(), *[pack.digest for pack in manifest.packs]]
    return hashlib.sha256(b"".join(names)).digest()  # empty repositories of both formats have no packs


def _weight(manifest: Manifest) -> int:
    return 1 + len(manifest.packs) + len(manifest.refs.inline or manifest.refs.index)
