"""The bulk of a clone as static downloads: bundles for bundle-uri, stored packs for packfile-uris.

Both bring only what the refs reach now (design, law 8): a bundle is made of stored packs all of whose objects are
reachable, and so is each pack that is offered by itself. Whether that is so is asked again for each download.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from cachetools import LRUCache

from core_ext import Cancel, ObjectDb, ObjectSet
from packengine.manifests import Manifest, PackPlace, PackRecord
from packengine.refs import HiddenRefs, RefEntry
from packengine.repository.bundle import Bundle
from packengine.repository.bundle_choice import BundleChooser
from packengine.repository.bundle_files import BundleFiles
from packengine.repository.limits import Limits
from packengine.repository.packs import PackShelf, open_database
from packengine.repository.publish import now_ms
from packengine.repository.replaced import Replaced
from packengine.repository.state import RepositoryState, StateLoader
from packengine.repository.visibility import Visibility
from packengine.storage.ports import BlobMissing, BlobStore

MAX_BUNDLE_REFS = 1000
"""A client makes a ref and a have of each. More would hardly save a byte: the packs are the same."""

MAX_URI_PACKS = 16
"""A client fetches them one after the other, with a process for each."""

_READ_BYTES = 1 << 20
_REFS_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class StoredPack:
    """A pack that can be downloaded as it is stored."""

    digest: bytes
    checksum: bytes
    """Its trailer, which is what `git index-pack` calls it by."""


class BundleService:
    """Finds out what is worth downloading, and opens it."""

    def __init__(
        self,
        loader: StateLoader,
        visibility: Visibility,
        shelf: PackShelf,
        blobs: BlobStore,
        derived: Path,
        limits: Limits,
        hidden_refs: HiddenRefs,
    ) -> None:
        self._loader = loader
        self._visibility = visibility
        self._shelf = shelf
        self._blobs = blobs
        self._limits = limits
        self._hidden_refs = hidden_refs
        self._chooser = BundleChooser(loader)
        self._replaced = Replaced(loader, visibility, shelf, limits)
        self._lock = Lock()
        self._known: LRUCache[tuple[str, int, bytes], tuple[Bundle, ...]] = LRUCache(_REFS_KEPT, getsizeof=_weight)
        self._files = BundleFiles(derived / "bundles", shelf.quarantine, limits.bundle_store_bytes)

    def offer(self, state: RepositoryState) -> Bundle | None:
        """The bundle to begin a clone of this state with; None if none is worth it."""
        return next(iter(self._bundles(state)), None)

    def find(self, state: RepositoryState, digest: bytes) -> Bundle | None:
        """The bundle of that name, if it may be had now: the one on offer, the one before it, or one that was on offer
        before maintenance merged its packs."""
        found = next((bundle for bundle in self._bundles(state) if bundle.digest == digest), None)
        return found or self._find_replaced(state, digest)

    def _find_replaced(self, state: RepositoryState, digest: bytes) -> Bundle | None:
        for before in self._replaced.states(state):
            for bundle in self._bundles(before):
                if bundle.digest == digest:
                    names = {name for name, _ in bundle.refs} - {b"HEAD"}
                    is_current = len(state.manifest.refs.get_many(names)) == len(names)
                    return bundle if is_current and self._replaced.are_shown(state, bundle.packs) else None
        return None

    def open(self, bundle: Bundle) -> BinaryIO | None:
        """The bundle's file, unbuffered, if it is built. It stays readable whatever happens to its name."""
        return self._files.open(bundle.digest)

    def build(self, bundle: Bundle, cancel: Cancel) -> BinaryIO:
        """The same, built unless somebody else has built it meanwhile."""
        return self._files.build(bundle.digest, lambda file: self._write(bundle, file, cancel))

    def clear(self) -> None:
        """Remove what was built, of all repositories; it is built again when it is asked for."""
        self._files.clear()

    def split(
        self, state: RepositoryState, objects_db: ObjectDb, objects: ObjectSet
    ) -> tuple[list[StoredPack], ObjectSet]:
        """Stored packs that hold nothing but what is to be sent, and what is to be sent beside them.

        objects_db: the database of the answer, a view of the state's packs. What goes out beside the packs must be no
        delta against them: a client indexes it before it has them.
        """
        if state.manifest.object_format != "sha1":
            return [], objects  # a client compares a pack's name by 40 digits, whatever its format
        least_bytes = max(self._limits.min_uri_pack_bytes, self._limits.tail_pack_bytes + 1)
        places, rest = objects_db.split_by_pack(objects, min_pack_bytes=least_bytes, max_packs=MAX_URI_PACKS)
        records = [state.manifest.packs[place] for place in places]
        return [StoredPack(each.digest, self._shelf.open(each, "sha1").checksum) for each in records], rest

    def open_pack(self, state: RepositoryState, digest: bytes) -> BinaryIO | None:
        """A stored pack, unbuffered, if all that it holds may be wanted now."""
        for place, record in enumerate(state.manifest.packs):
            if record.digest == digest and record.place is PackPlace.BLOB:
                wantable = self._visibility.wantable(state, now_ms())
                return self._open_blob(record) if place in _whole_packs(state, wantable, record.size_bytes) else None
        replaced = self._replaced.find_pack(state, digest)
        return self._open_blob(replaced) if replaced is not None and replaced.place is PackPlace.BLOB else None

    def _open_blob(self, record: PackRecord) -> BinaryIO | None:
        try:
            return self._blobs.local_path(record.digest, record.generation).open("rb", buffering=0)
        except (BlobMissing, FileNotFoundError):
            return None

    def _bundles(self, state: RepositoryState) -> Sequence[Bundle]:
        """What may be offered, best first. The second serves those who were told of it just before it was replaced."""
        key = (state.record.id, state.record.first_version, state.pointer.manifest)
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = tuple(self._find_bundles(state))
            with self._lock:
                self._known[key] = known
        return known

    def _find_bundles(self, state: RepositoryState) -> Iterator[Bundle]:
        packs = self._readable_packs(state)
        least_bytes = _power_of_two_below(sum(pack.size_bytes for pack in packs))
        for level_bytes in (least_bytes, least_bytes // 2):
            manifest = self._chooser.oldest(state, packs, level_bytes) if level_bytes else None
            bundle = self._bundle(state, manifest) if manifest is not None and self._is_worth_it(manifest) else None
            if bundle is not None and bundle.refs:
                yield bundle

    def _is_worth_it(self, manifest: Manifest) -> bool:
        size_bytes = sum(pack.size_bytes for pack in manifest.packs)
        return self._limits.min_bundle_bytes <= size_bytes <= self._limits.bundle_store_bytes

    def _readable_packs(self, state: RepositoryState) -> Sequence[PackRecord]:
        """The older end of the packs, as far as everything in them is reachable now."""
        packs = state.manifest.packs
        if state.manifest.sealed:
            return packs
        whole = _whole_packs(state, self._visibility.usable(state), 0)
        first = next((place for place in range(len(packs), 0, -1) if place - 1 not in whole), 0)
        return packs[first:]

    def _bundle(self, state: RepositoryState, manifest: Manifest) -> Bundle:
        entries = list(islice(self._named_refs(state, manifest), MAX_BUNDLE_REFS))
        refs = [(entry.name, entry.oid) for entry in entries]
        head = [(b"HEAD", oid) for name, oid in refs if name == manifest.head and not self._hidden_refs.hides(b"HEAD")]
        return Bundle(manifest.object_format, (*head, *refs), manifest.packs, manifest.time_ms // 1000)

    def _named_refs(self, state: RepositoryState, manifest: Manifest) -> Iterator[RefEntry]:
        """Branches and tags with the values of the older state, as far as there are such refs today."""
        shown = (self._hidden_refs.shown(manifest.refs, prefix) for prefix in (b"refs/heads/", b"refs/tags/"))
        older = chain.from_iterable(shown)
        while some := list(islice(older, MAX_BUNDLE_REFS)):
            today = state.manifest.refs.get_many(entry.name for entry in some)
            yield from (entry for entry in some if entry.name in today)

    def _write(self, bundle: Bundle, file: BinaryIO, cancel: Cancel) -> None:
        packs = [self._shelf.open(pack, bundle.object_format) for pack in bundle.packs]
        objects = open_database(packs, bundle.object_format, self._limits)
        level = self._limits.compression_level
        everything = objects.all_objects()
        stream = objects.stream_pack(everything, client_holds=None, ofs_delta=True, level=level, cancel=cancel)
        file.write(bundle.header)
        while chunk := stream.read(_READ_BYTES):
            file.write(chunk)


def _whole_packs(state: RepositoryState, view: ObjectDb, least_bytes: int) -> frozenset[int]:
    """The places of packs all of whose objects are in the view."""
    count = len(state.manifest.packs)
    if state.manifest.sealed:
        return frozenset(range(count))
    return frozenset(view.split_by_pack(view.all_objects(), min_pack_bytes=least_bytes, max_packs=count)[0])


def _power_of_two_below(size_bytes: int) -> int:
    """The largest power of two that is no larger; 0 for 0."""
    return 1 << (size_bytes.bit_length() - 1) if size_bytes else 0


def _weight(bundles: tuple[Bundle, ...]) -> int:
    return 1 + sum(len(bundle.refs) for bundle in bundles)
