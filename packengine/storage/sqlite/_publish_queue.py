"""A queue, between the processes that share a catalog, of those who publish to one repository.

Nothing depends on it: the compare-and-swap alone decides. It spares work. Of two processes that derive a publish from
the same state one is always too late, and who waits until the other one is through meanwhile gathers what comes to be
published in one go. So nobody waits for long: a process that hangs holds nobody up.

The locks are bytes of a file, which the kernel frees when a process dies. Before the lock stands a turnstile, as in
`_write_lock`: whoever gives the lock back queues up behind those who wait.
"""

from __future__ import annotations

import fcntl
import os
import time
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PLACES = 65_536
"""Repositories that share a place wait for each other now and then, which is no harm."""

_PATIENCE_S = 0.05
_LOOK_EVERY_S = 0.0002


class PublishQueue:
    """Thread-safe; threads of one process let each other pass."""

    def __init__(self, database: Path) -> None:
        path = database.with_name(f"{database.name}-queue")
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._closing = weakref.finalize(self, os.close, self._fd)

    @contextmanager
    def turn(self, repository_id: str) -> Iterator[None]:
        """In the body of the `with` other processes wait, unless it takes long."""
        turnstile = 2 * (zlib.crc32(repository_id.encode()) % _PLACES)
        until_s = time.monotonic() + _PATIENCE_S
        try:
            if self._wait(turnstile, until_s):
                self._wait(turnstile + 1, until_s)
                self._free(turnstile)
            yield
        finally:
            self._free(turnstile + 1)

    def close(self) -> None:
        """Give back what is held. Whoever comes later waits for nobody."""
        self._closing()

    def _wait(self, place: int, until_s: float) -> bool:
        while not self._take(place):
            if time.monotonic() >= until_s:
                return False
            time.sleep(_LOOK_EVERY_S)
        return True

    def _take(self, place: int) -> bool:
        if not self._closing.alive:
            return False
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:  # somebody has it; or there are no locks to be had, and then nobody waits for long
            return False
        return True

    def _free(self, place: int) -> None:
        if self._closing.alive:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, place)
