"""Who has used how much of a rate: a table of fixed size that all workers of a node share.

For each name a single number is kept, the time at which everything that was asked for would have been asked for at the
steady rate (the generic cell rate algorithm): where that lies too far ahead of the clock, the request is too much. A
name that has not come for a while is behind the clock, and forgetting it changes nothing.

The table is a file that is mapped, and never synced: a start begins with an empty one. A name belongs to one of the
sets; in a set the name that is least ahead gives way to a new one. The lock of a set is the kernel's, which frees it
when a process is killed. Nobody waits for it: who finds it taken again and again goes on without, and at worst a
request is not counted.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

from server.limits.rate import Rate

_SETS = 4096
_WAYS = 16
_SET = struct.Struct(f"={_WAYS}Q{_WAYS}Q")
"""The names of a set, then their times."""

_NUMBER = struct.Struct("=Q")
_TRIES = 64
LEDGER_BYTES = _SETS * _SET.size


class Ledger:
    """Counts for many names. One thread of each process."""

    def __init__(self, path: Path | None, key: bytes, *, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """path: the file that the processes of a node share, made if it is not there; None for this process alone.

        key: the same for all of them, and secret: or else names could be chosen to get in somebody's way.
        """
        self._file = -1 if path is None else _open(path)
        self._table = mmap.mmap(self._file, LEDGER_BYTES)
        self._key = key
        self._now_ns = now_ns

    def take(self, name: str, rate: Rate) -> int:
        """Count a request. 0 if it may go on; else in how many nanoseconds the next one may, and it is not counted."""
        number = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8, key=self._key).digest()) or 1
        start = number % _SETS * _SET.size
        is_locked = self._lock(start)
        try:
            return self._take(start, number, rate)
        finally:
            if is_locked:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, start)

    def close(self) -> None:
        """Unmap the table. The file stays."""
        self._table.close()
        if self._file >= 0:
            os.close(self._file)

    def _take(self, start: int, number: int, rate: Rate) -> int:
        now_ns = self._now_ns()
        entries: tuple[int, ...] = _SET.unpack_from(self._table, start)
        names, times = entries[:_WAYS], entries[_WAYS:]
        if number in names:
            way = names.index(number)
            ahead_ns = min(max(times[way] - now_ns, 0), rate.burst * rate.interval_ns)
        else:
            way, ahead_ns = times.index(min(times)), 0
        if ahead_ns > rate.slack_ns:
            return ahead_ns - rate.slack_ns
        _NUMBER.pack_into(self._table, start + way * 8, number)
        _NUMBER.pack_into(self._table, start + (_WAYS + way) * 8, now_ns + ahead_ns + rate.interval_ns)
        return 0

    def _lock(self, start: int) -> bool:
        """Whether there is a lock to be given back."""
        if self._file < 0:
            return False
        for _ in range(_TRIES):
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, start)
            except OSError:
                os.sched_yield()
            else:
                return True
        return False


def _open(path: Path) -> int:
    """Of the full size, zeroed where it is new: whoever comes first and whoever comes later do the same."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.ftruncate(file, LEDGER_BYTES)
    return file
