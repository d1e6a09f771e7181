"""The object graph in the plainest Python: sets of ids. The oracle of the compiled graph's tests."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.support.pack_twin import Stored

if TYPE_CHECKING:
    from core_ext._core import Oid

Tree = Mapping[bytes, "Oid | Tree"]
"""Names with the blob or the subtree under each."""


@dataclass
class Graph:
    """Objects and what they refer to. Add blobs first, then the commits, parents before children."""

    objects: dict[Oid, Stored] = field(default_factory=dict)
    edges: dict[Oid, tuple[Oid, ...]] = field(default_factory=dict)
    parents: dict[Oid, tuple[Oid, ...]] = field(default_factory=dict)
    dates: dict[Oid, int] = field(default_factory=dict)

    def add(self, stored: Stored, edges: Sequence[Oid] = ()) -> Oid:
        self.objects[stored.oid] = stored
        self.edges[stored.oid] = tuple(edges)
        return stored.oid

    def blob(self, content: bytes) -> Oid:
        return self.add(Stored("blob", content))

    def tree(self, entries: Tree) -> Oid:
        rows: list[tuple[bytes, bytes, Oid]] = []
        for name, value in entries.items():
            if isinstance(value, bytes):
                rows.append((name, b"100644", value))
            else:
                rows.append((name + b"/", b"40000", self.tree(value)))
        rows.sort()
        content = b"".join(b"%b %b\0%b" % (mode, name.rstrip(b"/"), oid) for name, mode, oid in rows)
        return self.add(Stored("tree", content), [oid for _, _, oid in rows])

    def commit(self, tree: Oid, parents: Sequence[Oid], date_s: int, message: bytes = b"") -> Oid:
        lines = [b"tree %b" % tree.hex().encode(), *(b"parent %b" % parent.hex().encode() for parent in parents)]
        lines += [b"author A <a@b> 9 +0000", b"committer C <c@d> %d +0000" % date_s, b"", message]
        oid = self.add(Stored("commit", b"\n".join(lines)), [tree, *parents])
        self.parents[oid] = tuple(parents)
        self.dates[oid] = date_s
        return oid

    def tag(self, target: Oid, name: bytes) -> Oid:
        lines = [b"object %b" % target.hex().encode(), b"type %b" % self.objects[target].kind.encode()]
        lines += [b"tag %b" % name, b"tagger T <t@u> 9 +0000", b"", b""]
        return self.add(Stored("tag", b"\n".join(lines)), [target])

    def closure(self, roots: Iterable[Oid]) -> set[Oid]:
        """All that the roots reach."""
        return _closure(roots, self.edges)

    def ancestors(self, commits: Iterable[Oid]) -> set[Oid]:
        """The commits themselves included."""
        return _closure(commits, self.parents)

    def peeled(self, oid: Oid) -> Oid:
        return self.peeled(self.edges[oid][0]) if self.objects[oid].kind == "tag" else oid

    def commits_of(self, roots: Iterable[Oid]) -> set[Oid]:
        """The commits that the roots lead to, through tags."""
        return {self.peeled(root) for root in roots} & self.parents.keys()

    def difference(self, wants: Sequence[Oid], haves: Sequence[Oid]) -> tuple[set[Oid], set[Oid]]:
        """What `git pack-objects --revs --no-sparse` sends for `wants --not haves`, and what it marks as held."""
        hidden = self.ancestors(self.commits_of(haves))
        shown = self.ancestors(self.commits_of(wants)) - hidden
        boundary = {parent for commit in shown for parent in self.parents[commit]} & hidden
        held = boundary | self._below(boundary) | self._beside_commits(haves)
        return (shown | self._below(shown) | self._beside_commits(wants)) - held, held

    def merge_bases(self, left: Oid, right: Oid) -> set[Oid]:
        common = self.ancestors([left]) & self.ancestors([right])
        return common - {above for commit in common for above in self.ancestors([commit]) - {commit}}

    def walk(self, tips: Sequence[Oid], hidden: Sequence[Oid]) -> list[Oid]:
        """Newest first; of the same date, first met first."""
        met = self.ancestors(hidden)
        counter = itertools.count()
        queue: list[tuple[int, int, Oid]] = []
        walked: list[Oid] = []
        waiting: Iterable[Oid] = tips
        while True:
            for commit in waiting:
                if commit not in met:
                    met.add(commit)
                    heapq.heappush(queue, (-self.dates[commit], next(counter), commit))
            if not queue:
                return walked
            walked.append(heapq.heappop(queue)[2])
            waiting = self.parents[walked[-1]]

    def _below(self, commits: Iterable[Oid]) -> set[Oid]:
        """All in the commits' trees."""
        return self.closure(self.edges[commit][0] for commit in commits)

    def _beside_commits(self, roots: Iterable[Oid]) -> set[Oid]:
        """The roots' tags, and what they lead to if that is no commit."""
        return {oid for oid in _closure(roots, _without(self.edges, self.parents)) if oid not in self.parents}


def _without(edges: Mapping[Oid, tuple[Oid, ...]], stops: Iterable[Oid]) -> dict[Oid, tuple[Oid, ...]]:
    return {**edges, **dict.fromkeys(stops, ())}


def _closure(roots: Iterable[Oid], edges: Mapping[Oid, tuple[Oid, ...]]) -> set[Oid]:
    seen: set[Oid] = set()
    waiting = list(roots)
    while waiting:
        oid = waiting.pop()
        if oid not in seen:
            seen.add(oid)
            waiting.extend(edges[oid])
    return seen
