"""Where repositories are kept: the two ports, and their embedded implementations (files, SQLite)."""

from packengine.storage._keys import derive_key
from packengine.storage._quarantine import quarantine_folder, sweep
from packengine.storage.file_blob_store import FileBlobStore
from packengine.storage.sqlite import SqliteCatalog, WriteStats

__all__ = ["FileBlobStore", "SqliteCatalog", "WriteStats", "derive_key", "quarantine_folder", "sweep"]
