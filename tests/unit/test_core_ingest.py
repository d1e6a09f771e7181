"""PackIngest: what is whole is taken in, what is not is refused with its reason, and nothing is left behind."""

from __future__ import annotations

import fcntl
import hashlib
import zlib
from pathlib import Path

import pytest

from core_ext import (
    Cancel,
    Cancelled,
    CoreError,
    CorruptPack,
    FsckFailed,
    LimitExceeded,
    MissingObject,
    ObjectDb,
    Pack,
    PackBuilder,
    index_pack,
)
from tests.support import forged_packs as forged
from tests.support.git import git
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


def refuse(folder: Path, pack: bytes, error: type[CoreError], match: str, known: ObjectDb | None = None) -> None:
    """The pack is refused in pieces of any size, on disk and in memory, and leaves nothing."""
    for chunk_bytes in (1, 7, 1 << 30):
        for spill_bytes in (0, 1 << 30):
            with pytest.raises(error, match=match):
                take_in(
                    open_ingest(folder / "x.pack", spill_bytes=spill_bytes), pack, known, chunk_bytes=chunk_bytes
                )
            assert list(folder.iterdir()) == []


def known_objects(*objects: bytes) -> ObjectDb:
    """A database of blobs."""
    builder = PackBuilder(object_format="sha1")
    for content in objects:
        builder.add("blob", content)
    return database([Pack.from_bytes(builder.finish(), None, object_format="sha1")])


# --- damage -----------------------------------------------------------------------------------------------------------


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
    offsets = sorted(int(line.split()[4]) for line in lines if len(line.split()) in (5, 7) and len(line.split()[0]) == 40)
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


# --- deltas -----------------------------------------------------------------------------------------------------------


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
    refuse(folder, pack, CorruptPack, "unresolved deltas", known_objects(b"another"))


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
    refuse(folder, pack, CorruptPack, "is in the pack twice", known_objects(left, right))


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
        ingested = take_in(open_ingest(folder / f"{attempt}.pack"), pack, known_objects(known, middle))
        assert (ingested.object_count, ingested.thin_base_count) == (3, 1)
        objects = database([ingested.pack()])
        assert objects.read(forged.name("blob", middle + b"top")) == ("blob", middle + b"top")


def test_the_order_of_deltas_by_id_does_not_matter(folder: Path) -> None:
    versions = [BLOB * count for count in range(1, 30)]
    entries = [forged.whole("blob", versions[0])]
    entries += [
        forged.ref_delta(forged.name("blob", base), forged.inserting(base, BLOB)) for base in versions[:-1]
    ]
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


# --- limits -----------------------------------------------------------------------------------------------------------


def bomb(size: int) -> bytes:
    return forged.pack([forged.whole("blob", bytes(size))])


def test_each_limit_is_checked(folder: Path) -> None:
    plain = forged.pack([forged.whole("blob", BLOB), forged.whole("blob", b"another")])
    chain = [forged.whole("blob", BLOB)]
    for count in range(4):
        chain.append(forged.ofs_delta(len(chain[-1]), forged.inserting(BLOB + b"x" * count, b"x")))
    for limits, pack, what in (
        ({"max_pack_bytes": len(plain) - 1}, plain, "pack size in bytes"),
        ({"max_objects": 1}, plain, "objects in a pack is 2, over the limit of 1"),
        ({"max_object_bytes": len(BLOB) - 1}, plain, "object size in bytes"),
        ({"max_inflated_bytes": len(BLOB)}, plain, "inflated size of all entries"),
        ({"max_delta_depth": 3}, forged.pack(chain), "delta chain depth is 4, over the limit of 3"),
        ({"max_object_bytes": len(BLOB) + 2}, forged.pack(chain), "delta result size"),
    ):
        with pytest.raises(LimitExceeded, match=what):
            take_in(open_ingest(folder / "x.pack", **limits), pack)
        assert list(folder.iterdir()) == []


def test_what_fits_its_limit_exactly_is_taken(folder: Path) -> None:
    pack = forged.pack([forged.whole("blob", BLOB), forged.whole("blob", b"another")])
    ingest = open_ingest(
        folder / "x.pack",
        max_pack_bytes=len(pack),
        max_objects=2,
        max_object_bytes=len(BLOB),
        max_inflated_bytes=len(BLOB) + 7,
        max_delta_depth=0,
    )
    assert take_in(ingest, pack).object_count == 2


def test_a_bomb_is_refused_at_its_header(folder: Path) -> None:
    pack = bomb(64 << 20)
    ingest = open_ingest(folder / "x.pack", max_object_bytes=1 << 20)
    with pytest.raises(LimitExceeded, match="object size in bytes is 67108864"):
        ingest.feed(pack[:20])


def test_a_count_beyond_its_limit_is_refused_at_the_header(folder: Path) -> None:
    ingest = open_ingest(folder / "x.pack", max_objects=1000)
    with pytest.raises(LimitExceeded, match="objects in a pack is 4294967295"):
        ingest.feed(b"PACK\0\0\0\2\xff\xff\xff\xff")


