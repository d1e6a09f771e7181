"""Connections for reading, kept for the next call."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packengine.storage.ports import StorageError
from packengine.storage.sqlite._connections import open_reader
from packengine.storage.sqlite._errors import storage_error


class ReaderPool:
    """As many connections as there were ever readers at once; the one used last, and so the warmest, is next.

    In WAL mode a reader neither waits for the writer nor holds it up.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection for the body of a `with`. A transaction begun there ends there. Raises StorageError."""
        connection = self._take()
        try:
            yield connection
        except sqlite3.Error as error:
            raise storage_error(error, self._path) from error
        finally:
            if connection.in_transaction:
                connection.rollback()
            self._give_back(connection)

    def close(self) -> None:
        """Close what is idle now, and the others when they come back."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> sqlite3.Connection:
        if self._closed:
            raise StorageError(f"{self._path}: the catalog is closed")
        try:
            return self._idle.pop()
        except IndexError:  # atomic, unlike a look before the pop
            pass
        try:
            return open_reader(self._path)
        except sqlite3.Error as error:
            raise storage_error(error, self._path) from error

    def _give_back(self, connection: sqlite3.Connection) -> None:
        self._idle.append(connection)
        if self._closed:
            self.close()
