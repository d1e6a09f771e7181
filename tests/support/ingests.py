"""Ingests for tests: with limits that no test passes by accident."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core_ext import Cancel, CoreError, IngestedPack, ObjectDb, Pack, PackBuilder, PackIngest
from tests.support.packs import database

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core_ext._core import ObjectFormat, Severity

MIB = 1 << 20


def open_ingest(
    path: Path,
    *,
    object_format: ObjectFormat = "sha1",
    spill_bytes: int = 0,
    max_pack_bytes: int = 1024 * MIB,
    max_objects: int = 1_000_000,
    max_object_bytes: int = 256 * MIB,
    max_resident_object_bytes: int = 64 * MIB,
    max_inflated_bytes: int = 4096 * MIB,
    max_delta_depth: int = 4095,
    base_cache_bytes: int = 16 * MIB,
    threads: int = 2,
    severities: Mapping[str, Severity] | None = None,
    cancel: Cancel | None = None,
) -> PackIngest:
    """An ingest that lies in the file at `path`, unless `spill_bytes` says otherwise."""
    return PackIngest(
        str(path),
        object_format=object_format,
        spill_bytes=spill_bytes,
        max_pack_bytes=max_pack_bytes,
        max_objects=max_objects,
        max_object_bytes=max_object_bytes,
        max_resident_object_bytes=max_resident_object_bytes,
        max_inflated_bytes=max_inflated_bytes,
        max_delta_depth=max_delta_depth,
        base_cache_bytes=base_cache_bytes,
        threads=threads,
        severities=severities,
        cancel=cancel,
    )


def take_in(
    ingest: PackIngest, pack: bytes, known: ObjectDb | None = None, *, chunk_bytes: int = 65536
) -> IngestedPack:
    """Feed a whole pack in pieces, and finish."""
    for start in range(0, len(pack), chunk_bytes):
        chunk = pack[start : start + chunk_bytes]
        assert ingest.feed(chunk) == len(chunk)
    return ingest.finish(known)


def refuse(folder: Path, pack: bytes, error: type[CoreError], match: str, known: ObjectDb | None = None) -> None:
    """The pack is refused in pieces of any size, on disk and in memory, and leaves nothing in the folder."""
    for chunk_bytes in (1, 7, 1 << 30):
        for spill_bytes in (0, 1 << 30):
            ingest = open_ingest(folder / "x.pack", spill_bytes=spill_bytes)
            with pytest.raises(error, match=match):
                take_in(ingest, pack, known, chunk_bytes=chunk_bytes)
            assert list(folder.iterdir()) == []


def known_blobs(*contents: bytes) -> ObjectDb:
    """A database of blobs."""
    builder = PackBuilder(object_format="sha1")
    for content in contents:
        builder.add("blob", content)
    return database([Pack.from_bytes(builder.finish(), None, object_format="sha1")])
