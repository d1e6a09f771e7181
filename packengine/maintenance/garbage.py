"""What of a repository's objects nothing keeps, and which of its packs hold it.

Kept is what any value reaches that a ref had in the window, and what came within the grace with all that it refers to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core_ext import Cancel, MissingObject, ObjectDb, ObjectSet
from packengine.maintenance.retention import StateReader, Windows, kept_states, ref_values, young_packs
from packengine.maintenance.sharing import count_shared
from packengine.manifests import Manifest, ObjectFormat, PackRecord
from packengine.repository import RepositoryState
from packengine.repository.packs import open_database
from packengine.repository.parts import EngineParts
from packengine.storage.ports import BlobMissing, RowMissing

_OIDS_A_TURN = 100_000
_CHEAP_BYTES = 64 << 20
"""Packs of so many bytes together are written anew whatever there is to leave out."""

_LEAST_SHARE = 20
"""Larger ones only if at least one in so many of their objects is to be left out."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Packs to be written anew, and what is to be left out of them."""

    run: tuple[PackRecord, ...]
    """Neighbours in the manifest, newest first: from the first to the last that hold what is to be left out."""

    objects: ObjectDb
    """Of these packs alone."""

    left_out: ObjectSet
    """Of `objects`."""

    @property
    def size_bytes(self) -> int:
        """Of the packs to be written anew."""
        return sum(pack.size_bytes for pack in self.run)

    @property
    def is_worth_it(self) -> bool:
        """Whether to write them anew now, or to wait for more."""
        return self.size_bytes <= _CHEAP_BYTES or len(self.left_out) * _LEAST_SHARE >= len(self.objects)


@dataclass(frozen=True, slots=True)
class Keepers:
    """What keeps objects of a repository from being garbage."""

    values: frozenset[bytes]
    """That a ref has, or had in the window."""

    young: tuple[PackRecord, ...]
    """Packs that came within the grace."""

    def signature(self, manifest: Manifest) -> bytes:
        """Equal ones keep the same of the same packs, in whatever repository: most forks are as their source is."""
        packs = [manifest.object_format.encode(), *(pack.digest for pack in (*manifest.packs, *self.young))]
        return hashlib.sha256(b"".join([*packs, *sorted(self.values)])).digest()


class GarbageFinder:
    """Looks for garbage as of one moment."""

    def __init__(self, parts: EngineParts, windows: Windows) -> None:
        self._parts = parts
        self._windows = windows

    def keepers(self, state: RepositoryState) -> Keepers:
        """Reads the states of the window."""
        values = frozenset(ref_values(self._states(state)))
        return Keepers(values, tuple(young_packs(self._states(state), self._windows.young_ms)))

    def find(self, state: RepositoryState, keepers: Keepers, cancel: Cancel) -> Garbage | None:
        """What to leave out of a repository now, if anything. Raises Cancelled."""
        manifest = state.manifest
        everything = self.database(manifest.packs, manifest.object_format)
        kept = self.kept(state, keepers, everything, cancel)
        if len(kept) < len(everything):
            for pack in self._staying(state):
                kept = with_closure(everything, kept, self._objects_of(pack, everything, manifest, cancel), cancel)
        if len(kept) == len(everything):
            return None
        holes = [len(self._objects_of(pack, everything, manifest, cancel).minus(kept)) > 0 for pack in manifest.packs]
        run = manifest.packs[holes.index(True) : len(holes) - holes[::-1].index(True)]
        objects = self.database(run, manifest.object_format)
        left_out = everything.all_objects().minus(kept).moved_to(objects, cancel=cancel)
        return Garbage(run, objects, left_out)

    def kept(self, state: RepositoryState, keepers: Keepers, everything: ObjectDb, cancel: Cancel) -> ObjectSet:
        """What must stay of a repository, which `everything` is the database of: a closed set. Raises Cancelled."""
        tips = sorted(value for value in keepers.values if everything.contains(value))
        kept = everything.reachable(tips, cancel=cancel)
        for pack in keepers.young:
            try:
                came = self._objects_of(pack, everything, state.manifest, cancel)
            except (MissingObject, RowMissing, BlobMissing):  # collected by a process that grants less grace
                continue
            kept = with_closure(everything, kept, came, cancel)
        return kept

    def _states(self, state: RepositoryState) -> Iterator[Manifest]:
        own_publishes = state.pointer.version - state.record.first_version
        reader = StateReader(self._parts.catalog)
        for _, manifest in kept_states(
            state.pointer.manifest, own_publishes, self._windows.history_ms, reader.manifest
        ):
            yield manifest

    def _staying(self, state: RepositoryState) -> Sequence[PackRecord]:
        """Packs at the older end that are not written anew, since others name them and they are large."""
        count = count_shared(self._parts.catalog, self._parts.loader, state)
        shared = state.manifest.packs[len(state.manifest.packs) - count :]
        is_large = sum(pack.size_bytes for pack in shared) >= self._parts.limits.min_shared_pack_bytes
        return shared if is_large else ()

    def _objects_of(self, pack: PackRecord, everything: ObjectDb, manifest: Manifest, cancel: Cancel) -> ObjectSet:
        """What a pack holds, as a set of a database that holds it too. Raises MissingObject if that does not."""
        own = self.database([pack], manifest.object_format)
        return own.all_objects().moved_to(everything, cancel=cancel)

    def database(self, packs: Sequence[PackRecord], object_format: ObjectFormat) -> ObjectDb:
        """Of these packs. None of the engine's, which are for those who will ask again."""
        opened = [self._parts.shelf.open(pack, object_format) for pack in packs]
        return open_database(opened, object_format, self._parts.limits)


def with_closure(objects: ObjectDb, closed: ObjectSet, more: ObjectSet, cancel: Cancel) -> ObjectSet:
    """A closed set, and more objects with all that these refer to."""
    beyond = more.minus(closed)
    for offset in range(0, len(beyond), _OIDS_A_TURN):
        oids = beyond.oids(offset=offset, limit=_OIDS_A_TURN)
        closed = objects.reachable(oids, known=closed, cancel=cancel)
    return closed
