"""Any idx beside a good pack gives typed errors only, in every lookup, and passes verify only if it tells the truth."""

from __future__ import annotations

from contextlib import suppress

from core_ext import CoreError, ObjectDb, Pack
from fuzz import world
from fuzz.mutators.idx import ids, mutate
from tests.support.packs import database

__all__ = ["check", "mutate"]

MAX_OBJECT_BYTES = 1 << 16
NOWHERE = bytes(20)


def check(idx: bytes) -> None:
    """Raises if reading an idx breaks the rule."""
    pack_bytes, _ = world.pack_and_idx()
    try:
        pack = Pack.from_bytes(pack_bytes, idx, object_format="sha1")
        db = database([pack], max_object_bytes=MAX_OBJECT_BYTES)
    except CoreError:
        return
    assert pack.object_count == len(world.OBJECTS)
    for oid in {*ids(idx), *(stored.oid for stored in world.OBJECTS), NOWHERE}:
        look_up(db, oid)
    ask_the_graph(db, ids(idx))
    order_entries(pack)
    check_verdict(db)


def look_up(db: ObjectDb, oid: bytes) -> None:
    """Everything that can be asked about one object."""
    with suppress(CoreError):
        header = db.header(oid)
        assert (header is not None) == db.contains(oid)
        kind, content = db.read(oid)
        assert (kind, len(content)) == header
        db.peel(oid)


def ask_the_graph(db: ObjectDb, oids: list[bytes]) -> None:
    """Walks, and packs that are made of what the idx says: it may not fit, and then that is said."""
    for tip in oids:
        with suppress(CoreError):
            stream = db.stream_pack(db.reachable([tip]), client_holds=None, ofs_delta=True)
            while stream.read(4096):
                pass


def order_entries(pack: Pack) -> None:
    """The reverse index, if the offsets can be ordered."""
    with suppress(CoreError):
        assert len(pack.rev_bytes()) == 12 + 4 * pack.object_count + 40


def check_verdict(db: ObjectDb) -> None:
    """What verify lets pass is true."""
    try:
        count = db.verify()
    except CoreError:
        return
    assert count == len(world.OBJECTS)
    for stored in world.OBJECTS:
        assert db.read(stored.oid) == (stored.kind, stored.content)
