"""Views that grow: what the refs reach now, from what they reached before (design, law 8).

A view follows the refs of a *span*: of the manifests of one repository from one version to another. Most publishes
take nothing away from what the refs reach. Then the view of a later span is that of an earlier one with what the new
values reach beyond it, and what is known already is not walked again. Proof that nothing is taken away: every value
that the earlier span had and the later one does not name is a commit that one of its values reaches. Where that cannot
be shown cheaply, there is no growing; then the view is built from nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice, pairwise

from core_ext import Cancel, MissingObject, ObjectDb
from packengine.manifests import Manifest
from packengine.refs import RefEntry, RefTable
from packengine.repository.state import RepositoryState, StateLoader
from packengine.storage.ports import RowMissing

_MAX_STEPS = 256
"""Manifests to read and compare at most. They are in memory together; and who missed so many publishes builds once."""

_REFS_ASKED = 1000
"""So many refs are asked whether they reach what went away, where neither HEAD nor the values that came do."""

SpanKey = tuple[bytes | None, bytes | None]


@dataclass(frozen=True, slots=True)
class Span:
    """Successive manifests of one repository, by version, both ends included."""

    oldest: int
    newest: int
    key: SpanKey
    """The digests of the newest and the oldest: they tell the span from any other, of whatever repository."""

    @staticmethod
    def ending_at(state: RepositoryState, manifests: list[Manifest]) -> Span:
        """The span of these manifests, newest first, of which the first is the state's own."""
        newest = state.pointer.version
        oldest = newest - len(manifests) + 1
        return Span(oldest, newest, (state.pointer.manifest, _digest_at(state, manifests, oldest)))

    def steps_to(self, other: Span) -> int:
        """By how many versions their ends lie apart."""
        return abs(other.newest - self.newest) + abs(other.oldest - self.oldest)


@dataclass(frozen=True, slots=True)
class View:
    """The objects that the refs of a span reach."""

    objects: ObjectDb
    tips_stored: bool
    """Whether every value of the refs was stored. One that was not may be stored later: such a view does not grow."""


class Growth:
    """Makes views from views."""

    def __init__(self, loader: StateLoader) -> None:
        self._loader = loader

    def grown(self, state: RepositoryState, known: View, past: Span, span: Span, cancel: Cancel | None) -> View | None:
        """The view of `span`, which ends at `state`, from that of an earlier or equally late one; None: build it anew.

        Raises Cancelled.
        """
        if not known.tips_stored or past.newest > span.newest or past.steps_to(span) > _MAX_STEPS:
            return None
        try:
            return self._grown(state, known, past, span, cancel)
        except (MissingObject, RowMissing):  # packs were dropped together with objects; an old manifest is collected
            return None

    def _grown(self, state: RepositoryState, known: View, past: Span, span: Span, cancel: Cancel | None) -> View | None:
        history = self._history(state, past, span)
        if history is None:
            return None
        change = _TipChange.between(past, span, lambda version: history[state.pointer.version - version].refs)
        everything = self._loader.objects(state.manifest)
        if not all(everything.contains(entry.oid) for entry in change.came):
            return None
        if not _reaches_lost(everything, state, change, cancel):
            return None
        moved = known.objects.all_objects().moved_to(everything, cancel=cancel)
        tips = sorted({entry.oid for entry in change.came})
        return View(everything.restricted(everything.reachable(tips, known=moved, cancel=cancel)), tips_stored=True)

    def _history(self, state: RepositoryState, past: Span, span: Span) -> list[Manifest] | None:
        """The state's manifests back to where the earlier of both spans begins; None if `past` is not of them."""
        oldest = min(past.oldest, span.oldest)
        history = list(islice(self._loader.own_history(state), state.pointer.version - oldest + 1))
        if len(history) <= state.pointer.version - oldest:
            return None
        is_past = past.key == (_digest_at(state, history, past.newest), _digest_at(state, history, past.oldest))
        return history if is_past else None


@dataclass(frozen=True, slots=True)
class _TipChange:
    """How the values of the refs in one span differ from those in another."""

    came: set[RefEntry]
    """Of the later span; with them, all of its values are known."""

    lost: set[bytes]
    """Values of the earlier span that may not be among those of the later one: all that are not."""

    @staticmethod
    def between(past: Span, span: Span, refs_at: Callable[[int], RefTable]) -> _TipChange:
        """Compare neighbours, from what both spans have to what only one has. `past` does not end later than `span`."""
        came: set[RefEntry] = set()
        lost: set[RefEntry] = set()
        versions = {*range(past.oldest, past.newest + 1), *range(span.oldest, span.newest + 1)}
        for older, newer in pairwise(sorted(versions)):
            if older >= max(past.oldest, span.oldest) and newer <= past.newest:
                continue  # both spans have both
            gone, new = _apart(refs_at(older), refs_at(newer))
            if newer > past.newest:
                came |= new
            if older < past.oldest:
                came |= gone
            if older < span.oldest:
                lost |= gone
        return _TipChange(came, {entry.oid for entry in lost} - {entry.oid for entry in came})


def _apart(older: RefTable, newer: RefTable) -> tuple[set[RefEntry], set[RefEntry]]:
    """(what only the older has, what only the newer has)."""
    old, new = set(older.apart_from(newer)), set(newer.apart_from(older))
    return old - new, new - old


def _reaches_lost(everything: ObjectDb, state: RepositoryState, change: _TipChange, cancel: Cancel | None) -> bool:
    """Whether what went away from the refs is still reached from them. A no may be wrong, a yes never is."""
    lost = _commits(everything, change.lost)
    if len(lost) < len(change.lost):
        return False
    head = state.head_entry()
    likely = [*change.came, *([head] if head is not None else [])]
    return not lost or any(
        not everything.walk_commits(lost, _commits(everything, _peeled(entries)), limit=1, cancel=cancel)
        for entries in (likely, islice(state.manifest.refs.scan(), _REFS_ASKED))
    )


def _peeled(entries: Iterable[RefEntry]) -> set[bytes]:
    return {entry.peeled or entry.oid for entry in entries}


def _commits(objects: ObjectDb, oids: Iterable[bytes]) -> list[bytes]:
    return [oid for oid in oids if (header := objects.header(oid)) is not None and header[0] == "commit"]


def _digest_at(state: RepositoryState, history: list[Manifest], version: int) -> bytes | None:
    """The digest of one of the state's manifests; `history` is newest first, from the state's own to that one."""
    at = state.pointer.version - version
    return state.pointer.manifest if at == 0 else history[at - 1].parent
