"""ObjectDb.write_pack: a stored pack made of stored packs; what becomes of its files, of damage and of deltas."""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest

from core_ext import Cancel, Cancelled, CorruptPack, IngestedPack, ObjectDb, Pack
from tests.support.handmade import blob, delta, packed
from tests.support.ingests import open_ingest, take_in
from tests.support.pack_twin import REF_DELTA, ReadPack, Stored, read_pack, write_pack
from tests.support.packs import database

BLOB = 3
MAX_CHAIN_DEPTH = 50
"""Of chains through several packs: what `git repack` allows."""

A, B, C, D = (blob(name) for name in "abcd")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty quarantine folder."""
    path = tmp_path / "quarantine"
    path.mkdir()
    return path


def read_back(written: IngestedPack, objects: Sequence[Stored]) -> ReadPack:
    read = read_pack(written.pack_bytes())
    assert read.objects == {entry.oid: (entry.kind, entry.content) for entry in objects}
    return read


def test_written_pack_is_what_an_ingest_of_its_bytes_would_be(folder: Path) -> None:
    db = database([packed(A, delta(C, A)), packed(A, D, delta(B, D))])
    written = db.write_pack(db.all_objects(), str(folder / "x.pack"))
    received = take_in(open_ingest(folder / "y.pack"), written.pack_bytes())
    for name in ("digest", "checksum", "size_bytes", "object_count", "thin_base_count", "warnings"):
        assert getattr(written, name) == getattr(received, name), name
    assert written.idx_bytes() == received.idx_bytes()
    assert written.digest == sha256((folder / "x.pack").read_bytes()).digest()
    assert (folder / "x.idx").read_bytes() == written.idx_bytes()


def test_files_are_locked_and_go_unless_they_are_released(folder: Path) -> None:
    db = database([packed(A, B)])
    written = db.write_pack(db.all_objects(), str(folder / "x.pack"))
    assert (written.pack_path, written.idx_path) == (str(folder / "x.pack"), str(folder / "x.idx"))
    with (folder / "x.pack").open("rb") as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    del written
    assert list(folder.iterdir()) == []
    written = db.write_pack(db.all_objects(), str(folder / "x.pack"))
    written.release()
    del written
    assert {path.name for path in folder.iterdir()} == {"x.pack", "x.idx"}


def test_small_pack_stays_in_memory(folder: Path) -> None:
    db = database([packed(A, B)])
    written = db.write_pack(db.all_objects(), str(folder / "x.pack"), spill_bytes=1 << 20)
    assert (written.pack_path, written.idx_path, list(folder.iterdir())) == (None, None, [])
    read_back(written, [A, B])


def test_file_that_exists_is_not_touched(folder: Path) -> None:
    (folder / "x.pack").write_bytes(b"somebody's")
    db = database([packed(A)])
    with pytest.raises(OSError, match="exists"):
        db.write_pack(db.all_objects(), str(folder / "x.pack"))
    assert (folder / "x.pack").read_bytes() == b"somebody's"


def test_a_set_cancel_flag_leaves_nothing(folder: Path) -> None:
    cancel = Cancel()
    cancel.set()
    db = database([packed(A)])
    with pytest.raises(Cancelled):
        db.write_pack(db.all_objects(), str(folder / "x.pack"), cancel=cancel)
    assert list(folder.iterdir()) == []


def test_set_of_another_database_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="different databases"):
        database([packed(A)]).write_pack(database([packed(A)]).all_objects(), str(folder / "x.pack"))


def test_object_of_several_packs_is_written_once(folder: Path) -> None:
    db = database([packed(A, B), packed(B, A, C), packed(C, A)])
    read_back(db.write_pack(db.all_objects(), str(folder / "x.pack")), [A, B, C])


def test_no_objects_are_an_empty_pack(folder: Path) -> None:
    db = database([packed(A)])
    read_back(db.write_pack(db.reachable([]), str(folder / "x.pack")), [])


def test_restricted_view_writes_what_it_shows(folder: Path) -> None:
    db = database([packed(A, delta(B, A))])
    view = db.restricted(db.reachable([B.oid]))
    assert read_back(view.write_pack(view.all_objects(), str(folder / "x.pack")), [B]).types == [BLOB]


def test_deltas_that_would_make_a_cycle_across_packs_are_broken(folder: Path) -> None:
    db = database([packed(B, delta(A, B)), packed(A, delta(B, A))])
    written = db.write_pack(db.all_objects(), str(folder / "x.pack"))
    assert read_back(written, [A, B]).depths == {A.oid: 0, B.oid: 1}


def test_bases_that_were_added_to_thin_packs_go_and_what_was_sent_stays(folder: Path) -> None:
    db = database([packed(B, delta(C, B)), packed(A, delta(B, A)), packed(D, A)])
    written = db.write_pack(db.all_objects(), str(folder / "x.pack"))
    assert read_back(written, [A, B, C, D]).depths == {A.oid: 0, B.oid: 1, C.oid: 2, D.oid: 0}


def test_chain_through_many_packs_is_cut_at_the_limit(folder: Path) -> None:
    chain = [blob(f"{number:05}") for number in range(130)]
    packs = [packed(base, delta(new, base)) for base, new in pairwise(chain)]
    db = database(packs[::-1])
    read = read_back(db.write_pack(db.all_objects(), str(folder / "x.pack")), chain)
    assert [read.depths[entry.oid] for entry in chain] == [number % (MAX_CHAIN_DEPTH + 1) for number in range(130)]


def test_chain_of_a_pack_that_is_copied_whole_is_counted_and_left(folder: Path) -> None:
    chain = [blob(f"{number:05}") for number in range(71)]
    older = packed(chain[0], *map(delta, chain[1:], chain))
    newer = packed(chain[-1], delta(A, chain[-1]), chain[20], delta(B, chain[20]))
    db = database([newer, older])
    read = read_back(db.write_pack(db.all_objects(), str(folder / "x.pack")), [*chain, A, B])
    assert (read.depths[chain[-1].oid], read.depths[A.oid], read.depths[B.oid]) == (70, 0, 21)


def test_delta_keeps_its_form_where_its_base_is_written(folder: Path) -> None:
    db = database([packed(A, D, delta(B, A)), packed(A, delta(C, A, by_distance=False))])
    written = db.write_pack(db.all_objects(), str(folder / "x.pack"))
    assert read_back(written, [A, B, C, D]).types == [BLOB, REF_DELTA, BLOB, REF_DELTA]


def damaged(entry: Stored, *others: Stored) -> ObjectDb:
    """A database in which a byte of the entry's zlib stream, past its header, is another one."""
    pack, idx = write_pack([entry, *others])
    at = 12 + 6
    return database([Pack.from_bytes(pack[:at] + bytes([pack[at] ^ 1]) + pack[at + 1 :], idx, object_format="sha1")])


