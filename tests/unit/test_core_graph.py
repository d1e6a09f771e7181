"""ObjectSet and the graph's methods of ObjectDb: the cases that have a name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from core_ext import Cancel, Cancelled, CorruptObject, MissingObject, ObjectDb, ObjectSet
from tests.support.graph_twin import Graph
from tests.support.handmade import blob, in_one_pack, packed
from tests.support.pack_twin import Stored
from tests.support.packs import database

if TYPE_CHECKING:
    from core_ext._core import Oid

ABSENT = bytes(range(20))


def only(db: ObjectDb, entries: Sequence[Stored]) -> ObjectSet:
    return db.reachable([entry.oid for entry in entries])


A, B, C = (blob(name) for name in "abc")


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
    left, right = database([packed(A)]), database([packed(A)])
    for combine in (ObjectSet.union, ObjectSet.minus):
        with pytest.raises(ValueError, match="different databases"):
            combine(left.all_objects(), right.all_objects())
    with pytest.raises(ValueError, match="different databases"):
        left.with_pack(packed(B)).stream_pack(left.all_objects(), client_holds=None, ofs_delta=True)
    with pytest.raises(ValueError, match="different databases"):
        left.stream_pack(left.all_objects(), client_holds=right.all_objects(), ofs_delta=True)
    with pytest.raises(ValueError, match="different databases"):
        left.restricted(right.all_objects())


def test_sets_of_databases_over_the_same_packs_mix() -> None:
    packs = [packed(A), packed(B)]
    left, right = database(packs), database(packs)
    assert len(left.all_objects().minus(right.all_objects())) == 0


def test_sets_of_a_database_and_of_its_views_mix() -> None:
    db = database([packed(A, B)])
    view = db.restricted(only(db, [A]))
    assert len(db.all_objects().minus(view.all_objects())) == 1


def test_oids_come_in_the_database_s_order(graph: Graph) -> None:
    oids: list[Oid] = [graph.blob(b"%d" % number) for number in range(9)]
    assert in_one_pack(graph).all_objects().oids(limit=9) == sorted(oids)


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
