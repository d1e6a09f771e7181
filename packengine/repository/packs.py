"""Opened packs: a bounded shelf of handles, by digest, for one process.

A pack's bytes lie in a catalog row (the tail) or in a blob. Its idx is derived: beside the tail row, or a file under
`derived/`; a missing one is made again.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import copyfileobj
from threading import Lock

from cachetools import LRUCache

from core_ext import Cancel, CorruptIndex, IngestedPack, ObjectDb, Pack, PackIngest, index_pack
from packengine.manifests import ObjectFormat, PackPlace, PackRecord
from packengine.repository.derived import DerivedFolder
from packengine.repository.limits import Limits
from packengine.storage import quarantine_folder
from packengine.storage.ports import BlobKey, BlobStore, Catalog, Row, RowKind, RowMissing

_COPY_BYTES = 1 << 20
_UNINDEXED_OBJECTS = 8
"""The idx of so small a pack is made anew when the pack is opened: 40 microseconds, where its kilobyte, most of it the
fan-out table, would be written durably with each push."""

_log = logging.getLogger(__name__)


class PackShelf:
    """Opens each pack once and keeps the handle while there is room."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, quarantine: Path, derived: Path, limits: Limits) -> None:
        self.quarantine = quarantine
        self._catalog = catalog
        self._blobs = blobs
        self._derived = derived
        self._limits = limits
        self.derived = DerivedFolder(derived, limits.min_bitmap_objects)
        self._lock = Lock()
        self._mapped: LRUCache[bytes, Pack] = LRUCache(limits.open_packs)
        self._paths: dict[bytes, Path] = {}
        self._resident: LRUCache[bytes, Pack] = LRUCache(limits.resident_tail_bytes, getsizeof=_resident_bytes)

    def open(self, record: PackRecord, object_format: ObjectFormat) -> Pack:
        """The handle of a stored pack. Raises RowMissing, BlobMissing or CorruptPack."""
        shelf = self._resident if record.place is PackPlace.TAIL else self._mapped
        with self._lock:
            pack = shelf.get(record.digest)
        if pack is None:
            path = self._blob_path(record)
            pack = self._open(record.digest, path, object_format)
            self.derived.attach(record.digest, pack)
            self._shelve(record.digest, pack, path)
        return pack

    def keep(self, record: PackRecord, pack: Pack) -> None:
        """Take in what was ingested just now, so that the next who asks need not read what was here in hand."""
        if record.place is PackPlace.TAIL:
            self._shelve(record.digest, pack, None)

    def look_again(self) -> None:
        """Let open packs have the derived files that were made since. To be called often: it looks now and then."""
        self.derived.attach_new(self._open_packs)

    def let_go_of_deleted(self) -> bool:
        """Drop handles of deleted blobs: the disk has their space back only then. Whether there were any."""
        with self._lock:
            self._paths = {digest: path for digest, path in self._paths.items() if digest in self._mapped}
            paths = list(self._paths.items())
        gone = [(digest, path) for digest, path in paths if not path.exists()]
        with self._lock:
            for digest, path in gone:
                if self._paths.get(digest) == path:  # else it was opened since, in another generation
                    del self._paths[digest]
                    self._mapped.pop(digest, None)
        return bool(gone)

    def _open_packs(self) -> list[tuple[bytes, Pack]]:
        with self._lock:
            return [*self._mapped.items(), *self._resident.items()]

    def _shelve(self, digest: bytes, pack: Pack, path: Path | None) -> None:
        """path: of its blob; None for a tail pack. A handle and its path come at once: neither is there alone."""
        with self._lock:
            if path is not None:
                self._mapped[digest], self._paths[digest] = pack, path
            elif _resident_bytes(pack) <= self._limits.resident_tail_bytes:
                self._resident[digest] = pack

    def _blob_path(self, record: PackRecord) -> Path | None:
        if record.place is PackPlace.TAIL:
            return None
        return self._blobs.local_path(record.digest, record.generation)

    def _open(self, digest: bytes, path: Path | None, object_format: ObjectFormat) -> Pack:
        if path is None:
            return self._open_tail(digest, object_format)
        idx_path = self.idx_path(digest)
        if not idx_path.exists():
            return self._index(path, idx_path, object_format)
        try:
            return Pack.open(str(path), str(idx_path), object_format=object_format)
        except CorruptIndex as error:  # it was not synced, so a power loss may leave any bytes
            _log.warning("made an idx again", extra={"fields": {"idx": str(idx_path), "reason": str(error)}})
            return self._index(path, idx_path, object_format)

    def _index(self, path: Path, idx_path: Path, object_format: ObjectFormat) -> Pack:
        """Make the idx of a blob in quarantine, where a sweep finds what a kill leaves, and move it into place."""
        with quarantine_folder(self.quarantine) as scratch:
            pack = make_index(path, scratch / idx_path.name, object_format, self._limits)
            (scratch / idx_path.name).replace(idx_path)
        return pack

    def _open_tail(self, digest: bytes, object_format: ObjectFormat) -> Pack:
        data = self._catalog.row(RowKind.PACK, digest)
        try:
            return Pack.from_bytes(data, self._tail_index(digest), object_format=object_format)
        except CorruptIndex as error:
            _log.warning("made an idx again", extra={"fields": {"pack": digest.hex(), "reason": str(error)}})
            return Pack.from_bytes(data, None, object_format=object_format)

    def next_generation(self, digest: bytes) -> int:
        """In which generation a pack is stored as a blob now."""
        return self._catalog.next_generation(digest)

    def idx_path(self, digest: bytes) -> Path:
        """Where the idx of a blob pack lies."""
        return self._derived / f"{digest.hex()}.idx"

    def _tail_index(self, digest: bytes) -> bytes | None:
        try:
            return self._catalog.row(RowKind.PACK_INDEX, digest)
        except RowMissing:
            return None