def test_a_large_commit_tree_or_tag_is_refused_and_a_large_blob_is_not(folder: Path) -> None:
    limits = {"max_resident_object_bytes": 1000}
    for kind in ("commit", "tree", "tag"):
        with pytest.raises(LimitExceeded, match="size in bytes of a delta, commit, tree or tag"):
            take_in(open_ingest(folder / "x.pack", **limits), forged.pack([forged.whole(kind, bytes(1001))]))
    large = bytes(1001)
    ingested = take_in(open_ingest(folder / "x.pack", **limits), forged.pack([forged.whole("blob", large)]))
    assert ingested.pack().object_count == 1
    assert database([ingested.pack()]).contains(forged.name("blob", large))


def test_a_base_too_large_to_hold_is_refused(folder: Path) -> None:
    base = bytes(2000)
    pack = forged.pack([forged.whole("blob", base), forged.ref_delta(forged.name("blob", base), forged.inserting(base, b"x"))])
    with pytest.raises(LimitExceeded, match="size in bytes of a delta base"):
        take_in(open_ingest(folder / "x.pack", max_resident_object_bytes=1000), pack)


# --- what happens to the work, and to the file -------------------------------------------------------------------------


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


# --- checks -----------------------------------------------------------------------------------------------------------


def tree(*entries: tuple[bytes, bytes, bytes]) -> bytes:
    return b"".join(b"%b %b\0%b" % entry for entry in entries)


def commit(tree_oid: bytes, *parents: bytes, message: bytes = b"message\n") -> bytes:
    person = b"A U Thor <author@example.org> 1700000000 +0000"
    lines = [b"tree %b" % tree_oid.hex().encode()]
    lines += [b"parent %b" % parent.hex().encode() for parent in parents]
    lines += [b"author " + person, b"committer " + person, b"", message]
    return b"\n".join(lines)


def test_an_object_that_could_harm_is_refused_and_named(folder: Path) -> None:
    hostile = tree((b"100644", b".git", forged.name("blob", BLOB)))
    pack = forged.pack([forged.whole("blob", BLOB), forged.whole("tree", hostile)])
    refuse(folder, pack, FsckFailed, f"{forged.name('tree', hostile).hex()}: hasDotgit")


def test_what_real_history_contains_is_a_warning(folder: Path) -> None:
    padded = tree((b"0100644", b"file", forged.name("blob", BLOB)))
    pack = forged.pack([forged.whole("blob", BLOB), forged.whole("tree", padded)])
    ((oid, message_id, _),) = take_in(open_ingest(folder / "x.pack"), pack).warnings
    assert (oid, message_id) == (forged.name("tree", padded), "zeroPaddedFilemode")
    assert take_in(open_ingest(folder / "y.pack", severities={"zeroPaddedFilemode": "ignore"}), pack).warnings == []
    with pytest.raises(FsckFailed, match="zeroPaddedFilemode"):
        take_in(open_ingest(folder / "z.pack", severities={"zeroPaddedFilemode": "error"}), pack)


def test_at_most_a_hundred_warnings_are_kept(folder: Path) -> None:
    blob = forged.name("blob", BLOB)
    trees = [forged.whole("tree", tree((b"0100644", b"file%d" % number, blob))) for number in range(150)]
    assert len(take_in(open_ingest(folder / "x.pack"), forged.pack([forged.whole("blob", BLOB), *trees])).warnings) == 100


@pytest.mark.parametrize("order", ["blob first", "tree first", "blob as delta", "blob is known"])
def test_a_hostile_gitmodules_is_found_wherever_the_blob_is(folder: Path, order: str) -> None:
    hostile = b'[submodule "x"]\n\tpath = x\n\turl = --upload-pack=evil\n'
    blob = forged.whole("blob", hostile)
    holder = forged.whole("tree", tree((b"100644", b".gitmodules", forged.name("blob", hostile))))
    entries, known = {
        "blob first": ([blob, holder], None),
        "tree first": ([holder, blob], None),
        "blob as delta": (
            [
                holder,
                forged.whole("blob", hostile[:-1]),
                forged.ref_delta(forged.name("blob", hostile[:-1]), forged.inserting(hostile[:-1], hostile[-1:])),
            ],
            None,
        ),
        "blob is known": ([holder], known_objects(hostile)),
    }[order]
    refuse(folder, forged.pack(entries), FsckFailed, "gitmodulesUrl", known)


# --- the object graph ---------------------------------------------------------------------------------------------------


