"""Selections in histories that end, and where they end, against sets in plain Python."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from core_ext import ObjectFilter, ObjectSet
from tests.support import shallow_twin
from tests.support.histories import DAY_S, History, histories
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


def roots_of(history: History) -> list[Oid]:
    """Commits, tags, and some objects of other kinds."""
    return history.commits + history.tags + list(history.graph.objects)[:8]


@given(histories(), randoms)
def test_selection_is_exact_if_clocks_differ_by_less_than_a_day(history: History, random: Random) -> None:
    roots = roots_of(history)
    wants, haves, shallow = some(roots, random, 1), some(roots, random), some(roots, random)
    objects, held = history.db.select(wants, haves, shallow=shallow)
    assert (members(objects), members(held)) == shallow_twin.select(history.graph, wants, haves, shallow)


@given(any_clock, randoms)
def test_selection_completes_what_the_client_has_whatever_the_clocks_say(history: History, random: Random) -> None:
    roots = history.commits + history.tags
    wants, haves, shallow = some(roots, random, 1), some(roots, random), some(history.commits, random)
    objects, held = (members(found) for found in history.db.select(wants, haves, shallow=shallow))
    short = shallow_twin.cut(history.graph, shallow)
    wanted, had = short.closure(wants), short.closure(haves)
    assert wanted - had <= objects <= wanted
    assert held <= had
    assert not objects & held


@given(any_clock, randoms)
def test_filtered_selection_is_part_of_the_whole_one(history: History, random: Random) -> None:
    roots = history.commits + history.tags
    wants, haves, shallow = some(roots, random, 1), some(roots, random), some(history.commits, random)
    filters = random.sample([ObjectFilter.blob_none(), ObjectFilter.tree_depth(1)], random.randint(1, 2))
    objects, held = history.db.select(wants, haves, shallow=shallow)
    few, few_held = history.db.select(wants, haves, shallow=shallow, filters=filters)
    assert members(few) <= members(objects)
    assert members(few_held) <= members(held)


@given(any_clock, randoms)
def test_selection_in_a_history_that_is_not_cut_is_the_difference(history: History, random: Random) -> None:
    roots = roots_of(history)
    wants, haves, absent = some(roots, random), some(roots, random), random.randbytes(20)
    selected, difference = history.db.select(wants, haves, shallow=[absent]), history.db.difference(wants, haves)
    assert [members(found) for found in selected] == [members(found) for found in difference]


@given(any_clock, randoms, st.integers(1, 8))
def test_depth_boundary_is_by_levels(history: History, random: Random, depth: int) -> None:
    tips = some(roots_of(history), random)
    boundary, above = history.db.depth_boundary(tips, depth)
    expected = shallow_twin.to_depth(history.graph, tips, depth)
    assert len(boundary) == len(set(boundary))
    assert (set(boundary), members(above)) == (expected.boundary, expected.above)


@given(any_clock, randoms)
def test_age_boundary_is_exact_whatever_the_clocks_say(history: History, random: Random) -> None:
    tips, since_s = some(roots_of(history), random), random.choice([None, *history.graph.dates.values()])
    boundary, above = history.db.age_boundary(tips, since_s=since_s, excluded=[])
    expected = shallow_twin.to_age(history.graph, tips, since_s, [])
    assert (set(boundary), members(above)) == (expected.boundary, expected.above)


@given(histories(), randoms)
def test_exclusion_is_exact_if_clocks_differ_by_less_than_a_day(history: History, random: Random) -> None:
    tips, excluded = some(roots_of(history), random), some(roots_of(history), random)
    since_s = random.choice([None, *history.graph.dates.values()])
    boundary, above = history.db.age_boundary(tips, since_s=since_s, excluded=excluded)
    expected = shallow_twin.to_age(history.graph, tips, since_s, excluded)
    assert (set(boundary), members(above)) == (expected.boundary, expected.above)


@given(any_clock, randoms)
def test_what_tips_reach_among_candidates_keeps_its_order(history: History, random: Random) -> None:
    tips, candidates = some(roots_of(history), random), [*some(roots_of(history), random), random.randbytes(20)]
    shallow = some(roots_of(history), random)
    reached = shallow_twin.cut(history.graph, shallow).ancestors(history.graph.commits_of(tips))
    found = history.db.reached_among(tips, candidates, shallow=shallow)
    assert found == [oid for oid in candidates if oid in reached]


@given(histories(), randoms)
def test_ready_is_judged_in_the_history_that_the_client_has(history: History, random: Random) -> None:
    wants, haves, shallow = (some(history.commits, random) for _ in range(3))
    short = shallow_twin.cut(history.graph, shallow)
    known = set(haves) | {parent for have in haves for parent in short.parents[have]}
    reach = all(short.ancestors([want]) & known for want in wants)
    assert history.db.all_reach(wants, haves, shallow=shallow) == (bool(haves) and reach)


@given(any_clock, randoms)
def test_tag_chain_is_the_tags_alone(history: History, random: Random) -> None:
    tags = some(roots_of(history), random)
    chain = {oid for oid in history.graph.closure(tags) if history.graph.objects[oid].kind == "tag"}
    assert members(history.db.tag_chain(tags)) == chain


@given(any_clock)
def test_parents_are_in_the_commit_s_order(history: History) -> None:
    parents = {commit: tuple(history.db.parents(commit)) for commit in history.commits}
    assert parents == history.graph.parents


@given(histories(max_packs=5), randoms, st.integers(0, 3))
def test_whole_packs_and_the_rest_are_the_set(history: History, random: Random, max_packs: int) -> None:
    contents = [members(database([pack]).all_objects()) for pack in history.packs]
    sizes_bytes = [pack.size_bytes for pack in history.packs]
    min_pack_bytes = random.choice([0, *sizes_bytes])
    objects, _ = history.db.difference(some(history.commits, random, 1) + history.tags, some(history.commits, random))
    packs, rest = history.db.split_by_pack(objects, min_pack_bytes=min_pack_bytes, max_packs=max_packs)
    assert (packs, members(rest)) == shallow_twin.by_pack(
        contents, sizes_bytes, members(objects), min_pack_bytes=min_pack_bytes, max_packs=max_packs
    )