def make_index(path: Path, idx_path: Path, object_format: ObjectFormat, limits: Limits) -> Pack:
    """Index a self-contained pack, every object checked against its hash. Returns it opened."""
    index_pack(
        str(path),
        str(idx_path),
        object_format=object_format,
        threads=limits.threads,
        base_cache_bytes=limits.base_cache_bytes,
        max_resident_object_bytes=limits.max_resident_object_bytes,
    )
    return Pack.open(str(path), str(idx_path), object_format=object_format)


def open_ingest(
    quarantine: Path, object_format: ObjectFormat, limits: Limits, cancel: Cancel | None = None
) -> PackIngest:
    """A new ingest in quarantine, in memory until it outgrows the tail."""
    return PackIngest(
        f"{quarantine}/{secrets.token_hex(16)}.pack",
        object_format=object_format,
        spill_bytes=limits.tail_pack_bytes,
        max_pack_bytes=limits.max_pack_bytes,
        max_objects=limits.max_objects,
        max_object_bytes=limits.max_object_bytes,
        max_resident_object_bytes=limits.max_resident_object_bytes,
        max_inflated_bytes=limits.max_inflated_bytes,
        max_delta_depth=limits.max_delta_depth,
        base_cache_bytes=limits.base_cache_bytes,
        threads=limits.threads,
        cancel=cancel,
    )


def open_database(packs: Sequence[Pack], object_format: ObjectFormat, limits: Limits) -> ObjectDb:
    """A database over these packs, newest first."""
    return ObjectDb(
        packs,
        object_format=object_format,
        cache_bytes=limits.object_cache_bytes,
        max_object_bytes=limits.max_resident_object_bytes,
        max_delta_depth=limits.max_delta_depth,
    )


class PackIntake:
    """One ingested pack on its way into storage."""

    def __init__(self, ingested: IngestedPack, shelf: PackShelf, blobs: BlobStore, limits: Limits) -> None:
        self.ingested = ingested
        self._shelf = shelf
        self._blobs = blobs
        in_tail = ingested.pack_path is None and ingested.size_bytes <= limits.tail_pack_bytes
        place = PackPlace.TAIL if in_tail else PackPlace.BLOB
        generation = 0 if in_tail else shelf.next_generation(ingested.digest)
        self.record = PackRecord(ingested.digest, ingested.size_bytes, ingested.object_count, place, generation)
        self._stored_as: BlobKey | None = None

    @property
    def blob(self) -> BlobKey | None:
        """The blob that it is to be; None for a tail pack."""
        is_blob = self.record.place is PackPlace.BLOB
        return BlobKey(self.record.digest, self.record.generation) if is_blob else None

    def rows(self) -> tuple[Row, ...]:
        """The rows that a tail pack adds to the publishing transaction."""
        if self.record.place is PackPlace.BLOB:
            return ()
        digest, pack = self.record.digest, Row(RowKind.PACK, self.record.digest, self.ingested.pack_bytes())
        if self.record.object_count <= _UNINDEXED_OBJECTS:
            return (pack,)
        return (pack, Row(RowKind.PACK_INDEX, digest, self.ingested.idx_bytes()))

    def store(self) -> None:
        """Make a large pack durable as a blob, before the transaction that names it. Does nothing the second time."""
        blob = self.blob
        if blob is None:
            self._shelf.keep(self.record, self.ingested.pack())
        if blob is None or blob == self._stored_as:
            return
        if self._stored_as is not None:
            self._copy(self._stored_as, blob)
        else:
            self._move_in(blob)
        self._stored_as = blob

    def renew(self) -> None:
        """What was stored is condemned: nobody named it in time. `store` stores the bytes under another generation."""
        if self.record.place is PackPlace.BLOB:
            self.record = replace(self.record, generation=self._shelf.next_generation(self.record.digest))

    def _move_in(self, blob: BlobKey) -> None:
        pack_path, idx_path = self.ingested.pack_path, self.ingested.idx_path
        if pack_path is None or idx_path is None:
            self._blobs.put_bytes(self.ingested.pack_bytes(), blob.generation)
            return
        # The idx goes first and without fsync: it is derived, and `Pack.open` checks it against its pack.
        Path(idx_path).replace(self._shelf.idx_path(blob.digest))
        self._blobs.put_file(Path(pack_path), blob.digest, blob.generation)
        self.ingested.release()

    def _copy(self, condemned: BlobKey, blob: BlobKey) -> None:
        """From the condemned copy, which is there for the grace. Raises BlobMissing after it."""
        with quarantine_folder(self._shelf.quarantine) as scratch:
            path = scratch / f"{blob.digest.hex()}.pack"
            with self._blobs.open(condemned.digest, condemned.generation) as source, path.open("xb") as copy:
                copyfileobj(source, copy, _COPY_BYTES)
            self._blobs.put_file(path, blob.digest, blob.generation)


def _resident_bytes(pack: Pack) -> int:
    return pack.size_bytes + 64 * pack.object_count + 4096
