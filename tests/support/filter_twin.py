"""Filters of partial clones in the plainest Python: the oracle of the compiled core's.

Everything is looked at once for each place in which it stands. An object passes a term if it does so in one of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core_ext import ObjectFilter, parse_tree
from tests.support.graph_twin import Graph

if TYPE_CHECKING:
    from core_ext._core import Kind, Oid


@dataclass(frozen=True)
class Place:
    """An object where it stands."""

    oid: Oid
    kind: Kind
    size_bytes: int
    path: tuple[bytes, ...] = ()
    in_commit: bool = True
    """Whether the path starts at a commit's root tree, or at a tree that was asked for by name."""

    @property
    def depth(self) -> int:
        return len(self.path) - (0 if self.in_commit else 1)


@dataclass(frozen=True)
class Term:
    """A term, as a question about a place and as the compiled one."""

    name: str
    lets: Callable[[Place], bool]
    compiled: ObjectFilter

    def __repr__(self) -> str:
        return self.name


def blob_none() -> Term:
    return Term("blob:none", lambda place: place.kind != "blob", ObjectFilter.blob_none())


def blob_limit(size: int) -> Term:
    compiled = ObjectFilter.blob_limit(size)
    return Term(f"blob:limit={size}", lambda place: place.kind != "blob" or place.size_bytes < size, compiled)


def tree_depth(depth: int) -> Term:
    compiled = ObjectFilter.tree_depth(depth)
    return Term(f"tree:{depth}", lambda place: place.kind in ("commit", "tag") or place.depth < depth, compiled)


def object_type(kind: Kind) -> Term:
    return Term(f"object:type={kind}", lambda place: place.kind == kind, ObjectFilter.object_type(kind))


def sparse(lines: Sequence[bytes]) -> Term:
    def lets(place: Place) -> bool:
        return place.kind != "blob" or _is_included(lines, place)

    return Term(f"sparse:{lines}", lets, ObjectFilter.sparse(b"\n".join(lines)))


def select(
    graph: Graph, wants: Sequence[Oid], haves: Sequence[Oid], terms: Sequence[Term]
) -> tuple[set[Oid], set[Oid]]:
    """(what to send, what the terms would have let the client have of the boundary)."""
    hidden = graph.ancestors(graph.commits_of(haves))
    shown = graph.ancestors(graph.commits_of(wants)) - hidden
    boundary = {parent for commit in shown for parent in graph.parents[commit]} & hidden
    _, held = graph.difference(wants, haves)
    return filtered(graph, shown, wants, held, terms), filtered(graph, boundary, haves, set(), terms)


def filtered(
    graph: Graph, shown: Collection[Oid], roots: Sequence[Oid], held: Collection[Oid], terms: Sequence[Term]
) -> set[Oid]:
    """What all terms let through, and what was named."""
    named = {oid for root in roots for oid in _chain(graph, root)}
    named -= graph.parents.keys() - set(shown)
    places = list(_places(graph, shown, named, held))
    passing = {place.oid for place in places}
    for term in terms:
        passing &= {place.oid for place in places if term.lets(place)}
    return passing | (named - set(held))


def _chain(graph: Graph, oid: Oid) -> Iterator[Oid]:
    """The tags down to what they tag, and that."""
    yield oid
    if graph.objects[oid].kind == "tag":
        yield from _chain(graph, graph.edges[oid][0])


def _places(graph: Graph, shown: Collection[Oid], named: Collection[Oid], held: Collection[Oid]) -> Iterator[Place]:
    for commit in set(shown) - set(held):
        yield Place(commit, "commit", 0)
        yield from _below(graph, Place(graph.edges[commit][0], "tree", 0), held)
    for oid in named:
        if graph.objects[oid].kind == "tree":
            yield from _below(graph, Place(oid, "tree", 0, (), in_commit=False), held)


def _below(graph: Graph, place: Place, held: Collection[Oid]) -> Iterator[Place]:
    """The place, and all below it if it is a tree's."""
    if place.oid in held:
        return
    yield place
    if place.kind == "tree":
        for mode, name, oid in parse_tree(graph.objects[place.oid].content, object_format="sha1"):
            kind: Kind = "tree" if mode == 0o40000 else "blob"
            size_bytes = len(graph.objects[oid].content)
            yield from _below(graph, Place(oid, kind, size_bytes, (*place.path, name), place.in_commit), held)


def _is_included(lines: Sequence[bytes], place: Place) -> bool:
    """The last pattern that matches decides; without one, the folder does."""
    start = 0 if place.in_commit else 1
    verdicts = {-1: False}
    for length in range(start, len(place.path) + 1):
        for line in lines:
            if _matches(line.removeprefix(b"!"), place.path[:length], is_folder=length < len(place.path)):
                verdicts[length] = not line.startswith(b"!")
    return verdicts[max(verdicts)]


def _matches(pattern: bytes, path: tuple[bytes, ...], *, is_folder: bool) -> bool:
    if pattern.endswith(b"/") and not is_folder:
        return False
    if b"/" not in pattern.removesuffix(b"/"):
        subject = path[-1] if path else b""
    elif path:
        subject = b"/".join(path)
    else:
        return False
    return re.fullmatch(_expression(pattern.removesuffix(b"/").removeprefix(b"/")), subject) is not None


def _expression(pattern: bytes) -> bytes:
    """A pattern of letters, `?`, `*` and `**`."""
    pieces = {b"**/": b"(?:.*/)?", b"**": b".*", b"*": b"[^/]*", b"?": b"[^/]"}
    tokens = re.findall(rb"(?:(?<=/)|(?<![^/]))\*\*/|\*\*|\*|\?|[^*?]+", pattern)
    return b"".join(pieces.get(token) or re.escape(token) for token in tokens)
