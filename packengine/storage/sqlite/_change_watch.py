"""Whether anything was committed to the file, by whichever process, without reading what.

`PRAGMA data_version` is another number after each commit that another connection made. This connection makes none, so
that every commit is another's: also those of this process, whose writer has a connection of its own. The number comes
out of the shared memory of the write-ahead log: two locks and a comparison, three microseconds.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from threading import Lock

from packengine.storage.sqlite._connections import open_reader


class ChangeWatch:
    """Thread-safe. Numbers of two watches have nothing to do with each other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = open_reader(path, wait_s=0)

    def mark(self) -> int | None:
        """The number as of now. None if it is not to be had at once: the log is being recovered, or this is closed."""
        with self._lock:
            if self._connection is None:
                return None
            try:
                (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error:
                return None  # whoever reads on is told why by the read itself
        return int(version)

    def close(self) -> None:
        """Idempotent."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
