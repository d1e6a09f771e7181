"""The compiled filters against a look at every path, over random tangles of trees in random packs."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from core_ext import ObjectSet
from tests.support import filter_twin
from tests.support.filter_twin import Term
from tests.support.graph_twin import Graph, Tree
from tests.support.histories import History, stored
from tests.support.packs import database

if TYPE_CHECKING:
    from core_ext._core import Kind, Oid

KINDS: list[Kind] = ["commit", "tree", "blob", "tag"]
NAMES = [b"a", b"b", b"ab"]

pieces = st.sampled_from([b"a", b"b", b"ab", b"*", b"a*", b"?", b"**"])
patterns = st.builds(
    lambda sign, root, names, end: sign + root + b"/".join(names) + end,
    st.sampled_from([b"", b"", b"!"]),
    st.sampled_from([b"", b"/"]),
    st.lists(pieces, min_size=1, max_size=4),
    st.sampled_from([b"", b"", b"/"]),
)
terms: st.SearchStrategy[Term] = st.one_of(
    st.just(filter_twin.blob_none()),
    st.integers(0, 6).map(filter_twin.blob_limit),
    st.integers(0, 6).map(filter_twin.tree_depth),
    st.sampled_from(KINDS).map(filter_twin.object_type),
    st.lists(patterns, max_size=4).map(filter_twin.sparse),
)


@st.composite
def tangles(draw: st.DrawFn) -> History:
    """A few commits whose trees share folders and files at all depths, and tags of anything."""
    random = draw(st.randoms(use_true_random=False))
    graph = Graph()
    blobs = [graph.blob(b"%d" % number * number) for number in range(6)]
    folders: list[Tree] = [{}]
    for _ in range(draw(st.integers(1, 7))):
        folders.append({name: random.choice([*blobs, *folders[-3:] * 2]) for name in random.sample(NAMES, 2)})
    trees = [graph.tree(folder) for folder in folders]
    commits: list[Oid] = []
    for number in range(draw(st.integers(1, 5))):
        parents = random.sample(commits, min(len(commits), random.randrange(3)))
        commits.append(graph.commit(random.choice(trees[-3:]), parents, number))
    tags: list[Oid] = []
    for number in range(draw(st.integers(0, 3))):
        tags.append(graph.tag(random.choice(commits + blobs + trees + tags), b"t%d" % number))
    packs = stored(graph, draw(st.integers(1, 2)), random)
    return History(graph, commits, tags, packs, database(packs))


def members(objects: ObjectSet) -> set[Oid]:
    return set(objects.oids(limit=1 << 20))


def some(history: History, random: Random, at_least: int) -> list[Oid]:
    roots = history.commits * 3 + history.tags * 2 + list(history.graph.objects)
    return random.sample(roots, random.randint(at_least, 3))


@given(tangles(), terms, st.randoms(use_true_random=False))
def test_a_term_lets_through_what_passes_in_one_of_its_places(history: History, term: Term, random: Random) -> None:
    wants = some(history, random, 1)
    objects, held = history.db.select(wants, [], filters=[term.compiled])
    assert members(objects) == filter_twin.select(history.graph, wants, [], [term])[0]
    assert not held


@given(tangles(), st.lists(terms, max_size=3), st.randoms(use_true_random=False))
def test_several_terms_let_through_what_each_does(history: History, some_terms: list[Term], random: Random) -> None:
    wants, haves = some(history, random, 1), some(history, random, 0)
    selected = history.db.select(wants, haves, filters=[term.compiled for term in some_terms])
    assert tuple(map(members, selected)) == filter_twin.select(history.graph, wants, haves, some_terms)


@given(tangles(), st.lists(patterns, max_size=5), st.randoms(use_true_random=False))
def test_sparse_patterns_choose_blobs_by_path(history: History, lines: list[bytes], random: Random) -> None:
    wants = some(history, random, 1)
    term = filter_twin.sparse(lines)
    objects, _ = history.db.select(wants, [], filters=[term.compiled])
    assert members(objects) == filter_twin.select(history.graph, wants, [], [term])[0]
