"""Pack and ObjectDb: what was stored is found and read, and what cannot be is said."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core_ext import (
    Cancel,
    Cancelled,
    CorruptIndex,
    CorruptPack,
    LimitExceeded,
    MissingObject,
    ObjectDb,
    Pack,
    PackBuilder,
)
from tests.support.packs import database, git_objects, open_pack, pack_path

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

ABSENT = bytes(range(20))


def built(*contents: bytes, object_format: ObjectFormat = "sha1") -> Pack:
    """A pack of blobs."""
    builder = PackBuilder(object_format=object_format)
    for content in contents:
        builder.add("blob", content)
    return Pack.from_bytes(builder.finish(), None, object_format=object_format)


def blob_oid(content: bytes) -> bytes:
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).digest()


@pytest.fixture(scope="module")
def db(small_repo: Path) -> ObjectDb:
    return database([open_pack(small_repo)])


def test_every_object_reads_as_git_reads_it(small_repo: Path, db: ObjectDb) -> None:
    count = 0
    for oid, kind, content in git_objects(small_repo):
        assert db.contains(oid)
        assert db.header(oid) == (kind, len(content))
        assert db.read(oid) == (kind, content)
        count += 1
    assert count == len(db) > 100


def test_many_threads_read_the_same_database(small_repo: Path) -> None:
    objects = list(git_objects(small_repo))
    db = database([open_pack(small_repo)], cache_bytes=100_000)
    with ThreadPoolExecutor(4) as threads:
        futures = [threads.submit(db.read, oid) for _ in range(4) for oid, _, _ in objects]
    assert [future.result() for future in futures] == [(kind, content) for _, kind, content in objects] * 4


def test_an_absent_object_is_named_in_the_error(db: ObjectDb) -> None:
    assert not db.contains(ABSENT)
    assert db.header(ABSENT) is None
    for look_up in (db.read, db.peel):
        with pytest.raises(MissingObject, match=ABSENT.hex()) as caught:
            look_up(ABSENT)
        assert caught.value.args[1] == ABSENT


def test_an_id_of_the_other_object_format_is_absent(db: ObjectDb) -> None:
    assert not db.contains(bytes(32))


def test_an_id_of_an_odd_length_is_a_value_error(db: ObjectDb) -> None:
    with pytest.raises(ValueError, match="20 or 32 bytes, not 19"):
        db.contains(bytes(19))
    with pytest.raises(ValueError, match="20 or 32 bytes, not 19"):
        db.known([ABSENT, bytes(19)])


def test_what_is_known_of_many_ids_is_told_in_their_order(small_repo: Path, db: ObjectDb) -> None:
    oids = [oid for oid, _, _ in git_objects(small_repo)][::-1]
    asked = [ABSENT, *oids[:5], bytes(32), *oids[5:], ABSENT, oids[0]]
    assert db.known(asked) == [*oids, oids[0]]
    assert db.known(()) == []


def test_nothing_is_known_that_a_view_hides(small_repo: Path, db: ObjectDb) -> None:
    oids = [oid for oid, _, _ in git_objects(small_repo)]
    view = db.restricted(db.tag_chain([]))
    assert view.known(oids) == []


def test_peeling_follows_tags_of_tags_and_leaves_the_rest(small_repo: Path, db: ObjectDb) -> None:
    depths = set()
    for oid, kind, _ in git_objects(small_repo):
        expected, depth = oid, 0
        while db.header(expected) is not None and db.read(expected)[0] == "tag":
            expected = bytes.fromhex(db.read(expected)[1].split()[1].decode())
            depth += 1
        assert db.peel(oid) == (db.read(expected)[0], expected)
        depths.add(depth)
        assert (kind == "tag") == (depth > 0)
    assert depths == {0, 1, 2}, "the history has a tag of a tag"


def test_an_object_over_the_limit_is_refused_and_its_header_is_not(small_repo: Path) -> None:
    db = database([open_pack(small_repo)], max_object_bytes=50_000)
    oid, size_bytes = next((oid, len(content)) for oid, _, content in git_objects(small_repo) if len(content) > 50_000)
    assert db.header(oid) == ("blob", size_bytes)
    with pytest.raises(LimitExceeded, match=f"is {size_bytes}, over the limit of 50000"):
        db.read(oid)


def test_a_chain_deeper_than_the_limit_is_refused(small_repo: Path) -> None:
    flat = database([open_pack(small_repo)], max_delta_depth=0)
    refused = 0
    for oid, kind, content in git_objects(small_repo):
        try:
            assert flat.read(oid) == (kind, content)
        except CorruptPack:
            refused += 1
            with pytest.raises(CorruptPack, match="a cycle or longer than 0"):
                flat.header(oid)
    assert 0 < refused < len(flat)


def test_a_pack_in_memory_equals_the_mapped_one(small_repo: Path) -> None:
    path = pack_path(small_repo)
    mapped = open_pack(small_repo)
    for idx in (path.with_suffix(".idx").read_bytes(), None):
        in_memory = Pack.from_bytes(path.read_bytes(), idx, object_format="sha1")
        assert in_memory.checksum == mapped.checksum == path.read_bytes()[-20:]
        assert in_memory.object_count == mapped.object_count
        assert in_memory.size_bytes == mapped.size_bytes == path.stat().st_size
        assert in_memory.idx_bytes() == mapped.idx_bytes() == path.with_suffix(".idx").read_bytes()
        assert in_memory.rev_bytes() == mapped.rev_bytes()
        assert database([in_memory]).verify() == in_memory.object_count


def test_a_mapped_pack_is_read_on_after_its_file_was_renamed_or_deleted(tmp_path: Path, small_repo: Path) -> None:
    paths = [tmp_path / "a.pack", tmp_path / "a.idx"]
    for path in paths:
        path.write_bytes(pack_path(small_repo).with_suffix(path.suffix).read_bytes())
    pack = Pack.open(str(paths[0]), str(paths[1]), object_format="sha1")
    paths[0].rename(tmp_path / "b.pack")
    paths[1].unlink()
    assert database([pack]).verify() == pack.object_count


def test_an_object_in_several_packs_counts_once() -> None:
    db = database([built(b"a", b"b"), built(b"b", b"c"), built(b"a", b"c", b"d")])
    assert len(db) == 4
    assert {content: db.read(blob_oid(content)) for content in (b"a", b"b", b"c", b"d")} == {
        content: ("blob", content) for content in (b"a", b"b", b"c", b"d")
    }


def test_one_more_pack_adds_its_objects_to_a_new_database() -> None:
    before = database([built(b"a")])
    after = before.with_pack(built(b"b"))
    assert (len(before), len(after)) == (1, 2)
    assert not before.contains(blob_oid(b"b"))
    assert after.read(blob_oid(b"b")) == ("blob", b"b")


def test_a_restricted_view_hides_the_rest_until_a_pack_is_added() -> None:
    whole = database([built(b"a", b"b", b"c")])
    only_a = whole.reachable([blob_oid(b"a")])
    view = whole.restricted(only_a)
    assert (len(view), len(whole)) == (1, 3)
    assert view.read(blob_oid(b"a")) == ("blob", b"a")
    assert view.header(blob_oid(b"b")) is None
    with pytest.raises(MissingObject):
        view.read(blob_oid(b"b"))
    assert len(view.with_pack(built(b"d"))) == 4


def test_a_set_of_another_database_restricts_nothing() -> None:
    one, two = database([built(b"a")]), database([built(b"a")])
    with pytest.raises(ValueError, match="database"):
        one.restricted(two.all_objects())


def test_an_empty_pack_and_no_pack_hold_nothing() -> None:
    for db in (database([]), database([built()])):
        assert len(db) == 0
        assert db.verify() == 0
        assert not db.contains(ABSENT)


def test_objects_named_by_sha256_are_read() -> None:
    pack = built(b"content", object_format="sha256")
    oid = hashlib.sha256(b"blob 7\0content").digest()
    assert len(pack.checksum) == 32
    assert database([pack], "sha256").read(oid) == ("blob", b"content")


def test_a_database_refuses_packs_of_the_other_object_format() -> None:
    with pytest.raises(CorruptPack, match="not named by sha1"):
        database([built(b"a", object_format="sha256")])


def test_verify_counts_the_objects_and_stops_when_it_is_told_to(db: ObjectDb) -> None:
    assert db.verify() == len(db)
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        db.verify(cancel=cancel)


def test_a_damaged_entry_is_reported_with_pack_and_offset(tmp_path: Path, small_repo: Path) -> None:
    source = pack_path(small_repo)
    damaged = bytearray(source.read_bytes())
    damaged[len(damaged) // 2] ^= 0x10
    path = tmp_path / "damaged.pack"
    path.write_bytes(damaged)
    pack = Pack.open(str(path), str(source.with_suffix(".idx")), object_format="sha1")
    with pytest.raises(CorruptPack, match=r"the trailer is not the hash of the pack .*damaged\.pack"):
        database([pack]).verify()


@pytest.mark.parametrize("missing", ["pack", "idx"])
def test_an_absent_file_is_an_os_error(tmp_path: Path, small_repo: Path, missing: str) -> None:
    paths = {suffix: str(pack_path(small_repo).with_suffix("." + suffix)) for suffix in ("pack", "idx")}
    paths[missing] = str(tmp_path / "absent")
    with pytest.raises(FileNotFoundError):
        Pack.open(paths["pack"], paths["idx"], object_format="sha1")


def test_an_idx_of_another_pack_is_refused(small_repo: Path) -> None:
    one, two = PackBuilder(object_format="sha1"), PackBuilder(object_format="sha1")
    one.add("blob", b"one")
    two.add("blob", b"two")
    idx = Pack.from_bytes(two.finish(), None, object_format="sha1").idx_bytes()
    with pytest.raises(CorruptIndex, match="made for another pack"):
        Pack.from_bytes(one.finish(), idx, object_format="sha1")
    with pytest.raises(CorruptIndex, match="1 objects, the pack has"):
        Pack.from_bytes(pack_path(small_repo).read_bytes(), idx, object_format="sha1")


@pytest.mark.parametrize("pack", [b"", b"PACK", b"PACK\0\0\0\x04\0\0\0\0" + bytes(20), bytes(100)])
def test_what_is_no_pack_is_refused(pack: bytes) -> None:
    with pytest.raises(CorruptPack):
        Pack.from_bytes(pack, None, object_format="sha1")
