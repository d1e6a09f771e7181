"""PackStream: what is copied as it is stored, what gets another header, and what is written anew."""

from __future__ import annotations

from collections.abc import Sequence
from os import sched_yield
from pathlib import Path
from time import monotonic

import pytest

from core_ext import Cancel, Cancelled, CorruptPack, LimitExceeded, ObjectDb, ObjectSet, Pack, PackStream
from packengine.sideband import DATA_BAND, encode_band
from tests.support.handmade import blob, delta, packed
from tests.support.pack_twin import OFS_DELTA, REF_DELTA, ReadPack, Stored, read_pack, write_pack
from tests.support.packs import database

BLOB = 3
MAX_CHAIN_DEPTH = 4095
"""The depth at which the pack writer breaks chains: what Git's pack-objects allows at most."""

A, B, C, D = (blob(name) for name in "abcd")


def only(db: ObjectDb, entries: Sequence[Stored]) -> ObjectSet:
    return db.reachable([entry.oid for entry in entries])


def drained(stream: PackStream) -> bytes:
    return b"".join(iter(lambda: stream.read(1 << 20), b""))


def written(
    db: ObjectDb,
    objects: Sequence[Stored],
    *,
    held: Sequence[Stored] | None = None,
    ofs_delta: bool = True,
) -> tuple[ReadPack, int]:
    """The pack of these blobs read back, and how many entries were reused."""
    holds = None if held is None else only(db, held)
    stream = db.stream_pack(only(db, objects), client_holds=holds, ofs_delta=ofs_delta)
    read = read_pack(drained(stream), {entry.oid: (entry.kind, entry.content) for entry in held or ()})
    assert read.objects == {entry.oid: (entry.kind, entry.content) for entry in objects}
    return read, stream.reused_count


def test_stored_pack_that_is_the_answer_is_sent_byte_for_byte() -> None:
    pack, idx = write_pack([A, delta(B, A), delta(C, B, by_distance=False)])
    db = database([Pack.from_bytes(pack, idx, object_format="sha1")])
    stream = db.stream_pack(db.all_objects(), client_holds=None, ofs_delta=True)
    assert (stream.object_count, stream.reused_count) == (3, 3)
    assert drained(stream) == pack


def test_empty_set_is_an_empty_pack() -> None:
    db = database([packed(A)])
    stream = db.stream_pack(db.reachable([]), client_holds=None, ofs_delta=True)
    assert read_pack(drained(stream)).objects == {}


def test_read_after_the_trailer_is_empty() -> None:
    db = database([packed(A)])
    stream = db.stream_pack(db.all_objects(), client_holds=None, ofs_delta=True)
    drained(stream)
    assert (stream.read(1), stream.read(1)) == (b"", b"")


def test_read_of_nothing_returns_a_byte() -> None:
    db = database([packed(A)])
    stream = db.stream_pack(db.all_objects(), client_holds=None, ofs_delta=True)
    assert stream.read(0) == b"P"


def test_delta_over_a_hole_gets_a_new_distance() -> None:
    db = database([packed(A, C, delta(B, A), D, delta(blob("e"), B))])
    read, reused = written(db, [A, B, blob("e")])
    assert read.types == [BLOB, OFS_DELTA, OFS_DELTA]
    assert reused == 3


def test_few_objects_of_a_large_pack_keep_its_order() -> None:
    chain = [blob(f"link {number}") for number in range(6)]
    links = [chain[0], *map(delta, chain[1:], chain)]
    between = [[blob(f"{number}.{row}") for row in range(20)] for number in range(6)]
    entries = [entry for number, link in enumerate(links) for entry in (link, *between[number])]
    read, reused = written(database([packed(*entries)]), chain)
    assert read.types == [BLOB] + [OFS_DELTA] * 5
    assert reused == 6


def test_reader_without_ofs_delta_gets_bases_by_id() -> None:
    read, reused = written(database([packed(A, delta(B, A))]), [A, B], ofs_delta=False)
    assert read.types == [BLOB, REF_DELTA]
    assert reused == 2


def test_delta_whose_base_is_at_home_in_another_pack_names_it_by_id() -> None:
    db = database([packed(A, C), packed(A, delta(B, A))])
    read, reused = written(db, [A, B, C])
    assert read.types == [BLOB, BLOB, REF_DELTA]
    assert reused == 3


def test_bases_in_different_packs_make_no_cycle() -> None:
    db = database([packed(B, delta(A, B)), packed(A, delta(B, A))])
    read, _ = written(db, [A, B])
    assert read.depths == {A.oid: 1, B.oid: 0}


def test_base_stored_after_its_delta_is_named_by_id() -> None:
    read, reused = written(database([packed(delta(B, A, by_distance=False), C, A)]), [A, B])
    assert read.types == [REF_DELTA, BLOB]
    assert reused == 2


