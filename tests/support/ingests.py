"""Ingests for tests: with limits that no test passes by accident."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core_ext import Cancel, IngestedPack, ObjectDb, PackIngest

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


def take_in(ingest: PackIngest, pack: bytes, known: ObjectDb | None = None, *, chunk_bytes: int = 65536) -> IngestedPack:
    """Feed a whole pack in pieces, and finish."""
    for start in range(0, len(pack), chunk_bytes):
        chunk = pack[start : start + chunk_bytes]
        assert ingest.feed(chunk) == len(chunk)
    return ingest.finish(known)
