"""What an engine is made of, for what works beside the requests: maintenance."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packengine.repository.limits import Limits
from packengine.repository.merging import Merger
from packengine.repository.packs import PackShelf
from packengine.repository.publish import Publisher
from packengine.repository.state import StateLoader
from packengine.storage.ports import BlobStore, Catalog


@dataclass(frozen=True, slots=True)
class EngineParts:
    """Shared with the engine: a state that one has loaded, the other need not load again."""

    catalog: Catalog
    blobs: BlobStore
    shelf: PackShelf
    loader: StateLoader
    publisher: Publisher
    merger: Merger
    derived: Path
    limits: Limits
