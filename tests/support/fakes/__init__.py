"""Storage in memory. Each fake passes the conformance suite of its port."""

from tests.support.fakes.memory_blob_store import MemoryBlobStore
from tests.support.fakes.memory_catalog import MemoryCatalog

__all__ = ["MemoryBlobStore", "MemoryCatalog"]