def test_delta_whose_base_stays_behind_is_written_whole() -> None:
    read, reused = written(database([packed(A, delta(B, A))]), [B])
    assert read.types == [BLOB]
    assert reused == 0


def test_base_that_the_client_holds_makes_the_pack_thin() -> None:
    read, reused = written(database([packed(A, delta(B, A))]), [B], held=[A])
    assert read.types == [REF_DELTA]
    assert reused == 1


def test_thin_base_may_be_at_home_in_another_pack() -> None:
    read, _ = written(database([packed(A), packed(A, delta(B, A))]), [B], held=[A])
    assert read.types == [REF_DELTA]


def test_base_outside_of_a_view_is_not_named() -> None:
    db = database([packed(A), packed(A, delta(B, A))])
    view = db.restricted(only(db, [B]))
    stream = view.stream_pack(view.all_objects(), client_holds=db.all_objects(), ofs_delta=True)
    assert read_pack(drained(stream)).types == [BLOB]


def test_chain_over_packs_is_cut_at_the_limit() -> None:
    chain = [blob(f"{number:05}") for number in range(6_001)]
    thirds = [chain[:2_001], chain[2_000:4_001], chain[4_000:]]
    packs = [packed(third[0], *map(delta, third[1:], third)) for third in thirds]
    db = database(packs)
    stream = db.stream_pack(db.all_objects(), client_holds=None, ofs_delta=True)
    read = read_pack(drained(stream))
    assert len(read.objects) == 6_001
    assert max(read.depths.values()) == MAX_CHAIN_DEPTH
    assert stream.reused_count == 6_000


def test_damaged_deltas_in_a_circle_are_an_error() -> None:
    circle = packed(delta(A, B, by_distance=False), delta(B, A, by_distance=False), D)
    db = database([packed(C, D), circle])
    stream = db.stream_pack(db.all_objects(), client_holds=None, ofs_delta=True)
    with pytest.raises(CorruptPack, match="cycle"):
        stream.read(1 << 20)


def test_object_over_the_limit_is_not_compressed_again() -> None:
    db = database([packed(A, delta(B, A))], max_object_bytes=100)
    stream = db.stream_pack(only(db, [B]), client_holds=None, ofs_delta=True)
    with pytest.raises(LimitExceeded):
        stream.read(1 << 20)


def test_level_is_that_of_the_zlib_stream() -> None:
    db = database([packed(A, delta(B, A))])
    lengths = {}
    for level in (0, 9):
        stream = db.stream_pack(only(db, [B]), client_holds=None, ofs_delta=True, level=level)
        lengths[level] = len(drained(stream))
    assert lengths[0] > len(B.content) > lengths[9]


def remade_only(count: int) -> tuple[ObjectDb, ObjectSet]:
    """A database, and those of its objects that are all deltas against one that is not among them."""
    base = blob("base")
    tops = [delta(blob(f"{number} " + "and more" * (number % 90)), base) for number in range(count)]
    db = database([packed(base, *tops)])
    return db, only(db, tops)


def threads_of_this_process() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def test_bytes_do_not_depend_on_how_many_threads_compress() -> None:
    db, objects = remade_only(300)
    packs = [
        drained(db.stream_pack(objects, client_holds=None, ofs_delta=True, threads=threads)) for threads in (1, 2, 5)
    ]
    assert packs[0] == packs[1] == packs[2]
    assert len(read_pack(packs[0]).objects) == 300


def test_threads_end_with_the_stream_wherever_it_is() -> None:
    db, objects = remade_only(300)
    before = threads_of_this_process()
    for reads in (0, 1, 5):
        stream = db.stream_pack(objects, client_holds=None, ofs_delta=True, threads=4)
        for _ in range(reads):
            stream.read(100)
        assert threads_of_this_process() == before + (3 if reads else 0)
        del stream  # waits for none of them
        deadline = monotonic() + 20
        while threads_of_this_process() > before:
            assert monotonic() < deadline, "threads are still there, and nobody wants what they do"
            sched_yield()


def test_a_set_cancel_flag_ends_a_stream_that_compresses_ahead() -> None:
    db, objects = remade_only(300)
    cancel = Cancel()
    stream = db.stream_pack(objects, client_holds=None, ofs_delta=True, threads=3, cancel=cancel)
    stream.read(100)
    cancel.set()
    with pytest.raises(Cancelled):
        stream.read(100)


def test_what_cannot_be_compressed_is_an_error_at_its_place() -> None:
    base = blob("base")
    small = [delta(blob(f"{number}"), base) for number in range(50)]
    large = Stored("blob", base.content + b"x" * 1000, base)
    db = database([packed(base, *small, large)], max_object_bytes=500)
    objects = only(db, [*small, large])
    for threads in (1, 3):
        stream = db.stream_pack(objects, client_holds=None, ofs_delta=True, threads=threads)
        assert len(stream.read(100)) == 100
        with pytest.raises(LimitExceeded):
            drained(stream)


