"""The catalog in an SQLite file."""

from packengine.storage.sqlite._group_writer import WriteStats
from packengine.storage.sqlite.catalog import SqliteCatalog

__all__ = ["SqliteCatalog", "WriteStats"]