def test_missing_edges_are_those_that_neither_the_pack_nor_the_known_has(folder: Path) -> None:
    known, new = forged.name("blob", b"known"), forged.name("blob", b"new")
    entries = tree((b"100644", b"a", known), (b"100644", b"b", new), (b"100644", b"c", ABSENT), (b"160000", b"d", b"\x22" * 20))
    pack = forged.pack([forged.whole("blob", b"new"), forged.whole("tree", entries)])
    ingested = take_in(open_ingest(folder / "x.pack"), pack)
    absent = (ABSENT, "blob")
    assert ingested.missing_edges(known_objects(b"known"), limit=10) == [absent]
    assert ingested.missing_edges(None, limit=10) == sorted([absent, (known, "blob")])
    assert ingested.missing_edges(None, limit=1) == [absent]


def test_an_edge_to_an_object_of_another_kind_is_missing(folder: Path) -> None:
    blob = forged.name("blob", BLOB)
    pack = forged.pack([forged.whole("blob", BLOB), forged.whole("tree", tree((b"40000", b"folder", blob)))])
    ingested = take_in(open_ingest(folder / "x.pack"), pack)
    assert ingested.missing_edges(None, limit=10) == [(blob, "tree")]
    pack = forged.pack([forged.whole("tree", tree((b"40000", b"folder", blob)))])
    ingested = take_in(open_ingest(folder / "y.pack"), pack)
    assert ingested.missing_edges(known_objects(BLOB), limit=10) == [(blob, "tree")]


def history() -> tuple[list[bytes], bytes, bytes]:
    """(entries of a blob, its tree and two commits, the first commit, the second)."""
    content = tree((b"100644", b"file", forged.name("blob", BLOB)))
    first = commit(forged.name("tree", content))
    second = commit(forged.name("tree", content), forged.name("commit", first))
    entries = [
        forged.whole("commit", second),
        forged.whole("commit", first),
        forged.whole("tree", content),
        forged.whole("blob", BLOB),
    ]
    return entries, forged.name("commit", first), forged.name("commit", second)


def test_unreferenced_counts_new_objects_that_no_tip_reaches(folder: Path) -> None:
    entries, first, second = history()
    ingested = take_in(open_ingest(folder / "x.pack"), forged.pack([*entries, forged.whole("blob", b"stray")]))
    assert ingested.unreferenced([second], None) == 1
    assert ingested.unreferenced([second], known_objects(b"stray")) == 0
    assert ingested.unreferenced([second, forged.name("blob", b"stray")], None) == 0
    assert ingested.unreferenced([first], None) == 2


def test_a_thin_base_is_no_own_object(folder: Path) -> None:
    pack = forged.pack([forged.ref_delta(forged.name("blob", BLOB), forged.inserting(BLOB, b"more"))])
    ingested = take_in(open_ingest(folder / "x.pack"), pack, known_objects(BLOB))
    assert ingested.unreferenced([forged.name("blob", BLOB + b"more")], known_objects(BLOB)) == 0
    assert ingested.unreferenced([], known_objects(BLOB)) == 1


def test_broken_objects_are_left_out_and_the_rest_is_kept(folder: Path) -> None:
    entries, _, tip = history()
    broken_tree = tree((b"100644", b"gone", ABSENT))
    broken_commit = commit(forged.name("tree", broken_tree))
    child = commit(forged.name("tree", broken_tree), forged.name("commit", broken_commit))
    delta_on_broken = tree((b"100644", b"gone", ABSENT), (b"100644", b"here", forged.name("blob", BLOB)))
    whole_again = tree((b"100644", b"gone", forged.name("blob", BLOB)))
    head = len(b"100644 gone\0")
    entries += [
        forged.whole("tree", broken_tree),
        forged.whole("commit", broken_commit),
        forged.whole("commit", child),
        forged.ref_delta(forged.name("tree", broken_tree), forged.inserting(broken_tree, delta_on_broken[len(broken_tree) :])),
        forged.ref_delta(
            forged.name("tree", broken_tree), forged.copying(len(broken_tree), head, 0, head, forged.name("blob", BLOB))
        ),
    ]
    ingested = take_in(open_ingest(folder / "x.pack"), forged.pack(entries))
    assert ingested.missing_edges(None, limit=10) == [(ABSENT, "blob")]

    kept = ingested.without_broken(str(folder / "y.pack"), [tip], None)

    assert kept.object_count == 5
    assert kept.missing_edges(None, limit=10) == []
    db = database([kept.pack()])
    assert db.verify() == 5
    assert db.read(forged.name("tree", whole_again)) == ("tree", whole_again)
    assert db.contains(tip)
    assert kept.digest == hashlib.sha256(kept.pack_bytes()).digest()

    with pytest.raises(MissingObject) as caught:
        ingested.without_broken(str(folder / "z.pack"), [tip, forged.name("commit", child)], None)
    assert caught.value.args[1] == ABSENT
    with pytest.raises(MissingObject):
        ingested.without_broken(str(folder / "z.pack"), [b"\x33" * 20], None)
    del kept, db, ingested
    assert list(folder.iterdir()) == []


# --- packs that are built, and indexed again ------------------------------------------------------------------------------


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
