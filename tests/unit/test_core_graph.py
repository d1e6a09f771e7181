"""ObjectSet, the graph's methods of ObjectDb, and PackStream: the cases that have a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from core_ext import (
    Cancel,
    Cancelled,
    CorruptObject,
    CorruptPack,
    LimitExceeded,
    MissingObject,
    ObjectDb,
    ObjectSet,
    Pack,
    PackStream,
)
from tests.support.graph_twin import Graph
from tests.support.pack_twin import OFS_DELTA, REF_DELTA, ReadPack, Stored, read_pack, write_pack
from tests.support.packs import database

if TYPE_CHECKING:
    from core_ext._core import Oid

ABSENT = bytes(range(20))
BLOB = 3
MAX_CHAIN_DEPTH = 4095
"""The depth at which the pack writer breaks chains: what Git's pack-objects allows at most."""


def blob(text: str) -> Stored:
    return Stored("blob", b"much in common\n" * 9 + text.encode())


def delta(entry: Stored, base: Stored, *, by_distance: bool = True) -> Stored:
    return Stored(entry.kind, entry.content, base, by_distance)


def packed(*entries: Stored) -> Pack:
    pack, idx = write_pack(entries)
    return Pack.from_bytes(pack, idx, object_format="sha1")


def in_one_pack(graph: Graph) -> ObjectDb:
    return database([packed(*graph.objects.values())])


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


A, B, C, D = (blob(name) for name in "abcd")


@pytest.fixture
def graph() -> Graph:
    return Graph()


# --- sets -------------------------------------------------------------------------------------------------------------


