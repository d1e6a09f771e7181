"""Histories that end somewhere, in the plainest Python: the oracle of the compiled core's shallow selections."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.support.graph_twin import Graph

if TYPE_CHECKING:
    from core_ext._core import Oid


def cut(graph: Graph, shallow: Collection[Oid]) -> Graph:
    """The same objects, the commits among `shallow` without their parents."""
    ends = graph.parents.keys() & set(shallow)
    edges = {end: (graph.edges[end][0],) for end in ends}
    return replace(graph, edges=graph.edges | edges, parents=graph.parents | dict.fromkeys(ends, ()))


def select(
    graph: Graph, wants: Sequence[Oid], haves: Sequence[Oid], shallow: Collection[Oid]
) -> tuple[set[Oid], set[Oid]]:
    """(what to send, what the client is known to hold).

    If history is cut, that is the tree of every commit that was named and that the client has.
    """
    short = cut(graph, shallow)
    objects, held = short.difference(wants, haves)
    if graph.parents.keys() & set(shallow):
        commits = graph.commits_of([*wants, *haves]) & short.ancestors(graph.commits_of(haves))
        held = held | commits | graph.closure(graph.edges[commit][0] for commit in commits)
    return objects - held, held


@dataclass(frozen=True)
class ShortHistory:
    """Commits at which history ends, and those above."""

    boundary: set[Oid]
    above: set[Oid]


def to_depth(graph: Graph, tips: Sequence[Oid], depth: int) -> ShortHistory:
    above: set[Oid] = set()
    level = graph.commits_of(tips)
    for _ in range(depth - 1):
        above |= level
        level = {parent for commit in level for parent in graph.parents[commit]} - above
    return ShortHistory(level, above)


def to_age(graph: Graph, tips: Sequence[Oid], since_s: int | None, excluded: Sequence[Oid]) -> ShortHistory:
    """An old commit is not selected, and nothing by way of it; nor is anything that is excluded."""
    old = {commit for commit, date_s in graph.dates.items() if since_s is not None and date_s < since_s}
    selected = cut(graph, old).ancestors(graph.commits_of(tips)) - old
    selected -= graph.ancestors(graph.commits_of(excluded))
    boundary = {commit for commit in selected if not selected.issuperset(graph.parents[commit])}
    return ShortHistory(boundary, selected - boundary)


def by_pack(
    contents: Sequence[set[Oid]], sizes_bytes: Sequence[int], objects: set[Oid], *, min_pack_bytes: int, max_packs: int
) -> tuple[list[int], set[Oid]]:
    """(packs that are wanted whole, the largest first; the rest)."""
    packs: list[int] = []
    rest = set(objects)
    for place in sorted(range(len(contents)), key=lambda place: -sizes_bytes[place]):
        is_useful = contents[place] <= objects and contents[place] & rest
        if is_useful and sizes_bytes[place] >= min_pack_bytes and len(packs) < max_packs:
            packs.append(place)
            rest -= contents[place]
    return packs, rest
