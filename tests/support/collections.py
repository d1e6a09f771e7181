"""Collecting garbage in tests, and what is to be there afterwards."""

from __future__ import annotations

from pathlib import Path

from core_ext import Cancel
from packengine.maintenance import CollectionReport, Collector
from packengine.maintenance.named import Marker
from packengine.maintenance.retention import Windows
from packengine.repository import Engine, Limits
from packengine.repository.progress import no_progress
from packengine.storage.ports import BlobKey, RowKey
from tests.support.engines import Project
from tests.support.moved_clock import MovedClock

COLLECTED = Limits(tail_pack_bytes=2000)
"""With small packs as blobs, and all windows as they are by default: 30 days, 7 days, one day."""


def collect(engine: Engine) -> CollectionReport:
    """A whole collection, as of now."""
    return Collector(engine.parts).collect(no_progress, Cancel())


def stored_rows(engine: Engine) -> set[RowKey]:
    """Every row that is stored, indexes apart."""
    return set(engine.catalog.row_keys(after=None, limit=1_000_000))


def stored_blobs(engine: Engine) -> set[BlobKey]:
    """Every blob that is stored."""
    return set(engine.parts.blobs.stored())


def derived_files(engine: Engine) -> set[str]:
    """The names of derived files of packs."""
    return {path.name for path in engine.parts.derived.iterdir() if path.is_file() and len(path.stem) == 64}


def assert_nothing_but_what_is_named(engine: Engine, clock: MovedClock) -> None:
    """What is stored is exactly what pointers name, with the states that are in the window now."""
    windows = Windows.at(clock.now_ms, engine.limits)
    named = Marker(engine.catalog, windows.history_ms).run(no_progress, Cancel())
    assert all(named.has_row(key) for key in stored_rows(engine))
    assert stored_blobs(engine) == named.blobs
    assert {bytes.fromhex(name[:64]) for name in derived_files(engine)} <= named.blob_digests | named.tail_packs


def holds(project: Project, value: bytes) -> bool:
    """Whether the newest packs hold all that a value reaches."""
    objects = project.engine.parts.loader.objects(project.manifest)
    return all(objects.contains(oid) for oid in project.objects.closure([value]))


def reopened(engine: Engine, folder: Path) -> Engine:
    """The same folder as a process sees it that remembers nothing."""
    engine.close()
    return Engine.open(folder, limits=engine.limits)
