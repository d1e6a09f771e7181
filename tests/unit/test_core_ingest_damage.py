"""PackIngest: damaged packs and hopeless deltas are refused with their reason, and leave nothing behind."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from core_ext import CoreError, CorruptPack
from tests.support import forged_packs as forged
from tests.support.git import git
from tests.support.ingests import known_blobs, open_ingest, refuse, take_in
from tests.support.packs import database, pack_path

BLOB = b"a blob that is long enough to be a base\n"
ABSENT = b"\x11" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty quarantine folder."""
    path = tmp_path / "quarantine"
    path.mkdir()
    return path


def test_what_is_no_pack_is_refused(folder: Path) -> None:
    refuse(folder, b"PUCK" + forged.pack([])[4:], CorruptPack, "no PACK")
    for version in (0, 1, 4):
        refuse(folder, forged.pack([], version=version), CorruptPack, f"version {version}")


def test_a_bad_trailer_is_refused(folder: Path) -> None:
    pack = bytearray(forged.pack([forged.whole("blob", BLOB)]))
    pack[-1] ^= 1
    refuse(folder, bytes(pack), CorruptPack, "the trailer is")


def test_a_pack_that_is_cut_short_is_refused_wherever_that_is(folder: Path) -> None:
    entries = [forged.whole("blob", b"%d" % number * number) for number in range(10)]
    entries.append(forged.ref_delta(forged.name("blob", b"1"), forged.inserting(b"1", b"tail")))
    pack = forged.pack(entries)
    for size in range(len(pack)):
        ingest = open_ingest(folder / "x.pack", spill_bytes=size % 2 << 20)
        assert ingest.feed(pack[:size]) == size
        with pytest.raises(CorruptPack, match=rf"early EOF: {size} bytes, \d+ of (11|0) objects"):
            ingest.finish(None)
        assert list(folder.iterdir()) == []


def test_a_real_pack_cut_at_its_entries_is_refused(folder: Path, small_repo: Path) -> None:
    path = pack_path(small_repo)
    lines = git("verify-pack", "-v", path, cwd=small_repo).decode().splitlines()
    entries = [fields for fields in map(str.split, lines) if len(fields) in (5, 7) and len(fields[0]) == 40]
    offsets = sorted(int(fields[4]) for fields in entries)
    pack = path.read_bytes()
    for offset in offsets[::20]:
        for size in (offset, offset + 1, offset + 2):
            with pytest.raises(CorruptPack, match="early EOF"):
                take_in(open_ingest(folder / "x.pack"), pack[:size])
    assert list(folder.iterdir()) == []


def test_a_pack_that_announces_more_entries_than_it_has_is_refused(folder: Path) -> None:
    # The trailer is taken for the next entry, whatever that says.
    refuse(folder, forged.pack([forged.whole("blob", BLOB)], count=2), CoreError, ".")


def test_a_pack_that_announces_fewer_entries_than_it_has_is_refused(folder: Path) -> None:
    ingest = open_ingest(folder / "x.pack")
    with pytest.raises(CorruptPack, match="the trailer is"):
        ingest.feed(forged.pack([forged.whole("blob", BLOB), forged.whole("blob", b"more")], count=1))


@pytest.mark.parametrize("chunk_bytes", [1, 13, 1 << 20])
def test_bytes_after_the_trailer_belong_to_the_caller(folder: Path, chunk_bytes: int) -> None:
    pack = forged.pack([forged.whole("blob", BLOB)])
    ingest = open_ingest(folder / "x.pack")
    stream = pack + b"0000"
    used = sum(ingest.feed(stream[start : start + chunk_bytes]) for start in range(0, len(stream), chunk_bytes))
    assert used == len(pack)
    assert ingest.feed(b"more") == 0
    assert ingest.finish(None).pack_bytes() == pack


def test_a_header_that_lies_about_the_size_is_refused(folder: Path) -> None:
    for size in (0, len(BLOB) - 1, len(BLOB) + 1, 100_000):
        refuse(folder, forged.pack([forged.whole("blob", BLOB, announced_bytes=size)]), CorruptPack, "inflates to|zlib")


def test_a_damaged_stream_is_refused_with_its_offset(folder: Path) -> None:
    first, second = forged.whole("blob", BLOB), bytearray(forged.whole("blob", BLOB * 2))
    second[8] ^= 0xFF
    refuse(folder, forged.pack([first, bytes(second)]), CorruptPack, f"at byte {12 + len(first)}")


def test_an_unknown_entry_type_is_refused(folder: Path) -> None:
    for number in (0, 5):
        refuse(folder, forged.pack([bytes([number << 4]) + zlib.compress(b"")]), CorruptPack, f"entry type {number}")


