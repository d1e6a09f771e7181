"""SQLite's errors as the port's."""

from __future__ import annotations

import sqlite3

from packengine.storage.ports import CatalogBusy, StorageError

_PRIMARY_CODE = 0xFF
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def storage_error(error: sqlite3.Error | OSError, what: object) -> StorageError:
    """The same error for callers that do not know SQLite. what: names the file."""
    code: int = getattr(error, "sqlite_errorcode", 0)  # absent where Python itself raised it
    kind = CatalogBusy if code & _PRIMARY_CODE in _BUSY else StorageError
    return kind(f"{what}: {error}")
