"""The compiled graph and pack writer against sets in plain Python, over random histories in random packs."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_ext import MissingObject, ObjectSet, PackStream
from tests.support.graph_twin import Graph
from tests.support.histories import DAY_S, History, histories, stored
from tests.support.pack_twin import OFS_DELTA, REF_DELTA, read_pack
from tests.support.packs import database

if TYPE_CHECKING:
    from core_ext._core import Oid

randoms = st.randoms(use_true_random=False)
any_clock = histories(max_date_s=1000 * DAY_S)


def members(objects: ObjectSet) -> set[Oid]:
    oids = objects.oids(limit=1 << 20)
    assert len(oids) == len(set(oids)) == len(objects)
    return set(oids)


def some(oids: list[Oid], random: Random, at_least: int = 0) -> list[Oid]:
    return random.sample(oids, random.randint(min(at_least, len(oids)), min(len(oids), 3)))


def read_all(stream: PackStream, random: Random) -> bytes:
    pieces = []
    while piece := stream.read(size := random.randint(1, 300)):
        assert len(piece) <= size
        pieces.append(piece)
    return b"".join(pieces)


def subset(history: History, oids: set[Oid]) -> ObjectSet:
    """An ObjectSet of any objects, closed or not: the closure of each, without what is below it."""
    db, graph = history.db, history.graph
    chosen = db.reachable([])
    for oid in oids:
        chosen = chosen.union(db.reachable([oid]).minus(db.reachable(graph.edges[oid])))
    assert members(chosen) == oids
    return chosen


@given(any_clock, randoms)
def test_reachable_is_the_closure(history: History, random: Random) -> None:
    tips = some(list(history.graph.objects), random)
    assert members(history.db.reachable(tips)) == history.graph.closure(tips)


@given(any_clock, randoms)
def test_a_known_closure_is_not_walked_again_and_changes_nothing(history: History, random: Random) -> None:
    oids = list(history.graph.objects)
    known_tips, tips = some(oids, random), some(oids, random)
    known = history.db.reachable(known_tips)
    assert members(history.db.reachable(tips, known=known)) == history.graph.closure([*known_tips, *tips])
    view = history.db.restricted(history.db.reachable([]))
    with pytest.raises(MissingObject):
        view.reachable(oids[:1], known=view.all_objects())


@given(any_clock, randoms)
def test_a_set_moves_to_a_database_that_stores_the_same_in_other_packs(history: History, random: Random) -> None:
    everything = list(history.graph.objects)
    moving = subset(history, set(some(everything, random)))
    kept = random.sample(history.packs, random.randint(0, len(history.packs)))
    other = database([*kept, *stored(history.graph, random.randint(1, 3), random), *history.packs[:1]])
    moved = moving.moved_to(other)
    assert members(moved) == members(moving)
    assert members(moved.union(other.reachable([]))) == members(moving)
    assert all((oid in moved) == (oid in moving) for oid in everything)


def test_a_set_does_not_move_to_where_one_of_its_objects_is_not_stored() -> None:
    graph = Graph()
    old = graph.commit(graph.tree({}), [], 0, b"old")
    fewer = stored(graph, 1, Random(0))
    new = graph.commit(graph.tree({}), [old], 1, b"new")
    everything = database(stored(graph, 2, Random(0)))
    assert members(everything.reachable([old]).moved_to(database(fewer))) == graph.closure([old])
    with pytest.raises(MissingObject, match=new.hex()):
        everything.all_objects().moved_to(database(fewer))


@given(histories(), randoms)
def test_difference_is_exact_if_clocks_differ_by_less_than_a_day(history: History, random: Random) -> None:
    roots = history.commits + history.tags + list(history.graph.objects)[:8]
    wants, haves = some(roots, random, 1), some(roots, random, 1)
    objects, held = history.db.difference(wants, haves)
    assert (members(objects), members(held)) == history.graph.difference(wants, haves)


@given(any_clock, randoms)
def test_difference_never_omits_what_the_haves_do_not_reach(history: History, random: Random) -> None:
    roots = history.commits + history.tags
    wants, haves = some(roots, random, 1), some(roots, random)
    objects, held = (members(found) for found in history.db.difference(wants, haves))
    wanted, had = history.graph.closure(wants), history.graph.closure(haves)
    assert wanted - had <= objects <= wanted
    assert held <= had
    assert not objects & held


@given(any_clock, randoms)
def test_merge_bases_are_the_best_common_ancestors(history: History, random: Random) -> None:
    left, right = random.choice(history.commits), random.choice(history.commits)
    bases = history.db.merge_bases(left, right)
    assert set(bases) == history.graph.merge_bases(left, right)
    dates = [history.graph.dates[base] for base in bases]
    assert dates == sorted(dates, reverse=True)


@given(any_clock, randoms)
def test_ancestry_does_not_depend_on_clocks(history: History, random: Random) -> None:
    above, below = random.choice(history.commits), random.choice(history.commits)
    assert history.db.is_ancestor(above, below) == (above in history.graph.ancestors([below]))


@given(histories(), randoms)
def test_ready_when_each_want_reaches_a_have_or_a_parent_of_one(history: History, random: Random) -> None:
    graph = history.graph
    wants, haves = some(history.commits + history.tags, random), some(history.commits, random)
    known = set(haves) | {parent for have in haves for parent in graph.parents[have]}
    reach = all(graph.ancestors([want]) & known for want in graph.commits_of(wants))
    assert history.db.all_reach(wants, haves) == (bool(haves) and reach)


@given(histories(), randoms)
def test_walk_is_by_date_then_as_met(history: History, random: Random) -> None:
    tips, hidden = some(history.commits, random), some(history.commits, random)
    walked = history.graph.walk(tips, hidden)
    skip, limit = random.randint(0, 3), random.randint(0, 9)
    assert history.db.walk_commits(tips, hidden, limit=limit, skip=skip) == walked[skip : skip + limit]


@given(histories(max_packs=5), randoms, st.booleans())
def test_any_set_is_written_exactly(history: History, random: Random, ofs_delta: bool) -> None:
    everything = list(history.graph.objects)
    wanted = set(random.sample(everything, random.randint(0, len(everything))))
    held = set(random.sample(everything, random.randint(0, len(everything)))) - wanted
    objects, holds = subset(history, wanted), random.choice([None, subset(history, held)])
    stream = history.db.stream_pack(objects, client_holds=holds, ofs_delta=ofs_delta, threads=random.randint(1, 3))
    outside = {} if holds is None else {oid: history.db.read(oid) for oid in held}
    read = read_pack(read_all(stream, random), outside)
    assert read.objects == {oid: history.db.read(oid) for oid in wanted}
    assert stream.object_count == len(wanted)
    assert stream.reused_count <= len(wanted)
    assert ofs_delta or OFS_DELTA not in read.types


@given(histories(max_packs=5), randoms)
def test_full_answer_keeps_every_stored_delta(history: History, random: Random) -> None:
    stream = history.db.stream_pack(history.db.all_objects(), client_holds=None, ofs_delta=True)
    read = read_pack(read_all(stream, random))
    assert read.objects.keys() == history.graph.objects.keys()
    assert stream.reused_count == stream.object_count


@given(histories(), randoms)
def test_what_cannot_be_reused_is_whole(history: History, random: Random) -> None:
    oid = random.choice(list(history.graph.objects))
    stream = history.db.stream_pack(subset(history, {oid}), client_holds=None, ofs_delta=True)
    read = read_pack(read_all(stream, random))
    assert not {OFS_DELTA, REF_DELTA} & set(read.types)