def test_a_delta_that_reaches_beyond_its_base_is_refused(folder: Path) -> None:
    base = forged.whole("blob", BLOB)
    offset = 12 + len(base)
    for delta in (
        forged.copying(len(BLOB), len(BLOB), 1, len(BLOB)),
        forged.copying(len(BLOB) + 1, len(BLOB), 0, len(BLOB)),
        forged.copying(len(BLOB), len(BLOB), 0, len(BLOB) + 1),
        forged.copying(len(BLOB), len(BLOB), 0, 1),
        b"",
    ):
        refuse(folder, forged.pack([base, forged.ofs_delta(len(base), delta)]), CorruptPack, f"at byte {offset}.*delta")


def test_a_delta_on_the_middle_of_an_entry_is_refused(folder: Path) -> None:
    base = forged.whole("blob", BLOB)
    delta = forged.inserting(BLOB, b"more")
    for distance in (1, len(base) - 1, len(base) + 1, len(base) + 100):
        refuse(folder, forged.pack([base, forged.ofs_delta(distance, delta)]), CorruptPack, "out of bound")


def test_a_delta_whose_base_is_nowhere_is_refused(folder: Path) -> None:
    pack = forged.pack([forged.ref_delta(ABSENT, forged.inserting(BLOB, b"more"))])
    refuse(folder, pack, CorruptPack, f"at byte 12: unresolved deltas: base {ABSENT.hex()} missing")
    refuse(folder, pack, CorruptPack, "unresolved deltas", known_blobs(b"another"))


def test_deltas_that_stand_on_each_other_are_refused(folder: Path) -> None:
    left, right = b"left", b"right"
    pack = forged.pack(
        [
            forged.ref_delta(forged.name("blob", right), forged.inserting(right, b"")),
            forged.ref_delta(forged.name("blob", left), forged.inserting(left, b"")),
        ]
    )
    refuse(folder, pack, CorruptPack, "unresolved deltas")


def test_a_cycle_of_deltas_is_refused_also_when_its_objects_are_known(folder: Path) -> None:
    """Each delta could be resolved, but the stored pack could not be read."""
    left, right = BLOB, BLOB + b"more"
    cut = forged.copying(len(right), len(left), 0, len(left))
    pack = forged.pack(
        [
            forged.ref_delta(forged.name("blob", left), forged.inserting(left, b"more")),
            forged.ref_delta(forged.name("blob", right), cut),
        ]
    )
    refuse(folder, pack, CorruptPack, "is in the pack twice", known_blobs(left, right))


def test_a_base_that_is_known_and_made_by_the_pack_is_taken_from_the_pack(folder: Path) -> None:
    known = BLOB
    middle = known + b"middle"
    pack = forged.pack(
        [
            forged.ref_delta(forged.name("blob", known), forged.inserting(known, b"middle")),
            forged.ref_delta(forged.name("blob", middle), forged.inserting(middle, b"top")),
        ]
    )
    for attempt in range(20):
        ingested = take_in(open_ingest(folder / f"{attempt}.pack"), pack, known_blobs(known, middle))
        assert (ingested.object_count, ingested.thin_base_count) == (3, 1)
        objects = database([ingested.pack()])
        assert objects.read(forged.name("blob", middle + b"top")) == ("blob", middle + b"top")


def test_the_order_of_deltas_by_id_does_not_matter(folder: Path) -> None:
    versions = [BLOB * count for count in range(1, 30)]
    entries = [forged.whole("blob", versions[0])]
    entries += [forged.ref_delta(forged.name("blob", base), forged.inserting(base, BLOB)) for base in versions[:-1]]
    digests = []
    for order in (entries, entries[::-1], entries[1::2] + entries[::2]):
        ingested = take_in(open_ingest(folder / "x.pack", spill_bytes=1 << 20), forged.pack(order))
        db = database([ingested.pack()])
        digests.append({oid: db.read(oid) for oid in db.all_objects().oids(limit=100)})
    assert digests == [{forged.name("blob", content): ("blob", content) for content in versions}] * 3


def test_an_object_that_is_sent_twice_is_refused(folder: Path) -> None:
    whole = forged.whole("blob", BLOB + b"more")
    delta = forged.ref_delta(forged.name("blob", BLOB), forged.inserting(BLOB, b"more"))
    twice = f"object {forged.name('blob', BLOB + b'more').hex()} is in the pack twice"
    refuse(folder, forged.pack([whole, whole]), CorruptPack, twice)
    refuse(folder, forged.pack([forged.whole("blob", BLOB), delta, whole]), CorruptPack, twice)


def test_many_copies_of_a_base_cost_no_more_than_one(folder: Path) -> None:
    copies = [forged.whole("blob", BLOB)] * 20_000
    deltas = [forged.ref_delta(forged.name("blob", BLOB), forged.inserting(BLOB, b"%d" % n)) for n in range(20_000)]
    with pytest.raises(CorruptPack, match="twice"):
        take_in(open_ingest(folder / "x.pack"), forged.pack(copies + deltas))
