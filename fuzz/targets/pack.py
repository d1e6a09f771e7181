"""Any bytes, in any chunking, give a pack that reads back or a CoreError; memory is bounded, no file is left behind."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from core_ext import CoreError, IngestedPack, MissingObject, ObjectDb, Pack, PackIngest
from fuzz import world
from fuzz.mutators.pack import mutate
from fuzz.pieces import random_cut
from tests.support.packs import database

__all__ = ["check", "mutate"]

MAX_OBJECTS = 64
MAX_OBJECT_BYTES = 1 << 15
MAX_DELTA_DEPTH = 6
IN_MEMORY, IN_FILE = 1 << 20, 0


def check(data: bytes) -> None:
    """Raises if ingest breaks the rule."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = outcome(folder, [data], spill_bytes=IN_MEMORY, threads=1)
        pieces = outcome(folder, random_cut(data), spill_bytes=IN_FILE, threads=2)
        small = outcome(folder, [data[at : at + 7] for at in range(0, len(data), 7)], spill_bytes=100, threads=1)
        assert whole == pieces == small


def outcome(folder: Path, pieces: list[bytes], *, spill_bytes: int, threads: int) -> bytes | None:
    """The digest of the pack, if it was accepted."""
    ingest = PackIngest(
        str(folder / "incoming.pack"),
        object_format="sha1",
        spill_bytes=spill_bytes,
        max_pack_bytes=1 << 16,
        max_objects=MAX_OBJECTS,
        max_object_bytes=MAX_OBJECT_BYTES,
        max_resident_object_bytes=MAX_OBJECT_BYTES // 2,
        max_inflated_bytes=1 << 18,
        max_delta_depth=MAX_DELTA_DEPTH,
        base_cache_bytes=1 << 10,
        threads=threads,
    )
    digest = None
    try:
        received = feed(ingest, pieces)
        result = ingest.finish(world.known())
        check_result(result, received)
        check_closure(result, folder)
        digest = result.digest
        del result
    except CoreError:
        pass
    del ingest
    assert not list(folder.iterdir()), f"left behind: {[path.name for path in folder.iterdir()]}"
    return digest


def feed(ingest: PackIngest, pieces: list[bytes]) -> bytes:
    """What of the pieces belonged to the pack."""
    received = b""
    for piece in pieces:
        used = ingest.feed(piece)
        received += piece[:used]
        if used < len(piece):
            break
    return received


def check_result(result: IngestedPack, received: bytes) -> None:
    """An accepted pack is what it says, reads back whole, and is indexed as any pack is."""
    pack, idx = result.pack_bytes(), result.idx_bytes()
    assert result.digest == hashlib.sha256(pack).digest()
    assert result.size_bytes == len(pack)
    assert pack.endswith(result.checksum)
    assert result.thin_base_count or pack == received
    assert 0 <= result.thin_base_count <= result.object_count <= MAX_OBJECTS + result.thin_base_count
    assert read_back(result.pack()).verify() == result.object_count
    assert read_back(Pack.from_bytes(pack, idx, object_format="sha1")).verify() == result.object_count
    assert Pack.from_bytes(pack, None, object_format="sha1").idx_bytes() == idx


def check_closure(result: IngestedPack, folder: Path) -> None:
    """What is left when broken objects are dropped lacks nothing; a whole pack loses nothing."""
    known = world.known()
    is_whole = not result.missing_edges(known, limit=MAX_OBJECTS)
    assert 0 <= result.unreferenced([], known) <= result.object_count
    try:
        rest = result.without_broken(str(folder / "rest.pack"), [], known)
    except MissingObject as error:
        raise AssertionError("no tip was named, so none can need what is missing") from error
    assert rest.missing_edges(known, limit=1) == []
    assert read_back(rest.pack()).verify() == rest.object_count
    if is_whole:
        assert rest.object_count == result.object_count


def read_back(pack: Pack) -> ObjectDb:
    """A database of the pack alone, with the limits that it was accepted under."""
    return database([pack], max_object_bytes=MAX_OBJECT_BYTES, max_delta_depth=MAX_DELTA_DEPTH)
