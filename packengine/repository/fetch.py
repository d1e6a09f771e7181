"""A fetch: which haves count, where history ends, and the pack that answers (design, section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core_ext import Cancel, Cancelled, ObjectDb, ObjectSet, PackStream
from packengine.protocol import Needs
from packengine.refs import HiddenRefs
from packengine.repository.answers import AnswerQuestion, TagDigests
from packengine.repository.boundary import Boundary, find_boundary
from packengine.repository.errors import FetchRefused, NotOurRef
from packengine.repository.limits import Limits
from packengine.repository.object_filters import NamedFilter, ObjectFilters
from packengine.repository.publish import now_ms
from packengine.repository.ref_lookup import RefLookup
from packengine.repository.state import RepositoryState
from packengine.repository.visibility import Visibility

_UPDATE_LEVEL = 3
"""Of zlib's, at most, where the client has something already. What it gets is a few objects then, mostly: compressed in
half the time, they take 2 to 4 % more bytes (measured on the benchmark's incremental fetches)."""


class FetchService:
    """Answers fetches from one state of a repository. What it does is native work and belongs into a worker thread."""

    def __init__(self, visibility: Visibility, limits: Limits, hidden_refs: HiddenRefs) -> None:
        self._visibility = visibility
        self._limits = limits
        self._hidden_refs = hidden_refs
        self._tags = TagDigests()

    def begin(
        self,
        state: RepositoryState,
        needs: Needs,
        *,
        want_refs: Sequence[bytes] = (),
        cancel: Cancel | None = None,
    ) -> Fetch:
        """A fetch of what is needed. Raises FetchRefused; NotOurRef for the first want that may not be had."""
        objects = self._visibility.wantable(state, now_ms(), cancel)
        if len(objects.known(needs.wants)) < len(needs.wants):
            raise NotOurRef(next(want for want in needs.wants if not objects.contains(want)))
        refs = RefLookup(state, self._hidden_refs)
        wanted_refs = _wanted(refs, want_refs) if want_refs else ()
        filters: Sequence[NamedFilter] = ()
        if needs.filter is not None:
            filters = ObjectFilters(objects, refs, self._limits, state.manifest.object_format).of(needs.filter)
        tags = self._tags.of(state, refs) if needs.include_tag else ()
        question = _Question(needs, wanted_refs, filters, _excluded(refs, needs.deepen.excluded_refs), tags)
        return Fetch(state, refs, objects, question, self._limits)

    def sizes(self, state: RepositoryState, oids: Sequence[bytes], cancel: Cancel | None = None) -> list[int | None]:
        """The size of each object in bytes; None for what this repository does not show (design, law 8).

        Cost: for each distinct object the length of its chain of deltas. Raises Cancelled.
        """
        objects = self._visibility.wantable(state, now_ms(), cancel)
        sizes: dict[bytes, int | None] = {}
        for oid in dict.fromkeys(oids):
            if cancel is not None and cancel.is_set():
                raise Cancelled("the sizes are not wanted any more")
            header = objects.header(oid)
            sizes[oid] = None if header is None else header[1]
        return [sizes[oid] for oid in oids]


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked, with every name in it looked up."""

    needs: Needs
    wanted_refs: Sequence[tuple[bytes, bytes]]
    filters: Sequence[NamedFilter]
    excluded: Sequence[bytes]
    tags: Sequence[bytes]
    """What tells the tags apart that may go along."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The objects of an answer, and what the client surely holds besides; None if nothing is known of that."""

    objects: ObjectSet
    held: ObjectSet | None


class Fetch:
    """One fetch under way."""

    def __init__(
        self, state: RepositoryState, refs: RefLookup, objects: ObjectDb, question: _Question, limits: Limits
    ) -> None:
        self._state = state
        self._refs = refs
        self._limits = limits
        self._needs = question.needs
        self._filters = question.filters
        self._excluded = question.excluded
        self._tags = question.tags
        self.wanted_refs = question.wanted_refs
        """(raw id, name) of each ref that was wanted by name."""

        self.objects = objects
        """Everything that this fetch may bring."""

        self._wants = list(dict.fromkeys([*question.needs.wants, *(oid for oid, _ in question.wanted_refs)]))
        self._boundary: Boundary | None = None

    def common(self, haves: Sequence[bytes]) -> list[bytes]:
        """The haves that are known here, in the order they came."""
        return self.objects.known(haves)

    def all_reached(self, common: Sequence[bytes], cancel: Cancel | None = None) -> bool:
        """Whether each want has a common have among its ancestors: nothing more need be negotiated."""
        return bool(common) and self.objects.all_reach(self._wants, common, cancel=cancel)

    def reached_at(self, common: Sequence[bytes], cancel: Cancel, *, least: bool) -> int | None:
        """How many of the first common haves suffice for `all_reached`, above the boundary; None: not even all do.

        least: whether it must be the least number; else it is all of them.
        """
        cut = self.boundary(cancel).cut

        def suffices(count: int) -> bool:
            return self.objects.all_reach(self._wants, common[:count], shallow=cut, cancel=cancel)

        if not common or not suffices(len(common)):
            return None
        too_few, enough = 0, len(common)
        while least and enough - too_few > 1:
            middle = (too_few + enough) // 2
            too_few, enough = (too_few, middle) if suffices(middle) else (middle, enough)
        return enough

    def boundary(self, cancel: Cancel) -> Boundary:
        """Where the client's history is to end. Raises FetchRefused."""
        if self._boundary is None:
            deepen = self._needs.deepen
            self._boundary = find_boundary(
                self.objects, self._wants, self._client_shallow(), deepen, self._excluded, cancel
            )
        return self._boundary

    def is_whole(self, cancel: Cancel) -> bool:
        """Whether nothing limits the answer: neither a boundary nor a filter."""
        return not self._filters and not self.boundary(cancel).cut

    def is_stored_pack(self, common: Sequence[bytes], cancel: Cancel) -> bool:
        """Whether the answer is the repository's only pack, byte for byte: nothing copies faster than that."""
        only_one = len(self._state.manifest.packs) == 1
        return only_one and not common and self.is_whole(cancel) and self._wants_everything()

    def select(self, common: Sequence[bytes], cancel: Cancel) -> Selection:
        """What the wants reach and the common haves do not, between the boundaries and through the filter."""
        selection = self._select(common, cancel)
        return self._with_tags(selection) if self._needs.include_tag else selection

    def open_pack(self, selection: Selection, cancel: Cancel, *, is_update: bool = False) -> PackStream:
        """The pack of a selection. is_update: whether there were common haves."""
        return self.objects.stream_pack(
            selection.objects,
            client_holds=selection.held if self._needs.thin_pack else None,
            ofs_delta=self._needs.ofs_delta,
            level=self._level(is_update),
            threads=self._limits.threads,
            cancel=cancel,
        )

    def question(
        self, common: Sequence[bytes], cancel: Cancel, *, band_bytes: int, elsewhere: Sequence[bytes] = ()
    ) -> AnswerQuestion:
        """All that the pack of `select` depends on. elsewhere: digests of packs that are left out of it."""
        boundary = self.boundary(cancel)
        return AnswerQuestion(
            object_format=self._state.manifest.object_format,
            wants=self._sent_below(boundary),
            haves=_held_below(boundary, common),
            shallow=boundary.cut,
            filters=[term.name for term in self._filters],
            tags=self._tags,
            elsewhere=elsewhere,
            thin=self._needs.thin_pack,
            ofs_delta=self._needs.ofs_delta,
            level=self._level(bool(common)),
            band_bytes=band_bytes,
        )

    def _level(self, is_update: bool) -> int:
        level = self._limits.compression_level
        return min(level, _UPDATE_LEVEL) if is_update else level

    def _sent_below(self, boundary: Boundary) -> list[bytes]:
        """What is sent with all that it reaches."""
        return [*self._wants, *boundary.below]

    def _client_shallow(self) -> list[bytes]:
        """What of the client's boundary is known here; the rest concerns commits that it cannot get from us."""
        known = []
        for commit in self._needs.shallow:
            header = self.objects.header(commit)
            if header is not None and header[0] != "commit":
                raise FetchRefused(f"invalid shallow object {commit.hex()}")
            if header is not None:
                known.append(commit)
        return known

    def _select(self, common: Sequence[bytes], cancel: Cancel) -> Selection:
        boundary = self.boundary(cancel)
        if not common and self.is_whole(cancel):
            if self._wants_everything():
                return Selection(self.objects.all_objects(), None)
            return Selection(self.objects.reachable(self._wants, cancel=cancel), None)
        found = self.objects.select(
            self._sent_below(boundary),
            _held_below(boundary, common),
            shallow=boundary.cut,
            filters=[term.filter for term in self._filters],
            cancel=cancel,
        )
        return Selection(*found)

    def _wants_everything(self) -> bool:
        """Whether the wants are all that the refs name: then a sealed repository is sent whole, with no walk."""
        if not self._state.manifest.sealed:
            return False
        wanted = set(self._wants)
        return all(values <= wanted for values in self._state.manifest.refs.values())

    def _with_tags(self, selection: Selection) -> Selection:
        """Tags of what is sent go along, with the tags between; never more than tags, whatever filter or boundary."""
        sent = selection.objects
        tags = [oid for oid, peeled in self._refs.annotated_tags() if peeled in sent and oid not in sent]
        return Selection(sent.union(self.objects.tag_chain(tags)), selection.held) if tags else selection


def _held_below(boundary: Boundary, common: Sequence[bytes]) -> list[bytes]:
    """What the client holds with all that it reaches."""
    return [*common, *boundary.unshallow]


def _wanted(refs: RefLookup, names: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """(raw id, name) of each."""
    values = refs.values(names)
    for name in names:
        if name not in values:
            raise FetchRefused(f"unknown ref {name.decode('utf-8', 'replace')}")
    return [(values[name], name) for name in names]


def _excluded(refs: RefLookup, names: Sequence[bytes]) -> list[bytes]:
    """The values of refs whose history is to be left out."""
    values = []
    for name in names:
        found = refs.expand(name)
        shown = name.decode("utf-8", "replace")
        if not found:
            raise FetchRefused(f"git upload-pack: deepen-not is not a ref: {shown}")
        if len(found) > 1:
            raise FetchRefused(f"git upload-pack: ambiguous deepen-not: {shown}")
        values.append(found[0])
    return values
