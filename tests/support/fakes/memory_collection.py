"""The part of the catalog in dictionaries that leases, readers and collections use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import RLock

from packengine.storage.ports import (
    BlobKey,
    CondemnedBlob,
    Digest,
    LeaseRecord,
    MarkLost,
    ReaderRecord,
    RowKey,
)


class MemoryLeases:
    """Leases and readers."""

    def __init__(self) -> None:
        self._leases_lock = RLock()
        self._leases: dict[str, LeaseRecord] = {}
        self._readers: dict[str, ReaderRecord] = {}

    def take_lease(self, name: str, holder: str, *, now_ms: int, ttl_ms: int) -> bool:
        """Take or renew."""
        with self._leases_lock:
            known = self._leases.get(name)
            if known is not None and known.holder != holder and known.expires_at_ms > now_ms:
                return False
            self._leases[name] = LeaseRecord(holder, now_ms + ttl_ms)
            return True

    def release_lease(self, name: str, holder: str) -> None:
        """Give back one's own."""
        with self._leases_lock:
            known = self._leases.get(name)
            if known is not None and known.holder == holder:
                del self._leases[name]

    def lease_holder(self, name: str) -> LeaseRecord | None:
        """Who took it last."""
        return self._leases.get(name)

    def add_reader(self, reader_id: str, *, oldest_open_ms: int, now_ms: int, ttl_ms: int) -> None:
        """A new one."""
        self._readers[reader_id] = ReaderRecord(reader_id, oldest_open_ms, now_ms + ttl_ms)

    def renew_reader(self, reader_id: str, *, oldest_open_ms: int, now_ms: int, ttl_ms: int) -> bool:
        """False: taken out."""
        with self._leases_lock:
            if reader_id not in self._readers:
                return False
            self._readers[reader_id] = ReaderRecord(reader_id, oldest_open_ms, now_ms + ttl_ms)
            return True

    def remove_reader(self, reader_id: str) -> None:
        """It reads no more."""
        self._readers.pop(reader_id, None)

    def readers(self) -> Sequence[ReaderRecord]:
        """All of them, the slowest first."""
        return sorted(self._readers.values(), key=lambda each: (each.oldest_open_ms, each.id))

    def expire_readers(self, now_ms: int) -> int:
        """Take out those whose time is over."""
        with self._leases_lock:
            late = [each.id for each in self._readers.values() if each.expires_at_ms <= now_ms]
            for reader_id in late:
                del self._readers[reader_id]
            return len(late)


@dataclass
class Condemnations:
    """What is condemned since when, and the notes of a mark. Its owner holds a lock."""

    rows: dict[RowKey, int] = field(default_factory=dict)
    blobs: dict[BlobKey, int | None] = field(default_factory=dict)
    """None: deleted, and spent."""

    mark: int = 0
    noted: set[RowKey | BlobKey] | None = None
    """None while no mark is under way."""

    def check(self, blobs: Iterable[BlobKey]) -> None:
        """Raises CondemnedBlob."""
        for blob in blobs:
            if blob.generation < self.next_generation(blob.digest):
                raise CondemnedBlob(f"blob {blob.digest.hex()}, generation {blob.generation}")

    def name(self, keys: Iterable[RowKey | BlobKey]) -> None:
        """Somebody names these."""
        for key in keys:
            if isinstance(key, RowKey):
                self.rows.pop(key, None)
            if self.noted is not None:
                self.noted.add(key)

    def next_generation(self, digest: Digest) -> int:
        """One more than the highest that was condemned."""
        return max((key.generation + 1 for key in self.blobs if key.digest == digest), default=0)

    def begin_mark(self) -> int:
        """Take notes."""
        self.mark += 1
        self.noted = set()
        return self.mark

    def end_mark(self, mark: int) -> None:
        """Take no more."""
        if mark == self.mark:
            self.noted = None

    def condemn(self, mark: int, rows: Sequence[RowKey], blobs: Sequence[BlobKey], now_ms: int) -> int:
        """What nobody named meanwhile. rows: those that are stored."""
        if mark != self.mark or self.noted is None:
            raise MarkLost(f"mark {mark}")
        new_rows = {key for key in rows if key not in self.noted and key not in self.rows}
        new_blobs = {key for key in blobs if key not in self.noted and self.blobs.get(key) is None}
        self.rows.update(dict.fromkeys(new_rows, now_ms))
        self.blobs.update(dict.fromkeys(new_blobs, now_ms))
        return len(new_rows) + len(new_blobs)

    def due_rows(self, before_ms: int) -> list[RowKey]:
        """Condemned before."""
        return [key for key, condemned_at_ms in self.rows.items() if condemned_at_ms < before_ms]

    def due_blobs(self, before_ms: int) -> list[BlobKey]:
        """Condemned before and not deleted."""
        return [key for key, at_ms in self.blobs.items() if at_ms is not None and at_ms < before_ms]

    def forget(self, blobs: Sequence[BlobKey]) -> None:
        """They are deleted."""
        for blob in blobs:
            if blob in self.blobs:
                self.blobs[blob] = None
