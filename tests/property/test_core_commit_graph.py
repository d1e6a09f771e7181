"""Walks along commit-graphs against sets in plain Python: wrong clocks, cuts, views, packs in front and in between."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from core_ext import MissingObject, ObjectDb, ObjectSet
from tests.support import shallow_twin
from tests.support.histories import DAY_S, History, graphed_histories

if TYPE_CHECKING:
    from core_ext._core import Oid

randoms = st.randoms(use_true_random=False)
any_clock = graphed_histories(max_date_s=1000 * DAY_S)
no_row_holds_it = graphed_histories(max_date_s=1 << 63)
exact = st.one_of(graphed_histories(), graphed_histories(max_date_s=1000 * DAY_S, whole=True))
"""Either clocks differ by less than a day, or every commit has a generation and the clocks say what they like."""


def members(objects: ObjectSet) -> set[Oid]:
    oids = objects.oids(limit=1 << 20)
    assert len(oids) == len(set(oids)) == len(objects)
    return set(oids)


def some(oids: list[Oid], random: Random, at_least: int = 0) -> list[Oid]:
    return random.sample(oids, random.randint(min(at_least, len(oids)), min(len(oids), 3)))


def roots_of(history: History) -> list[Oid]:
    return history.commits + history.tags + list(history.graph.objects)[:8]


@given(any_clock, randoms)
def test_reachable_is_the_closure(history: History, random: Random) -> None:
    tips = some(roots_of(history), random)
    assert members(history.db.reachable(tips)) == history.graph.closure(tips)


@given(exact, randoms)
def test_selection_is_exact(history: History, random: Random) -> None:
    roots = roots_of(history)
    wants, haves, shallow = some(roots, random, 1), some(roots, random), some(roots, random)
    objects, held = history.db.select(wants, haves, shallow=shallow)
    assert (members(objects), members(held)) == shallow_twin.select(history.graph, wants, haves, shallow)


@given(any_clock, randoms)
def test_selection_never_omits_what_the_haves_do_not_reach(history: History, random: Random) -> None:
    roots = history.commits + history.tags
    wants, haves, shallow = some(roots, random, 1), some(roots, random), some(history.commits, random)
    objects, held = (members(found) for found in history.db.select(wants, haves, shallow=shallow))
    short = shallow_twin.cut(history.graph, shallow)
    wanted, had = short.closure(wants), short.closure(haves)
    assert wanted - had <= objects <= wanted
    assert held <= had
    assert not objects & held


@given(exact, randoms)
def test_age_boundary_is_exact_with_exclusions(history: History, random: Random) -> None:
    tips, excluded = some(roots_of(history), random), some(roots_of(history), random)
    since_s = random.choice([None, *history.graph.dates.values()])
    boundary, above = history.db.age_boundary(tips, since_s=since_s, excluded=excluded)
    expected = shallow_twin.to_age(history.graph, tips, since_s, excluded)
    assert (set(boundary), members(above)) == (expected.boundary, expected.above)


@given(any_clock, randoms, st.integers(1, 8))
def test_boundaries_are_exact_whatever_the_clocks_say(history: History, random: Random, depth: int) -> None:
    tips, since_s = some(roots_of(history), random), random.choice([None, *history.graph.dates.values()])
    boundary, above = history.db.depth_boundary(tips, depth)
    expected = shallow_twin.to_depth(history.graph, tips, depth)
    assert (set(boundary), members(above)) == (expected.boundary, expected.above)
    boundary, above = history.db.age_boundary(tips, since_s=since_s, excluded=[])
    expected = shallow_twin.to_age(history.graph, tips, since_s, [])
    assert (set(boundary), members(above)) == (expected.boundary, expected.above)


@given(any_clock, randoms)
def test_what_tips_reach_among_candidates_does_not_depend_on_clocks(history: History, random: Random) -> None:
    tips, candidates = some(roots_of(history), random), [*some(roots_of(history), random), random.randbytes(20)]
    shallow = some(roots_of(history), random)
    reached = shallow_twin.cut(history.graph, shallow).ancestors(history.graph.commits_of(tips))
    found = history.db.reached_among(tips, candidates, shallow=shallow)
    assert found == [oid for oid in candidates if oid in reached]


@given(exact, randoms)
def test_ready_when_each_want_reaches_a_have_or_a_parent_of_one(history: History, random: Random) -> None:
    wants, haves, shallow = (some(history.commits, random) for _ in range(3))
    short = shallow_twin.cut(history.graph, shallow)
    known = set(haves) | {parent for have in haves for parent in short.parents[have]}
    reach = all(short.ancestors([want]) & known for want in wants)
    assert history.db.all_reach(wants, haves, shallow=shallow) == (bool(haves) and reach)


@given(any_clock, randoms)
def test_ancestry_and_bases_do_not_depend_on_clocks(history: History, random: Random) -> None:
    left, right = random.choice(history.commits), random.choice(history.commits)
    assert history.db.is_ancestor(left, right) == (left in history.graph.ancestors([right]))
    bases = history.db.merge_bases(left, right)
    assert set(bases) == history.graph.merge_bases(left, right)
    dates = [history.graph.dates[base] for base in bases]
    assert dates == sorted(dates, reverse=True)


@given(exact, randoms)
def test_walk_is_by_date_then_as_met(history: History, random: Random) -> None:
    tips, hidden = some(history.commits, random), some(history.commits, random)
    walked = history.graph.walk(tips, hidden)
    skip, limit = random.randint(0, 3), random.randint(0, 9)
    assert history.db.walk_commits(tips, hidden, limit=limit, skip=skip) == walked[skip : skip + limit]


@given(no_row_holds_it, randoms)
def test_dates_that_a_row_cannot_hold_are_read_from_the_commits(history: History, random: Random) -> None:
    tips = some(history.commits, random, 1)
    assert history.db.walk_commits(tips, [], limit=99) == history.graph.walk(tips, [])
    above, below = random.choice(history.commits), random.choice(history.commits)
    assert history.db.is_ancestor(above, below) == (above in history.graph.ancestors([below]))


@given(any_clock, randoms)
def test_every_commit_is_counted_once_and_has_its_parents(history: History, random: Random) -> None:
    tips = some(history.commits, random)
    assert history.db.count_commits(tips) == len(history.graph.ancestors(tips))
    assert {commit: tuple(history.db.parents(commit)) for commit in history.commits} == history.graph.parents


@given(any_clock, randoms)
def test_a_walk_in_a_view_meets_nothing_that_is_not_visible(history: History, random: Random) -> None:
    db, graph = history.db, history.graph
    hole = random.choice(history.commits)
    view = db.restricted(db.all_objects().minus(db.reachable([hole]).minus(db.reachable(graph.edges[hole]))))
    tips = [commit for commit in some(history.commits, random) if commit != hole]
    reach = graph.ancestors(tips)
    assert outcome(lambda: view.count_commits(tips)) == (hole if hole in reach else len(reach))
    for commit in tips:
        parents = graph.parents[commit]
        assert outcome(partial(parents_of, view, commit)) == (hole if hole in parents else parents)
    for met in what_walks_meet(view, tips, random):
        assert met == hole or (isinstance(met, set) and hole not in met)


def what_walks_meet(view: ObjectDb, tips: list[Oid], random: Random) -> list[object]:
    """The commits in each walk's answer, or what it missed."""
    others, depth = tips[:1], random.randint(1, 9)
    return [
        outcome(lambda: set(view.walk_commits(tips, others, limit=99))),
        outcome(lambda: members(view.select(tips, others)[0])),
        outcome(lambda: set.union(*by_depth(view, tips, depth))),
        outcome(lambda: {base for tip in tips for base in view.merge_bases(tip, tips[0])}),
    ]


def parents_of(view: ObjectDb, commit: Oid) -> tuple[Oid, ...]:
    return tuple(view.parents(commit))


def by_depth(view: ObjectDb, tips: list[Oid], depth: int) -> tuple[set[Oid], set[Oid]]:
    boundary, above = view.depth_boundary(tips, depth)
    return set(boundary), members(above)


def outcome(walk: Callable[[], object]) -> object:
    """What a walk returns, or the object that it missed."""
    try:
        return walk()
    except MissingObject as missing:
        return missing.args[1]
