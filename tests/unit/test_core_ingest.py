"""PackIngest: what becomes of the work and of the file, of packs that are built, and of those indexed again."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from core_ext import Cancel, Cancelled, CorruptPack, Pack, PackBuilder, index_pack
from tests.support import forged_packs as forged
from tests.support.ingests import open_ingest, take_in
from tests.support.packs import database, pack_path

BLOB = b"a blob that is long enough to be a base\n"
ABSENT = b"\x11" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty quarantine folder."""
    path = tmp_path / "quarantine"
    path.mkdir()
    return path


def test_a_set_cancel_flag_stops_feeding_and_finishing(folder: Path) -> None:
    pack = forged.pack([forged.whole("blob", BLOB)])
    for is_fed in (False, True):
        cancel = Cancel()
        ingest = open_ingest(folder / "x.pack", cancel=cancel)
        if is_fed:
            ingest.feed(pack)
        cancel.set()
        with pytest.raises(Cancelled):
            ingest.finish(None) if is_fed else ingest.feed(pack)
        assert list(folder.iterdir()) == []


def test_an_ingest_is_over_once_it_failed_or_finished(folder: Path) -> None:
    ingest = open_ingest(folder / "x.pack")
    with pytest.raises(CorruptPack):
        ingest.feed(b"no pack at all")
    for step in (lambda: ingest.feed(b"PACK"), lambda: ingest.finish(None)):
        with pytest.raises(ValueError, match="finished, or failed"):
            step()


def test_the_quarantine_file_is_locked_while_the_pack_is_there(folder: Path) -> None:
    pack = forged.pack([forged.whole("blob", BLOB)])
    ingest = open_ingest(folder / "x.pack")
    ingest.feed(pack)
    assert is_locked(folder / "x.pack")
    ingested = ingest.finish(None)
    assert is_locked(folder / "x.pack")
    assert ingested.pack_path == str(folder / "x.pack")
    assert ingested.idx_path == str(folder / "x.idx")
    del ingested, ingest
    assert list(folder.iterdir()) == []


def is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_a_file_that_is_there_already_is_never_overwritten(folder: Path) -> None:
    (folder / "x.pack").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        take_in(open_ingest(folder / "x.pack"), forged.pack([]))
    assert (folder / "x.pack").read_bytes() == b"precious"


def test_a_pack_that_is_small_enough_lies_in_memory(folder: Path) -> None:
    pack = forged.pack([forged.whole("blob", BLOB)])
    for spill_bytes, lies_in_memory in ((len(pack), True), (len(pack) - 1, False)):
        ingested = take_in(open_ingest(folder / "x.pack", spill_bytes=spill_bytes), pack)
        assert (ingested.pack_path is None, ingested.idx_path is None) == (lies_in_memory, lies_in_memory)
        assert (list(folder.iterdir()) == []) is lies_in_memory
        assert ingested.pack_bytes() == pack


def test_a_released_pack_stays_readable_where_it_was_moved(folder: Path) -> None:
    pack = forged.pack([forged.whole("blob", BLOB)])
    ingested = take_in(open_ingest(folder / "x.pack"), pack)
    ingested.sync()
    (folder / "x.pack").rename(folder / "moved.pack")
    (folder / "x.idx").rename(folder / "moved.idx")
    ingested.release()
    opened = ingested.pack()
    del ingested
    assert database([opened]).read(forged.name("blob", BLOB)) == ("blob", BLOB)
    moved = Pack.open(str(folder / "moved.pack"), str(folder / "moved.idx"), object_format="sha1")
    assert database([moved]).verify() == 1


def test_progress_counts_what_has_been_done(folder: Path, small_repo: Path) -> None:
    pack = pack_path(small_repo).read_bytes()
    ingest = open_ingest(folder / "x.pack")
    assert ingest.progress() == (0, 0, 0, 0, 0)
    ingest.feed(pack[: len(pack) // 2])
    received, objects, announced, resolved, deltas = ingest.progress()
    assert (received, announced, resolved) == (len(pack) // 2, int.from_bytes(pack[8:12], "big"), 0)
    assert 0 < objects < announced
    assert 0 < deltas < objects
    ingest.feed(pack[len(pack) // 2 :])
    ingest.finish(None)
    received, objects, announced, resolved, deltas = ingest.progress()
    assert (received, objects, resolved) == (len(pack), announced, deltas)


def test_a_built_pack_holds_each_object_once_and_is_taken_in(folder: Path) -> None:
    builder = PackBuilder(object_format="sha1")
    assert builder.add("blob", BLOB) == forged.name("blob", BLOB)
    assert builder.add("blob", BLOB) == forged.name("blob", BLOB)
    assert builder.add("tree", b"") == forged.name("tree", b"")
    assert len(builder) == 2
    ingested = take_in(open_ingest(folder / "x.pack"), builder.finish())
    assert ingested.object_count == 2
    assert database([ingested.pack()]).read(forged.name("blob", BLOB)) == ("blob", BLOB)
    assert builder.finish() == builder.finish()


def test_index_pack_refuses_damage_and_leaves_nothing(folder: Path) -> None:
    good = forged.pack([forged.whole("blob", BLOB)])
    for pack, match in (
        (good[:-1] + bytes([good[-1] ^ 1]), "trailer"),
        (good + b"x", "after the trailer"),
        (good[:-1], "early EOF"),
        (forged.pack([forged.ref_delta(ABSENT, b"")]), "unresolved deltas"),
    ):
        path = folder / "x.pack"
        path.write_bytes(pack)
        with pytest.raises(CorruptPack, match=match):
            index_pack(
                str(path),
                str(folder / "x.idx"),
                object_format="sha1",
                threads=2,
                base_cache_bytes=1 << 20,
                max_resident_object_bytes=1 << 20,
            )
        assert list(folder.iterdir()) == [path]
