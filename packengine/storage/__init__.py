"""Where repositories are kept: the two ports, and their embedded implementations (files, SQLite)."""

from packengine.storage.file_blob_store import FileBlobStore

__all__ = ["FileBlobStore"]
