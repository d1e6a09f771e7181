"""PackIngest: a pack means the same however it is cut, and damage is an error and nothing else."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from core_ext import CoreError, IngestedPack
from tests.support import content, forged_packs
from tests.support.ingests import open_ingest, take_in
from tests.support.packs import database, pack_path

contents = st.lists(st.binary(max_size=100), min_size=1, max_size=8, unique=True)


@st.composite
def small_packs(draw: st.DrawFn) -> tuple[bytes, dict[bytes, bytes]]:
    """(a pack of blobs whole and as deltas of both sorts, what it holds)."""
    entries: list[bytes] = []
    blobs: list[bytes] = []
    for tail in draw(contents):
        if not blobs or draw(st.booleans()):
            blob, entry = tail, forged_packs.whole("blob", tail)
        else:
            at = draw(st.integers(0, len(blobs) - 1))
            blob, delta = blobs[at] + tail, forged_packs.inserting(blobs[at], tail)
            by_id = draw(st.booleans())
            distance = sum(map(len, entries[at:]))
            base = forged_packs.name("blob", blobs[at])
            entry = forged_packs.ref_delta(base, delta) if by_id else forged_packs.ofs_delta(distance, delta)
        if blob not in blobs:
            blobs.append(blob)
            entries.append(entry)
    return forged_packs.pack(entries), {forged_packs.name("blob", blob): blob for blob in blobs}


def fed_in_pieces(pack: bytes, cuts: list[int], *, spill_bytes: int, threads: int) -> tuple[bytes, bytes, bytes]:
    with TemporaryDirectory() as folder:
        ingest = open_ingest(Path(folder) / "x.pack", spill_bytes=spill_bytes, threads=threads)
        edges = [0, *sorted(cuts), len(pack)]
        for start, end in pairwise(edges):
            assert ingest.feed(pack[start:end]) == end - start
        ingested = ingest.finish(None)
        return ingested.pack_bytes(), ingested.idx_bytes(), ingested.digest


@given(small_packs(), st.data(), st.sampled_from([0, 50, 1 << 20]), st.integers(1, 3))
def test_pieces_of_any_size_give_the_same_pack(
    made: tuple[bytes, dict[bytes, bytes]], data: st.DataObject, spill_bytes: int, threads: int
) -> None:
    pack, _ = made
    whole = fed_in_pieces(pack, [], spill_bytes=1 << 20, threads=1)
    cuts = data.draw(st.lists(st.integers(0, len(pack)), max_size=20))
    assert fed_in_pieces(pack, cuts, spill_bytes=spill_bytes, threads=threads) == whole
    assert fed_in_pieces(pack, list(range(len(pack))), spill_bytes=spill_bytes, threads=threads) == whole


@given(small_packs())
def test_a_pack_holds_what_was_put_in(made: tuple[bytes, dict[bytes, bytes]]) -> None:
    pack, objects = made
    with TemporaryDirectory() as folder:
        db = database([take_in(open_ingest(Path(folder) / "x.pack"), pack).pack()])
        assert {oid: db.read(oid)[1] for oid in db.all_objects().oids(limit=100)} == objects


@cache
def stored() -> bytes:
    return pack_path(content.cached_history(content.SMALL)).read_bytes()


@given(st.integers(0), st.integers(1, 255), st.sampled_from([1000, 1 << 20]))
def test_one_wrong_byte_is_an_error_and_leaves_nothing(place: int, change: int, chunk_bytes: int) -> None:
    damaged = bytearray(stored())
    damaged[place % len(damaged)] ^= change
    with TemporaryDirectory() as folder:
        ingested: IngestedPack | None = None
        try:
            ingested = take_in(open_ingest(Path(folder) / "x.pack"), bytes(damaged), chunk_bytes=chunk_bytes)
        except CoreError:
            assert list(Path(folder).iterdir()) == []
        assert ingested is None
