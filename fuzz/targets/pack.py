"""Any bytes, in any chunking, give a pack that reads back or a CoreError; memory is bounded, no file is left behind."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from core_ext import CoreError, IngestedPack, LimitExceeded, MissingObject, ObjectDb, Pack, PackIngest
from fuzz import world
from fuzz.mutators.pack import mutate
from fuzz.pieces import random_cut
from tests.support import git_objects
from tests.support.packs import database

if TYPE_CHECKING:
    from core_ext._core import Kind

__all__ = ["check", "mutate"]

MAX_OBJECTS = 64
MAX_OBJECT_BYTES = 1 << 15
MAX_DELTA_DEPTH = 6
MAX_TIPS = 4
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
    with suppress(CoreError):
        received = feed(ingest, pieces)
        result = ingest.finish(world.known())
        digest = result.digest
    if digest:  # only now: nothing of what follows may be refused
        check_result(result, received)
        check_closure(result, folder)
        del result
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
    """Missing edges are those that the twin misses; without them nothing is lacking; a tip is whole or refused."""
    known, own = world.known(), read_back(result.pack())
    oids = own.all_objects().oids(limit=2 * MAX_OBJECTS)
    edges = {edge for oid in oids for edge in git_objects.edges(*own.read(oid), "sha1")}
    missing = {(oid, kind) for oid, kind in edges if kind not in (kind_in(own, oid), kind_in(known, oid))}
    assert set(result.missing_edges(known, limit=1 << 20)) == missing
    new = {oid for oid in oids if not known.contains(oid)}
    assert result.unreferenced([], known) == len(new - {oid for oid, _ in edges})

    try:
        rest = without_broken(result, folder, [])
    except LimitExceeded:
        return  # what stood on a broken object is no delta any more, and all together may be too much
    assert rest is not None, "no tip was named, so none can need what is missing"
    assert rest.missing_edges(known, limit=1) == []
    assert missing or rest.object_count == result.object_count
    kept = read_back(rest.pack())
    assert kept.verify() == rest.object_count
    del rest
    for oid in oids[:MAX_TIPS]:
        assert (without_broken(result, folder, [oid]) is not None) == kept.contains(oid)
    assert without_broken(result, folder, [bytes(20)]) is None


def kind_in(db: ObjectDb, oid: bytes) -> Kind | None:
    """The kind of an object, if it is there."""
    header = db.header(oid)
    return None if header is None else header[0]


def without_broken(result: IngestedPack, folder: Path, tips: list[bytes]) -> IngestedPack | None:
    """The objects whose closure is whole, or None if a tip is not among them."""
    try:
        return result.without_broken(str(folder / "rest.pack"), tips, world.known())
    except MissingObject:
        return None


def read_back(pack: Pack) -> ObjectDb:
    """A database of the pack alone, with the limits that it was accepted under."""
    return database([pack], max_object_bytes=MAX_OBJECT_BYTES, max_delta_depth=MAX_DELTA_DEPTH)
