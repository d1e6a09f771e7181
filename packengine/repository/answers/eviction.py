"""Which entries stay when there is no room for all: those that save most building time for the bytes they take.

Each use of an entry raises its rank by what it saved: seconds of building for each MiB. What is evicted raises the
floor, from which ranks are counted, so that an entry nobody asks for is overtaken sooner or later (GreedyDual-Size,
with four uses remembered). The rank is the file's modification time, in nanoseconds since 1970, and the floor's that of
a file beside them: processes share them without a table, and nothing is lost but a use when two write at once.

Measured on made-up traces (tests/unit/test_answer_eviction.py prints them): 1.2 to 2.3 times the building time that LRU
saves, for there a full clone pushes out a hundred depth-1 ones, and is hardly dearer to build than one of them.
Counting every use there ever was (GDSF) saves 0 to 2 % of the building time more, and needs a table.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import BinaryIO

_NS = 1_000_000_000
_MIB = 1 << 20
_LEAST_CHARGE_BYTES = 16 * 1024
"""What an entry counts at least: so the number of files is bounded, too, and tiny ones do not stay for ever."""

_USES_REMEMBERED = 4
_RANK_S_PER_S_PER_MIB = 1000


def charged_bytes(size_bytes: int) -> int:
    """What an entry counts against the bound."""
    return max(size_bytes, _LEAST_CHARGE_BYTES)


def next_rank_ns(rank_ns: int, floor_ns: int, *, build_us: int, size_bytes: int) -> int:
    """The rank of an entry after one more use. rank_ns: 0 for a new one."""
    saved_ns = build_us * _RANK_S_PER_S_PER_MIB * _NS // 1_000_000 * _MIB // charged_bytes(size_bytes)
    return min(max(rank_ns, floor_ns) + saved_ns, floor_ns + _USES_REMEMBERED * saved_ns)


class Evictor:
    """Keeps the entries of a folder within a bound.

    A process looks at them all only once it has added a 128th of the bound since it last did, and then makes room for
    an eighth: so sixteen processes stay within it together, and looking costs a few microseconds an entry.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._floor_path = folder / "floor"
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._unseen_bytes = max_bytes
        self.count = 0
        """Entries evicted by this process."""

    def use(self, descriptor: int, *, build_us: int, is_new: bool) -> None:
        """Raise an entry's rank."""
        status = os.fstat(descriptor)
        rank_ns = 0 if is_new else status.st_mtime_ns
        rank_ns = next_rank_ns(rank_ns, self._floor_ns(), build_us=build_us, size_bytes=status.st_size)
        os.utime(descriptor, ns=(status.st_atime_ns, rank_ns))

    def make_room(self, added_bytes: int) -> None:
        """Evict if it is time to look; `added_bytes` have just been added."""
        with self._lock:
            self._unseen_bytes += charged_bytes(added_bytes)
            if self._unseen_bytes <= self._max_bytes // 128:
                return
            self._unseen_bytes = 0
        with self._open_floor() as floor:
            try:
                fcntl.flock(floor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # another process is at it
            self._evict(floor.fileno())

    def _open_floor(self) -> BinaryIO:
        """The file whose time is the floor: 0 from the moment it has its name."""
        if not self._floor_path.exists():
            new = self._floor_path.with_suffix(f".{os.getpid()}")
            new.touch()
            os.utime(new, ns=(0, 0))
            new.replace(self._floor_path)
        return self._floor_path.open("rb", buffering=0)

    def _evict(self, floor: int) -> None:
        entries = sorted(self._entries())
        total = sum(charged for _, charged, _ in entries)
        if total <= self._max_bytes:
            return
        for rank_ns, charged, path in entries:
            if total <= self._max_bytes - self._max_bytes // 8:
                break
            path.unlink(missing_ok=True)
            total -= charged
            self.count += 1
            os.utime(floor, ns=(0, max(rank_ns, self._floor_ns())))

    def _entries(self) -> Iterator[tuple[int, int, Path]]:
        """(rank, charge, path) of each."""
        for path in self._folder.glob("??/*"):
            try:
                status = path.stat()
            except FileNotFoundError:  # dropped by another process
                continue
            yield status.st_mtime_ns, charged_bytes(status.st_size), path

    def _floor_ns(self) -> int:
        try:
            return self._floor_path.stat().st_mtime_ns
        except FileNotFoundError:
            return 0
