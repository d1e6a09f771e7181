"""The sweep: what was condemned long enough ago is deleted.

Any step may be the last one before a kill. A blob's derived files go before it, and its condemnation is forgotten after
it, so that the next sweep finds what is left to do. Deleting twice is success, by whomever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core_ext import Cancel, Cancelled
from packengine.maintenance.named import Named
from packengine.repository import Progress
from packengine.storage.ports import BlobKey, BlobMissing, BlobStore, Catalog, CondemnedRow, RowKind

_AT_A_TIME = 1000
"""Rows of one transaction, which others wait for."""

_PHASE = "Deleting"
_DIGEST_BYTES = 32


@dataclass(slots=True)
class Deleted:
    """What a sweep deleted."""

    rows: int = 0
    blobs: int = 0
    derived_files: int = 0
    size_bytes: int = 0


class Sweeper:
    """Deletes what was condemned before a time and is not named, as of a mark of just now."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, derived: Path, named: Named, before_ms: int) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._derived = derived
        self._named = named
        self._before_ms = before_ms

    def run(self, progress: Progress, cancel: Cancel) -> Deleted:
        """Delete. Raises Cancelled; what was deleted until then is deleted."""
        deleted = Deleted()
        while self._delete_some(deleted):
            if cancel.is_set():
                raise Cancelled("the collection was stopped")
            progress(_PHASE, deleted.rows + deleted.blobs, None)
        self._delete_strays(deleted)
        return deleted

    def _delete_some(self, deleted: Deleted) -> bool:
        """False when nothing is left that can be deleted."""
        due = self._catalog.condemned(before_ms=self._before_ms, limit=_AT_A_TIME)
        blobs = [blob for blob in due.blobs if blob not in self._named.blobs]
        for blob in blobs:
            self._delete_blob(blob, deleted)
        if blobs:
            self._catalog.forget(blobs)
        return self._delete_rows(due.rows, deleted) or bool(blobs)

    def _delete_blob(self, blob: BlobKey, deleted: Deleted) -> None:
        if not self._is_stored(blob.digest, but=blob):
            for path in self._derived.glob(f"{blob.digest.hex()}.*"):
                path.unlink(missing_ok=True)
                deleted.derived_files += 1
        try:
            deleted.size_bytes += self._blobs.size_bytes(blob.digest, blob.generation)
        except BlobMissing:  # deleted before a kill, or by another collection
            return
        self._blobs.delete(blob.digest, blob.generation)
        deleted.blobs += 1

    def _is_stored(self, digest: bytes, *, but: BlobKey | None = None) -> bool:
        """Whether there is a pack of these bytes, named or not: condemned still, or about to be named."""
        generations = range(self._catalog.next_generation(digest) + 1)
        return (
            self._named.has_pack(digest)
            or any(self._blobs.contains(digest, each) for each in generations if BlobKey(digest, each) != but)
            or self._catalog.has_row(RowKind.PACK, digest)
        )

    def _delete_rows(self, rows: Sequence[CondemnedRow], deleted: Deleted) -> bool:
        """Whether there were any to delete, or to let go."""
        kept = [row.key for row in rows if self._named.has_row(row.key)]
        if kept:
            self._catalog.pardon(kept)
        doomed = [row for row in rows if not self._named.has_row(row.key)]
        count = self._catalog.delete_rows([row.key for row in doomed], before_ms=self._before_ms) if doomed else 0
        deleted.rows += count
        if count == len(doomed):  # else some are named again, since just now
            deleted.size_bytes += sum(row.size_bytes for row in doomed)
        return bool(count or kept)

    def _delete_strays(self, deleted: Deleted) -> None:
        """Derived files of packs that are not there. Young ones may be of a pack that is about to come."""
        for path in self._derived.iterdir():
            digest = _digest_of_name(path.name)
            if digest is not None and not self._is_stored(digest) and _is_older(path, self._before_ms):
                path.unlink(missing_ok=True)
                deleted.derived_files += 1


def _digest_of_name(name: str) -> bytes | None:
    """Of a derived file; None for other names, such as those of the folders of answers and bundles."""
    stem, dot, _ = name.partition(".")
    try:
        digest = bytes.fromhex(stem)
    except ValueError:
        return None
    return digest if dot and len(digest) == _DIGEST_BYTES else None


def _is_older(path: Path, before_ms: int) -> bool:
    try:
        return path.stat().st_mtime_ns // 1_000_000 < before_ms
    except FileNotFoundError:
        return False