def test_damaged_entry_is_not_copied(folder: Path) -> None:
    db = damaged(A, B)
    with pytest.raises(CorruptPack, match="does not match its CRC-32"):
        db.write_pack(db.all_objects(), str(folder / "x.pack"))
    assert list(folder.iterdir()) == []


def test_damaged_entry_that_is_not_wanted_hurts_nobody(folder: Path) -> None:
    db = damaged(A, B)
    read_back(db.write_pack(db.reachable([B.oid]), str(folder / "x.pack")), [B])


def test_what_is_compressed_again_must_have_its_name(folder: Path) -> None:
    other_oid = B.oid[:-1] + bytes([B.oid[-1] ^ 1])
    pack, idx = write_pack([A, delta(B, A)])
    db = database([Pack.from_bytes(pack, idx.replace(B.oid, other_oid), object_format="sha1")])
    with pytest.raises(CorruptPack, match="does not hash to its name"):
        db.write_pack(db.reachable([other_oid]), str(folder / "x.pack"))
    assert list(folder.iterdir()) == []


def test_level_is_that_of_what_is_compressed_again(folder: Path) -> None:
    db = database([packed(A, delta(B, A))])
    sizes = [
        db.write_pack(db.reachable([B.oid]), str(folder / f"{level}.pack"), level=level).size_bytes for level in (0, 9)
    ]
    assert sizes[0] > sizes[1]


def test_edges_of_a_written_pack_are_not_known(folder: Path) -> None:
    db = database([packed(A)])
    written = db.write_pack(db.all_objects(), str(folder / "x.pack"))
    for ask in (
        lambda: written.missing_edges(None, limit=1),
        lambda: written.unreferenced([], None),
        lambda: written.without_broken(str(folder / "y.pack"), [], None),
    ):
        with pytest.raises(ValueError, match="was not received"):
            ask()
