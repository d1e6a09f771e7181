"""Where the history of a shallow client ends, before and after a fetch. Format: gitprotocol-pack(5), "shallow".

A commit of the boundary is sent, its parents are not. Below its old boundary the client has nothing; so an answer is
computed in a graph in which the commits of the old and of the new boundary have no parents, and what lies below a
commit that is a boundary no longer is wanted by naming its parents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core_ext import Cancel, Cancelled, ObjectDb, ObjectSet
from packengine.protocol import INFINITE_DEPTH, Deepen
from packengine.repository.errors import FetchRefused


@dataclass(frozen=True, slots=True)
class Boundary:
    """What is told to the client, and what follows for the answer. Raw ids of commits."""

    shallow: tuple[bytes, ...] = ()
    """Now a boundary; it was none."""

    unshallow: tuple[bytes, ...] = ()
    """A boundary no longer."""

    cut: tuple[bytes, ...] = ()
    """Commits that have no parents, as far as this answer goes."""

    below: tuple[bytes, ...] = ()
    """Parents of what is a boundary no longer."""


def find_boundary(
    objects: ObjectDb,
    wants: Sequence[bytes],
    client_shallow: Sequence[bytes],
    deepen: Deepen,
    excluded: Sequence[bytes],
    cancel: Cancel,
) -> Boundary:
    """The boundary after this fetch.

    client_shallow: commits of `objects`. excluded: the values of `deepen.excluded_refs`.
    Raises FetchRefused if there would be nothing above the boundary.
    """
    if not deepen.is_asked:
        return Boundary(cut=tuple(client_shallow))
    if deepen.depth is not None and deepen.depth >= INFINITE_DEPTH:
        shallow, unshallow = [], list(client_shallow)
    else:
        edge, above = _selected(objects, wants, client_shallow, deepen, excluded, cancel)
        known = set(client_shallow)
        shallow = [commit for commit in edge if commit not in known and commit not in above]
        unshallow = [commit for commit in client_shallow if commit in above]
    below = list(dict.fromkeys(_parents(objects, unshallow, cancel)))
    cut = [*client_shallow, *shallow]
    # A boundary behind another one is not sent. Named all the same, as Git does, it could never be unshallowed again:
    # its client would look for a commit that it does not have.
    shallow = objects.reached_among([*wants, *below], shallow, shallow=cut, cancel=cancel)
    return Boundary(tuple(shallow), tuple(unshallow), tuple(cut), tuple(below))


def _parents(objects: ObjectDb, commits: Sequence[bytes], cancel: Cancel) -> Iterator[bytes]:
    for commit in commits:
        if cancel.is_set():
            raise Cancelled("the boundary is not wanted any more")
        yield from objects.parents(commit)


def _selected(
    objects: ObjectDb,
    wants: Sequence[bytes],
    client_shallow: Sequence[bytes],
    deepen: Deepen,
    excluded: Sequence[bytes],
    cancel: Cancel,
) -> tuple[list[bytes], ObjectSet]:
    """The commits at the new boundary, and those above it."""
    if deepen.depth is None:
        edge, above = objects.age_boundary(wants, since_s=deepen.since_s, excluded=excluded, cancel=cancel)
        if not edge and not len(above):
            raise FetchRefused("no commits selected for shallow requests")
        return edge, above
    if deepen.relative:  # each commit of the boundary moves, wherever it lies; its own place counts as one
        return objects.depth_boundary(client_shallow, deepen.depth + 1, cancel=cancel)
    return objects.depth_boundary(wants, deepen.depth, cancel=cancel)