def test_set_has_its_members_in_pages() -> None:
    db = database([packed(A, B), packed(B, C)])
    objects = db.all_objects()
    assert len(objects) == 3
    assert A.oid in objects
    assert ABSENT not in objects
    pages = [objects.oids(offset=offset, limit=2) for offset in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert set(pages[0] + pages[1]) == {A.oid, B.oid, C.oid}


def test_union_and_minus_leave_their_operands_alone() -> None:
    db = database([packed(A, B, C)])
    left, right = only(db, [A, B]), only(db, [B, C])
    assert len(left.union(right)) == 3
    assert left.minus(right).oids(limit=9) == [A.oid]
    assert (len(left), len(right)) == (2, 2)


def test_sets_of_different_databases_do_not_mix() -> None:
    pack = packed(A)
    left, right = database([pack]), database([pack])
    for combine in (ObjectSet.union, ObjectSet.minus):
        with pytest.raises(ValueError, match="different databases"):
            combine(left.all_objects(), right.all_objects())
    with pytest.raises(ValueError, match="different databases"):
        left.with_pack(packed(B)).stream_pack(left.all_objects(), client_holds=None, ofs_delta=True)
    with pytest.raises(ValueError, match="different databases"):
        left.stream_pack(left.all_objects(), client_holds=right.all_objects(), ofs_delta=True)
    with pytest.raises(ValueError, match="different databases"):
        left.restricted(right.all_objects())


def test_sets_of_a_database_and_of_its_views_mix() -> None:
    db = database([packed(A, B)])
    view = db.restricted(only(db, [A]))
    assert len(db.all_objects().minus(view.all_objects())) == 1


# --- walks ------------------------------------------------------------------------------------------------------------


def test_unknown_tip_is_missing(graph: Graph) -> None:
    graph.blob(b"x")
    with pytest.raises(MissingObject) as caught:
        in_one_pack(graph).reachable([ABSENT])
    assert caught.value.args[1] == ABSENT


def test_missing_edge_names_both_ends() -> None:
    tree = Stored("tree", b"100644 file\0" + ABSENT)
    with pytest.raises(MissingObject, match=f"{ABSENT.hex()}.*{tree.oid.hex()}") as caught:
        database([packed(tree)]).reachable([tree.oid])
    assert caught.value.args[1] == ABSENT


def test_null_id_is_no_object() -> None:
    tree = Stored("tree", b"100644 file\0" + bytes(20))
    with pytest.raises(MissingObject):
        database([packed(tree)]).reachable([tree.oid])


def test_submodule_is_no_edge() -> None:
    tree = Stored("tree", b"160000 module\0" + ABSENT)
    assert len(database([packed(tree)]).reachable([tree.oid])) == 1


def test_blob_is_never_read(graph: Graph) -> None:
    large = graph.blob(bytes(1000))
    tree = graph.tree({b"f": large})
    db = database([packed(*graph.objects.values())], max_object_bytes=100)
    assert len(db.reachable([tree])) == 2
    assert len(db.reachable([large])) == 1


def test_tree_that_does_not_parse_is_named() -> None:
    tree = Stored("tree", b"100644 file\0short")
    with pytest.raises(CorruptObject, match=tree.oid.hex()):
        database([packed(tree)]).reachable([tree.oid])


def test_view_does_not_reach_what_it_hides(graph: Graph) -> None:
    commit = graph.commit(graph.tree({b"f": graph.blob(b"hidden")}), [], 1)
    db = in_one_pack(graph)
    view = db.restricted(db.all_objects().minus(db.reachable([graph.edges[commit][0]])))
    with pytest.raises(MissingObject):
        view.reachable([commit])


def test_cancel_stops_walks_and_writers(graph: Graph) -> None:
    commit = graph.commit(graph.tree({b"f": graph.blob(b"x")}), [], 1)
    db, cancel = in_one_pack(graph), Cancel()
    small = db.reachable([graph.edges[commit][0]])
    stream = db.stream_pack(small, client_holds=None, ofs_delta=True, cancel=cancel)
    cancel.set()
    for work in (
        lambda: db.reachable([commit], cancel=cancel),
        lambda: db.difference([commit], graph.edges[commit], cancel=cancel),
        lambda: stream.read(1),
        lambda: stream.read(100),
    ):
        with pytest.raises(Cancelled):
            work()


def test_file_that_moved_is_not_sent_again(graph: Graph) -> None:
    moved = graph.blob(b"moved")
    old = graph.commit(graph.tree({b"old": {b"f": moved}}), [], 1)
    new = graph.commit(graph.tree({b"new": moved}), [old], 2)
    objects, held = in_one_pack(graph).difference([new], [old])
    assert moved not in objects
    assert moved in held
    assert len(objects) == 2


def test_file_of_the_deeper_past_is_sent_again_as_git_does(graph: Graph) -> None:
    back = graph.blob(b"deleted, and back")
    first = graph.commit(graph.tree({b"f": back}), [], 1)
    second = graph.commit(graph.tree({}), [first], 2)
    third = graph.commit(graph.tree({b"f": back}), [second], 3)
    objects, _ = in_one_pack(graph).difference([third], [second])
    assert back in objects


def test_no_haves_is_the_closure(graph: Graph) -> None:
    tag = graph.tag(graph.commit(graph.tree({}), [], 1), b"t")
    objects, held = in_one_pack(graph).difference([tag], [])
    assert (len(objects), len(held)) == (3, 0)


def test_wanting_what_one_has_is_nothing(graph: Graph) -> None:
    commit = graph.commit(graph.tree({}), [], 1)
    objects, _ = in_one_pack(graph).difference([commit], [commit])
    assert len(objects) == 0


def test_new_tag_of_an_old_commit_is_sent_alone(graph: Graph) -> None:
    commit = graph.commit(graph.tree({}), [], 1)
    tag = graph.tag(commit, b"t")
    objects, _ = in_one_pack(graph).difference([tag], [commit])
    assert objects.oids(limit=9) == [tag]


def test_clock_that_was_wrong_by_hours_sends_nothing_twice(graph: Graph) -> None:
    tree = graph.tree({})
    root = graph.commit(tree, [], 80_000)
    late = graph.commit(tree, [root], 10, b"by a clock that is behind")
    have = graph.commit(tree, [late], 20)
    want = graph.commit(tree, [root], 80_001)
    objects, _ = in_one_pack(graph).difference([want], [have])
    assert objects.oids(limit=9) == [want]


def test_tree_is_no_ancestor(graph: Graph) -> None:
    tree = graph.tree({})
    commit = graph.commit(tree, [], 1)
    with pytest.raises(CorruptObject, match="a tree where a commit is needed"):
        in_one_pack(graph).is_ancestor(tree, commit)


def test_criss_cross_has_two_merge_bases(graph: Graph) -> None:
    tree = graph.tree({})
    root = graph.commit(tree, [], 1)
    left, right = graph.commit(tree, [root], 2), graph.commit(tree, [root], 3)
    merges = graph.commit(tree, [left, right], 4), graph.commit(tree, [right, left], 5)
    assert in_one_pack(graph).merge_bases(*merges) == [right, left]


def test_unrelated_commits_have_no_merge_base(graph: Graph) -> None:
    tree = graph.tree({})
    left, right = graph.commit(tree, [], 1), graph.commit(tree, [], 2)
    assert in_one_pack(graph).merge_bases(left, right) == []


def test_common_ancestor_that_another_one_reaches_is_not_best_whatever_the_clocks_say(graph: Graph) -> None:
    tree = graph.tree({})
    newest_date = graph.commit(tree, [], 10)
    between = graph.commit(tree, [newest_date], 1)
    best = graph.commit(tree, [between], 5)
    merges = [graph.commit(tree, [best, newest_date], 20, message) for message in (b"left", b"right")]
    assert in_one_pack(graph).merge_bases(*merges) == [best]


def test_ready_however_far_the_have_is(graph: Graph) -> None:
    tree = graph.tree({})
    root = tip = graph.commit(tree, [], 1)
    for date_s in range(2, 9):
        tip = graph.commit(tree, [graph.commit(tree, [], date_s, b"another root"), tip], date_s)
    assert in_one_pack(graph).all_reach([tip], [root])


def test_not_ready_without_haves(graph: Graph) -> None:
    commit = graph.commit(graph.tree({}), [], 1)
    assert not in_one_pack(graph).all_reach([commit], [])


def test_want_that_is_no_commit_does_not_hold_up_negotiation(graph: Graph) -> None:
    tree = graph.tree({})
    commit = graph.commit(tree, [], 1)
    other = graph.commit(tree, [], 2)
    db = in_one_pack(graph)
    assert db.all_reach([tree, commit], [commit])
    assert not db.all_reach([tree, other], [commit])


# --- packs ------------------------------------------------------------------------------------------------------------


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


def test_oids_come_in_the_database_s_order(graph: Graph) -> None:
    oids: list[Oid] = [graph.blob(b"%d" % number) for number in range(9)]
    assert in_one_pack(graph).all_objects().oids(limit=9) == sorted(oids)