def test_runs_between_holes_keep_their_distances() -> None:
    """Each third object stays behind; of those that go, some are deltas within their run and some across a hole."""
    entries: list[Stored] = []
    wanted: list[Stored] = []
    for number in range(900):
        fresh = blob(f"{number:04}")
        if number % 3 == 0:
            entries.append(fresh)
            continue
        base = wanted[-1] if number % 3 == 2 else (wanted[-5] if number % 7 == 0 and len(wanted) > 5 else None)
        wanted.append(fresh if base is None else delta(fresh, base, by_distance=number % 11 != 0))
        entries.append(wanted[-1])
    read, reused = written(database([packed(*entries)]), wanted)
    assert reused == len(wanted)
    assert {REF_DELTA, OFS_DELTA, BLOB} == set(read.types)


@pytest.mark.parametrize("max_packet_bytes", [6, 1_000, 65_520])
def test_in_a_band_the_same_pack_is_cut_into_packets(max_packet_bytes: int) -> None:
    noise = blob("".join(chr(32 + at * at % 90) for at in range(70_000)))
    db = database([packed(A, B, noise)])
    plain = drained(db.stream_pack(only(db, [A, B, noise]), client_holds=None, ofs_delta=True))
    stream = db.stream_pack(only(db, [A, B, noise]), client_holds=None, ofs_delta=True)
    reads = list(iter(lambda: stream.read_in_band(4096, max_packet_bytes), b""))
    assert b"".join(reads) == b"".join(
        encode_band(DATA_BAND, plain[at : at + 4096], max_packet_bytes=max_packet_bytes)
        for at in range(0, len(plain), 4096)
    )


@pytest.mark.parametrize("max_packet_bytes", [0, 5, 65_521])
def test_packets_that_the_format_does_not_know_are_refused(max_packet_bytes: int) -> None:
    db = database([packed(A)])
    stream = db.stream_pack(only(db, [A]), client_holds=None, ofs_delta=True)
    with pytest.raises(ValueError, match="a packet has 6 to 65520 bytes"):
        stream.read_in_band(4096, max_packet_bytes)


def in_parts(stream: PackStream, made_bytes: int, most_bytes: int, packet_bytes: int | None) -> list[list[memoryview]]:
    read: list[list[memoryview]] = []
    is_last = False
    while not is_last:
        parts, is_last = stream.read_parts(made_bytes, most_bytes, packet_bytes)
        assert all(parts)
        read.append(parts)
    return read


@pytest.mark.parametrize("wanted_all", [True, False])
@pytest.mark.parametrize("made_bytes", [1, 700, 1 << 20])
@pytest.mark.parametrize("most_bytes", [1_000, 30_000, 1 << 22])
def test_part_by_part_it_is_the_same_pack(wanted_all: bool, made_bytes: int, most_bytes: int) -> None:
    noise = [blob("".join(chr(32 + at * (at + seed) % 90) for at in range(30_000))) for seed in range(3)]
    remade = delta(blob("x" * 500), noise[1])
    db = database([packed(A, *noise, remade, B)])
    wanted = [A, *noise, remade, B] if wanted_all else [A, noise[0], noise[2], remade, B]
    plain = drained(db.stream_pack(only(db, wanted), client_holds=None, ofs_delta=True))
    stream = db.stream_pack(only(db, wanted), client_holds=None, ofs_delta=True)
    pieces = in_parts(stream, made_bytes, most_bytes, None)
    assert b"".join(part for piece in pieces for part in piece) == plain
    assert max(sum(map(len, piece)) for piece in pieces) <= max(made_bytes, most_bytes)
    assert stream.read_parts(1, 1, None) == ([], True)
    if wanted_all:  # all of it lies in the pack: nothing is made
        assert sum(map(len, pieces[0])) == min(most_bytes, len(plain))


@pytest.mark.parametrize("max_packet_bytes", [6, 1_000, 65_520])
def test_parts_in_a_band_are_packets_as_large_as_they_may_be(max_packet_bytes: int) -> None:
    noise = blob("".join(chr(32 + at * at % 90) for at in range(70_000)))
    db = database([packed(A, B, noise)])
    plain = drained(db.stream_pack(only(db, [A, B, noise]), client_holds=None, ofs_delta=True))
    stream = db.stream_pack(only(db, [A, B, noise]), client_holds=None, ofs_delta=True)
    for at, piece in enumerate(in_parts(stream, 4096, 4096, max_packet_bytes)):
        data = plain[4096 * at : 4096 * at + 4096]
        assert b"".join(piece) == (encode_band(DATA_BAND, data, max_packet_bytes=max_packet_bytes) if data else b"")


def test_a_part_outlives_its_stream() -> None:
    db = database([packed(A, B)])
    parts, _ = db.stream_pack(only(db, [A, B]), client_holds=None, ofs_delta=True).read_parts(1 << 20, 1 << 20, None)
    del db
    assert parts[0].readonly
    assert bytes(parts[0])[:4] == b"PACK"
