"""Any bitmap file beside a good pack gives typed errors only, and answers of objects that are in the pack."""

from __future__ import annotations

import os
from contextlib import suppress

from core_ext import CoreError, ObjectDb, ObjectFilter, ObjectSet, Pack
from fuzz import world
from fuzz.mutators.bitmap import mutate
from tests.support.packs import database

__all__ = ["check", "mutate"]

KNOWN = {stored.oid for stored in world.OBJECTS}
QUESTIONS: list[tuple[list[bytes], list[ObjectFilter]]] = [
    ([world.COMMIT.oid], []),
    ([], [ObjectFilter.blob_none()]),
    ([], [ObjectFilter.blob_limit(400)]),
    ([world.TREE.oid], [ObjectFilter.tree_depth(1)]),
]


def check(bitmap: bytes) -> None:
    """Raises if reading bitmaps breaks the rule."""
    pack = Pack.from_bytes(*world.pack_and_idx(), object_format="sha1")
    try:
        attach(pack, bitmap)
    except CoreError:
        assert not pack.has_bitmaps
        return
    assert pack.has_bitmaps
    db = database([pack])
    for stored in world.OBJECTS:
        look_up(db, stored.oid)
    with suppress(CoreError):
        assert db.count_commits([world.COMMIT.oid]) <= len(KNOWN)
    send(db)


def attach(pack: Pack, bitmap: bytes) -> None:
    """A file that is nowhere."""
    descriptor = os.memfd_create("bitmap")
    try:
        os.write(descriptor, bitmap)
        pack.attach_bitmaps(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def look_up(db: ObjectDb, tip: bytes) -> None:
    """Whatever an answer is, it is made of what is there."""
    with suppress(CoreError):
        assert tip in held(db.reachable([tip]))
    for haves, filters in QUESTIONS:
        with suppress(CoreError):
            for objects in db.select([tip], haves, filters=filters):
                held(objects)


def held(objects: ObjectSet) -> set[bytes]:
    """The members, all of which are in the pack."""
    members = set(objects.oids(limit=1 << 10))
    assert members <= KNOWN
    return members


def send(db: ObjectDb) -> None:
    """A pack of what is said to be reachable."""
    with suppress(CoreError):
        stream = db.stream_pack(db.reachable([world.TAG.oid]), client_holds=None, ofs_delta=True)
        while stream.read(4096):
            pass
