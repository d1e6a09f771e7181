"""Whatever happens to the bytes of a pack or of its idx: an error or the true content, and never a panic."""

from __future__ import annotations

from contextlib import suppress
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_ext import CoreError, CorruptIndex, CorruptPack, LimitExceeded, MissingObject, ObjectDb, Pack, hash_object
from tests.support import content
from tests.support.packs import database, git_objects, pack_path

HEADER_LEN = 12
TRAILER_LEN = 20
MAX_OBJECT_BYTES = 1 << 24

edits = st.lists(st.tuples(st.integers(0, 1 << 30), st.binary(min_size=1, max_size=8)), min_size=1, max_size=5)


@cache
def stored() -> tuple[bytes, bytes, list[bytes]]:
    """A real pack, its idx and the ids in it."""
    repository = content.cached_history(content.SMALL)
    path = pack_path(repository)
    return path.read_bytes(), path.with_suffix(".idx").read_bytes(), [oid for oid, _, _ in git_objects(repository)]


def edited(data: bytes, edits: list[tuple[int, bytes]], first: int, end: int) -> bytes:
    """Overwrite places between `first` and `end`."""
    changed = bytearray(data)
    for at, new in edits:
        start = first + at % (end - first)
        changed[start : min(end, start + len(new))] = new[: end - start]
    return bytes(changed)


def look_at_everything(db: ObjectDb, oids: list[bytes]) -> None:
    """Read each object: an error of the right class, or what its header announces."""
    for oid in oids:
        with suppress(CorruptPack, MissingObject, LimitExceeded):
            header = db.header(oid)
            kind, data = db.read(oid)
            assert header == (kind, len(data))


@given(edits)
def test_an_edited_pack_is_found_out_by_verify(changes: list[tuple[int, bytes]]) -> None:
    pack, idx, oids = stored()
    damaged = edited(pack, changes, HEADER_LEN, len(pack) - TRAILER_LEN)
    db = database([Pack.from_bytes(damaged, idx, object_format="sha1")], max_object_bytes=MAX_OBJECT_BYTES)
    look_at_everything(db, oids)
    if damaged == pack:
        assert db.verify() == len(oids)
    else:
        with pytest.raises(CorruptPack):
            db.verify()


@given(edits)
def test_an_edited_idx_is_refused_or_found_out_by_verify(changes: list[tuple[int, bytes]]) -> None:
    pack, idx, oids = stored()
    damaged = edited(idx, changes, 0, len(idx))
    try:
        db = database([Pack.from_bytes(pack, damaged, object_format="sha1")], max_object_bytes=MAX_OBJECT_BYTES)
    except CorruptIndex:
        return
    look_at_everything(db, oids)
    if damaged == idx:
        assert db.verify() == len(oids)
    else:
        with pytest.raises((CorruptIndex, CorruptPack)):
            db.verify()


@given(st.data())
def test_a_truncated_pack_or_idx_is_refused(data: st.DataObject) -> None:
    pack, idx, _ = stored()
    if data.draw(st.booleans(), label="cut the pack"):
        pack = pack[: data.draw(st.integers(0, len(pack) - 1))]
    else:
        idx = idx[: data.draw(st.integers(0, len(idx) - 1))]
    with pytest.raises((CorruptIndex, CorruptPack)):
        Pack.from_bytes(pack, idx, object_format="sha1")


@given(st.binary(max_size=3000), st.binary(max_size=300))
def test_noise_is_no_pack(idx: bytes, pack: bytes) -> None:
    with pytest.raises(CoreError):
        Pack.from_bytes(pack, idx, object_format="sha1")


@given(st.data())
def test_every_read_hashes_to_its_name_whatever_the_cache_holds(data: st.DataObject) -> None:
    pack, idx, oids = stored()
    cache_bytes = data.draw(st.integers(0, 1 << 20))
    db = database([Pack.from_bytes(pack, idx, object_format="sha1")], cache_bytes=cache_bytes)
    for oid in data.draw(st.lists(st.sampled_from(oids), max_size=50)):
        kind, found = db.read(oid)
        assert hash_object(kind, found, object_format="sha1") == oid
