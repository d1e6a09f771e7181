"""A fair lock between the processes that share a catalog.

SQLite's own lock is taken by whoever happens to poll it first after it fell free, and a process with much to write
finds it free again and again before a sleeping one wakes. Here the next holder stands at a turnstile: a second lock,
kept while waiting for the first. Whoever gives the lock back has to pass the turnstile again, which the waiting one
leaves only with the lock in its hand. The kernel queues those who wait, and frees both locks of a process that dies.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self


class WriteLock:
    """One holder among all processes and all WriteLock objects on these files. For one thread at a time."""

    def __init__(self, database: Path) -> None:
        self._turnstile = _lock_file(database, "turn")
        self._lock = _lock_file(database, "lock")

    def acquire(self) -> None:
        """Wait for the lock, in turn. Raises OSError."""
        fcntl.flock(self._turnstile, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._turnstile, fcntl.LOCK_UN)

    def acquire_at_once(self) -> bool:
        """Take the lock if nobody has it and nobody waits for it. Returns whether it is held now.

        False also where it cannot be taken at all: who waits for it then is told why.
        """
        try:
            fcntl.flock(self._turnstile, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            fcntl.flock(self._turnstile, fcntl.LOCK_UN)
        return True

    def release(self) -> None:
        """Let the next one have it."""
        fcntl.flock(self._lock, fcntl.LOCK_UN)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def close(self) -> None:
        """Give back what is held."""
        self._turnstile.close()
        self._lock.close()


def _lock_file(database: Path, purpose: str) -> BinaryIO:
    return database.with_name(f"{database.name}-{purpose}").open("ab", buffering=0)
