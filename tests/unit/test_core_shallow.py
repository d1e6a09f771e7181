"""Histories that end, in the compiled core: the cases that have a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core_ext import Cancel, Cancelled, CorruptObject, MissingObject, ObjectDb, ObjectFilter, ObjectSet
from tests.support.graph_twin import Graph
from tests.support.handmade import blob, in_one_pack, packed
from tests.support.packs import database

if TYPE_CHECKING:
    from core_ext._core import Oid

ABSENT = bytes(range(20))


@pytest.fixture
def graph() -> Graph:
    return Graph()


def line(graph: Graph, length: int) -> list[Oid]:
    """Commits one above the other, the newest first, each with a file of its own."""
    commits: list[Oid] = []
    for number in range(length):
        tree = graph.tree({b"f": graph.blob(b"%d" % number)})
        commits.insert(0, graph.commit(tree, commits[:1], number + 1))
    return commits


def members(objects: ObjectSet) -> set[Oid]:
    return set(objects.oids(limit=1 << 20))


def content(graph: Graph, *commits: Oid) -> set[Oid]:
    """Commits with their trees."""
    return set(commits) | graph.closure(graph.edges[commit][0] for commit in commits)


# --- selections -------------------------------------------------------------------------------------------------------


def test_shallow_clone_has_nothing_below_its_boundary(graph: Graph) -> None:
    tip, end, _, _ = line(graph, 4)
    objects, held = in_one_pack(graph).select([tip], [], shallow=[end])
    assert members(objects) == content(graph, tip, end)
    assert len(held) == 0


def test_have_s_past_beyond_the_boundary_is_not_held(graph: Graph) -> None:
    tip, have, _, old = line(graph, 4)
    back = graph.commit(graph.edges[old][0], [tip], 9)
    objects, held = in_one_pack(graph).select([back, old], [have], shallow=[have])
    assert members(objects) == content(graph, back, tip, old)
    assert members(held) == content(graph, have)


def test_deepening_sends_what_lies_between_the_boundaries(graph: Graph) -> None:
    tip, old_end, between, new_end, below = line(graph, 5)
    objects, _ = in_one_pack(graph).select([tip, between], [tip, old_end], shallow=[old_end, new_end])
    assert members(objects) == content(graph, between, new_end)
    assert below not in objects


def test_have_beside_all_that_is_sent_still_spares_what_its_tree_holds(graph: Graph) -> None:
    shared = graph.tree({b"f": graph.blob(b"in both")})
    have = graph.commit(shared, [], 1)
    want = graph.commit(shared, [graph.commit(shared, [have], 2)], 3)
    db = in_one_pack(graph)
    objects, held = db.select([want], [have], shallow=[want])
    assert members(objects) == {want}
    assert shared in held


def test_shallow_client_s_tag_of_an_old_commit_is_held(graph: Graph) -> None:
    tip, end = line(graph, 2)
    tag = graph.tag(end, b"t")
    objects, held = in_one_pack(graph).select([tip], [tag], shallow=[end])
    assert members(objects) == content(graph, tip)
    assert members(held) == {tag} | content(graph, end)


def test_shallow_ids_that_are_unknown_or_no_commits_are_passed_over(graph: Graph) -> None:
    tip, _, root = line(graph, 3)
    others = [ABSENT, graph.edges[tip][0], graph.tag(tip, b"t")]
    db = in_one_pack(graph)
    objects, _ = db.select([tip], [], shallow=others)
    assert len(objects) == len(db) - 1
    assert root in objects


def test_hidden_shallow_id_is_passed_over(graph: Graph) -> None:
    tip, end = line(graph, 2)
    other = graph.commit(graph.edges[end][0], [], 1, b"hidden")
    db = in_one_pack(graph)
    view = db.restricted(db.reachable([tip]))
    assert members(view.select([tip], [], shallow=[other])[0]) == members(view.all_objects())


def test_parent_beyond_the_boundary_need_not_be_visible(graph: Graph) -> None:
    tip, end, below = line(graph, 3)
    db = in_one_pack(graph)
    view = db.restricted(db.all_objects().minus(db.reachable([below])))
    assert members(view.select([tip], [], shallow=[end])[0]) == content(graph, tip, end)
    with pytest.raises(MissingObject):
        view.select([tip], [])


def test_partial_client_is_sent_no_more_and_holds_no_more_than_the_filter_lets_through(graph: Graph) -> None:
    shared, old = graph.blob(b"in both"), graph.blob(b"replaced")
    have = graph.commit(graph.tree({b"f": shared, b"g": old}), [], 1)
    want = graph.commit(graph.tree({b"f": shared, b"g": graph.blob(b"new")}), [have], 2)
    objects, held = in_one_pack(graph).select([want], [have], filters=[ObjectFilter.blob_none()])
    assert members(objects) == {want, graph.edges[want][0]}
    assert members(held) == {have, graph.edges[have][0]}


def test_filter_holds_in_a_history_that_ends(graph: Graph) -> None:
    tip, end, _ = line(graph, 3)
    objects, held = in_one_pack(graph).select([tip], [], shallow=[end], filters=[ObjectFilter.tree_depth(0)])
    assert members(objects) == {tip, end}
    assert len(held) == 0


def test_unknown_want_or_have_is_missing(graph: Graph) -> None:
    (tip,) = line(graph, 1)
    db = in_one_pack(graph)
    for wants, haves in (([ABSENT], [tip]), ([tip], [ABSENT])):
        with pytest.raises(MissingObject) as caught:
            db.select(wants, haves, shallow=[tip])
        assert caught.value.args[1] == ABSENT


# --- boundaries -------------------------------------------------------------------------------------------------------


def test_depth_one_is_the_tips(graph: Graph) -> None:
    tip, *_ = line(graph, 3)
    tag = graph.tag(tip, b"t")
    boundary, above = in_one_pack(graph).depth_boundary([tip, tag], 1)
    assert (boundary, len(above)) == ([tip], 0)


def test_root_at_the_depth_is_a_boundary_and_one_above_it_is_none(graph: Graph) -> None:
    tip, middle, root = line(graph, 3)
    db = in_one_pack(graph)
    boundary, above = db.depth_boundary([tip], 3)
    assert (boundary, members(above)) == ([root], {tip, middle})
    boundary, above = db.depth_boundary([tip], 4)
    assert (boundary, members(above)) == ([], {tip, middle, root})


def test_commit_counts_at_its_least_depth(graph: Graph) -> None:
    *_, second, root = commits = line(graph, 6)
    short_cut = graph.commit(graph.tree({}), [root], 9)
    tip = graph.commit(graph.tree({}), [commits[0], short_cut], 10)
    boundary, above = in_one_pack(graph).depth_boundary([tip], 4)
    assert boundary == [commits[2]]
    assert members(above) == {tip, commits[0], short_cut, commits[1], root}
    assert second not in above


def test_tips_that_lead_to_no_commit_are_passed_over(graph: Graph) -> None:
    (tip,) = line(graph, 1)
    tree = graph.edges[tip][0]
    db = in_one_pack(graph)
    assert db.depth_boundary([tree, graph.edges[tree][0]], 1)[0] == []
    assert db.age_boundary([tree, tip], since_s=None, excluded=[tree])[1].oids(limit=9) == [tip]


def test_history_without_commits_has_no_depth(graph: Graph) -> None:
    with pytest.raises(ValueError, match="zero"):
        in_one_pack(graph).depth_boundary([], 0)


def test_infinite_depth_ends_nowhere(graph: Graph) -> None:
    commits = line(graph, 9)
    boundary, above = in_one_pack(graph).depth_boundary(commits[:1], (1 << 31) - 1)
    assert (boundary, members(above)) == ([], set(commits))


def test_commit_of_the_very_second_is_not_too_old(graph: Graph) -> None:
    commits = line(graph, 5)
    boundary, above = in_one_pack(graph).age_boundary(commits[:1], since_s=3, excluded=[])
    assert (boundary, members(above)) == ([commits[2]], set(commits[:2]))


def test_whole_history_has_no_boundary(graph: Graph) -> None:
    commits = line(graph, 5)
    boundary, above = in_one_pack(graph).age_boundary(commits[:1], since_s=1, excluded=[])
    assert (boundary, members(above)) == ([], set(commits))


def test_no_commit_that_is_young_enough_is_nothing(graph: Graph) -> None:
    tip, *_ = line(graph, 5)
    boundary, above = in_one_pack(graph).age_boundary([tip], since_s=6, excluded=[])
    assert (boundary, len(above)) == ([], 0)


def test_nothing_is_selected_by_way_of_an_old_commit(graph: Graph) -> None:
    tree = graph.tree({})
    young = graph.commit(tree, [], 100)
    old = graph.commit(tree, [young], 1, b"by a clock that is behind")
    tip = graph.commit(tree, [old], 101)
    boundary, above = in_one_pack(graph).age_boundary([tip], since_s=50, excluded=[])
    assert (boundary, len(above)) == ([tip], 0)


def test_excluded_tag_ends_history_above_it(graph: Graph) -> None:
    commits = line(graph, 5)
    tag = graph.tag(commits[2], b"v1")
    boundary, above = in_one_pack(graph).age_boundary(commits[:1], since_s=None, excluded=[tag])
    assert (boundary, members(above)) == ([commits[1]], {commits[0]})


def test_excluded_commit_that_is_too_old_itself_excludes_what_it_reaches(graph: Graph) -> None:
    tree = graph.tree({})
    root = graph.commit(tree, [], 20_000)
    middle = graph.commit(tree, [root], 30_000)
    tip = graph.commit(tree, [middle], 40_000)
    excluded = graph.commit(tree, [middle], 10, b"by a clock that is behind")
    boundary, above = in_one_pack(graph).age_boundary([tip], since_s=25_000, excluded=[excluded])
    assert (boundary, len(above)) == ([tip], 0)


# --- ancestors --------------------------------------------------------------------------------------------------------


def test_candidates_are_reached_through_tags_and_commits_only(graph: Graph) -> None:
    tip, middle, root = line(graph, 3)
    tag = graph.tag(middle, b"t")
    reached = in_one_pack(graph).reached_among([tag], [root, tip, ABSENT, tag, middle, graph.edges[middle][0]])
    assert reached == [root, middle]


def test_candidates_behind_the_end_of_history_are_not_reached(graph: Graph) -> None:
    tip, middle, root = line(graph, 3)
    assert in_one_pack(graph).reached_among([tip], [root, middle], shallow=[middle]) == [middle]


def test_not_ready_if_the_path_to_the_have_is_cut(graph: Graph) -> None:
    tip, end, have = line(graph, 3)
    db = in_one_pack(graph)
    assert db.all_reach([tip], [have])
    assert not db.all_reach([tip], [have], shallow=[end])


def test_parent_of_a_have_at_the_boundary_is_not_had(graph: Graph) -> None:
    *_, have, parent = line(graph, 4)
    other = graph.commit(graph.tree({}), [parent], 9)
    db = in_one_pack(graph)
    assert db.all_reach([other], [have])
    assert not db.all_reach([other], [have], shallow=[have])


def test_parents_are_those_of_a_commit(graph: Graph) -> None:
    tip, middle, root = line(graph, 3)
    merge = graph.commit(graph.tree({}), [root, tip, middle], 9)
    db = in_one_pack(graph)
    assert db.parents(merge) == [root, tip, middle]
    with pytest.raises(CorruptObject, match="a tree where a commit is needed"):
        db.parents(graph.edges[merge][0])
    with pytest.raises(MissingObject):
        db.parents(ABSENT)


def test_tag_of_a_tag_is_a_chain(graph: Graph) -> None:
    (tip,) = line(graph, 1)
    inner = graph.tag(tip, b"inner")
    outer = graph.tag(inner, b"outer")
    assert members(in_one_pack(graph).tag_chain([outer, tip])) == {inner, outer}


# --- whole packs ------------------------------------------------------------------------------------------------------

A, B, C, D = (blob(name) for name in "abcd")


def split(db: ObjectDb, objects: ObjectSet, min_pack_bytes: int = 0, max_packs: int = 9) -> tuple[list[int], set[Oid]]:
    packs, rest = db.split_by_pack(objects, min_pack_bytes=min_pack_bytes, max_packs=max_packs)
    return packs, members(rest)


def test_pack_holds_copies_whose_home_is_a_newer_pack() -> None:
    db = database([packed(A, D), packed(A, B, C)])
    wanted = db.reachable([A.oid, B.oid, C.oid])
    assert split(db, wanted) == ([1], set())
    assert split(db, wanted.minus(db.reachable([A.oid]))) == ([], {B.oid, C.oid})


def test_larger_packs_are_chosen_first_and_only_if_large_enough() -> None:
    packs = [packed(A), packed(B, C, D)]
    db = database(packs)
    everything = db.all_objects()
    assert split(db, everything) == ([1, 0], set())
    assert split(db, everything, max_packs=1) == ([1], {A.oid})
    assert split(db, everything, max_packs=0) == ([], members(everything))
    assert split(db, everything, min_pack_bytes=packs[1].size_bytes) == ([1], {A.oid})
    assert split(db, everything, min_pack_bytes=packs[1].size_bytes + 1) == ([], members(everything))


def test_pack_that_adds_nothing_is_not_chosen() -> None:
    db = database([packed(A, B), packed(A, B, C), packed()])
    assert split(db, db.all_objects()) == ([1], set())


def test_pack_with_a_hidden_object_is_not_whole() -> None:
    db = database([packed(A, B)])
    view = db.restricted(db.reachable([A.oid]))
    assert split(view, view.all_objects()) == ([], {A.oid})


def test_set_of_another_database_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="different databases"):
        split(database([packed(A)]), database([packed(A)]).all_objects())


# --- cancelling -------------------------------------------------------------------------------------------------------


def test_cancel_stops_every_walk(graph: Graph) -> None:
    tip, middle, root = line(graph, 3)
    db, cancel = in_one_pack(graph), Cancel()
    everything = db.all_objects()
    cancel.set()
    for work in (
        lambda: db.select([tip], [], shallow=[middle], cancel=cancel),
        lambda: db.depth_boundary([tip], 2, cancel=cancel),
        lambda: db.age_boundary([tip], since_s=None, excluded=[root], cancel=cancel),
        lambda: db.reached_among([tip], [root], cancel=cancel),
        lambda: db.all_reach([tip], [root], shallow=[middle], cancel=cancel),
        lambda: db.split_by_pack(everything, min_pack_bytes=0, max_packs=1, cancel=cancel),
    ):
        with pytest.raises(Cancelled):
            work()
