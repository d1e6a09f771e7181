"""Random histories and random ways to store them, for Hypothesis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from core_ext import ObjectDb, Pack
from tests.support.graph_files import with_graph
from tests.support.graph_twin import Graph
from tests.support.pack_twin import Stored, write_pack
from tests.support.packs import database

if TYPE_CHECKING:
    from core_ext._core import Oid

DAY_S = 86400


@dataclass
class History:
    """A graph, its commits and tags, and packs and a database in which it is stored."""

    graph: Graph
    commits: list[Oid]
    tags: list[Oid]
    packs: list[Pack]
    db: ObjectDb


@st.composite
def histories(draw: st.DrawFn, *, max_date_s: int = DAY_S - 1, max_packs: int = 3) -> History:
    """Up to a dozen commits with dates below `max_date_s`, in no order whatever, over a few files."""
    random = draw(st.randoms(use_true_random=False))
    graph = Graph()
    blobs = [graph.blob(b"common to all\n" * 9 + b"%d" % number) for number in range(6)]
    trees = [_tree(graph, blobs, random) for _ in range(draw(st.integers(1, 5)))]
    commits: list[Oid] = []
    for number in range(draw(st.integers(1, 12))):
        parents = random.sample(commits, min(len(commits), random.choice([0, 1, 1, 1, 2, 2, 3])))
        date_s = draw(st.integers(0, max_date_s))
        commits.append(graph.commit(random.choice(trees), parents, date_s, b"%d" % number))
    tags: list[Oid] = []
    for number in range(draw(st.integers(0, 3))):
        tags.append(graph.tag(random.choice(commits + blobs + trees + tags), b"t%d" % number))
    packs = stored(graph, draw(st.integers(1, max_packs)), random)
    return History(graph, commits, tags, packs, database(packs))


@st.composite
def graphed_histories(draw: st.DrawFn, *, max_date_s: int = DAY_S - 1, whole: bool = False) -> History:
    """Histories in one or two closed packs with commit-graphs, and packs without in front of them and in between.

    An object may be in any of them. whole: all commits have generations.
    """
    history = draw(histories(max_date_s=max_date_s, max_packs=1))
    graph, random = history.graph, draw(st.randoms(use_true_random=False))
    everything = set(graph.objects)
    closed = [everything if whole else graph.closure(_some(history.commits, random))]
    closed += [graph.closure(_some(history.commits, random)) for _ in range(draw(st.integers(0, 1)))]
    bulk = [with_graph(_pack_of(graph, oids, random)) for oids in closed]
    rest = everything.difference(*closed) | set(_some(list(everything), random))
    front = stored(_part(graph, rest), draw(st.integers(1, 2)), random) if rest else []
    packs = [*front, *bulk]
    random.shuffle(packs)
    return replace(history, packs=packs, db=database(packs))


def _some(oids: list[Oid], random: Random) -> list[Oid]:
    return random.sample(oids, random.randint(0, min(len(oids), 4)))


def _part(graph: Graph, oids: set[Oid]) -> Graph:
    return replace(graph, objects={oid: entry for oid, entry in graph.objects.items() if oid in oids})


def _pack_of(graph: Graph, oids: set[Oid], random: Random) -> Pack:
    (pack,) = stored(_part(graph, oids), 1, random)
    return pack


def _tree(graph: Graph, blobs: list[Oid], random: Random) -> Oid:
    files = {b"f%d" % number: random.choice(blobs) for number in range(random.randrange(4))}
    inner = {b"g%d" % number: random.choice(blobs) for number in range(random.randrange(3))}
    return graph.tree({**files, b"sub": inner, b"sub.c": blobs[0]} if inner else files)


def stored(graph: Graph, pack_count: int, random: Random) -> list[Pack]:
    """Every object in one of the packs, many in several, and deltas of all sorts wherever they are possible."""
    piles: list[list[Stored]] = [[] for _ in range(pack_count)]
    for entry in graph.objects.values():
        for pile in random.sample(piles, random.choice([1, 1, pack_count])):
            pile.append(entry)
    return [_pack(pile, random) for pile in piles]


def _pack(pile: list[Stored], random: Random) -> Pack:
    """Bases are drawn in one order and stored in another, so that a base may come after its delta."""
    places = {entry.oid: random.random() for entry in pile}
    random.shuffle(pile)
    entries: list[Stored] = []
    for rank, entry in enumerate(pile):
        bases = [base for base in pile[:rank] if base.kind == entry.kind]
        base = random.choice([None, *bases[-3:]])
        by_distance = base is not None and places[base.oid] < places[entry.oid] and random.random() < 0.8
        entries.append(Stored(entry.kind, entry.content, base, by_distance))
    pack, idx = write_pack(sorted(entries, key=lambda entry: places[entry.oid]))
    return Pack.from_bytes(pack, idx, object_format="sha1")
