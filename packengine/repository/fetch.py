"""A fetch: what the refs are, which haves count, and the pack that answers (design, section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core_ext import Cancel, ObjectDb, ObjectSet, PackStream
from packengine.repository.limits import Limits
from packengine.repository.publish import now_ms
from packengine.repository.state import RepositoryState, StateLoader
from packengine.repository.visibility import Visibility


class NotOurRef(Exception):
    """A want that no ref of this repository reaches, or reached within the grace period."""

    def __init__(self, oid: bytes) -> None:
        super().__init__(f"upload-pack: not our ref {oid.hex()}")
        self.oid = oid


@dataclass(frozen=True, slots=True)
class PackOptions:
    """What the client's capabilities allow in the pack."""

    thin: bool
    ofs_delta: bool
    include_tag: bool


class FetchService:
    """Answers fetches from one state of a repository."""

    def __init__(self, loader: StateLoader, visibility: Visibility, limits: Limits) -> None:
        self._loader = loader
        self._visibility = visibility
        self._limits = limits

    def begin(self, state: RepositoryState, wants: Sequence[bytes], cancel: Cancel | None = None) -> Fetch:
        """A fetch of these wants. Raises NotOurRef for the first that may not be had."""
        objects = self._visibility.wantable(state, now_ms(), cancel)
        for want in wants:
            if not objects.contains(want):
                raise NotOurRef(want)
        return Fetch(state, objects, wants, self._limits)


class Fetch:
    """One fetch under way; every method does native work and belongs into a worker thread."""

    def __init__(self, state: RepositoryState, objects: ObjectDb, wants: Sequence[bytes], limits: Limits) -> None:
        self._state = state
        self._objects = objects
        self._wants = list(dict.fromkeys(wants))
        self._limits = limits

    def common(self, haves: Sequence[bytes]) -> list[bytes]:
        """The haves that are known here, in the order they came."""
        return [have for have in haves if self._objects.contains(have)]

    def all_reached(self, common: Sequence[bytes]) -> bool:
        """Whether each want has a common have among its ancestors: nothing more need be negotiated."""
        return bool(common) and self._objects.all_reach(self._wants, common)

    def pack(self, common: Sequence[bytes], options: PackOptions, cancel: Cancel) -> PackStream:
        """The pack of what the wants reach and the common haves do not."""
        objects, held = self._select(common, cancel)
        if options.include_tag:
            objects = self._with_tags(objects, common, cancel)
        return self._objects.stream_pack(
            objects,
            client_holds=held if options.thin else None,
            ofs_delta=options.ofs_delta,
            level=self._limits.compression_level,
            cancel=cancel,
        )

    def _select(self, common: Sequence[bytes], cancel: Cancel) -> tuple[ObjectSet, ObjectSet | None]:
        if common:
            return self._objects.difference(self._wants, common, cancel=cancel)
        if self._wants_everything():
            return self._objects.all_objects(), None
        return self._objects.reachable(self._wants, cancel=cancel), None

    def _wants_everything(self) -> bool:
        """Whether the wants are all that the refs name: then a sealed repository is sent whole, with no walk."""
        if not self._state.manifest.sealed:
            return False
        wanted = set(self._wants)
        return all(entry.oid in wanted for entry in self._state.manifest.refs.scan())

    def _with_tags(self, objects: ObjectSet, common: Sequence[bytes], cancel: Cancel) -> ObjectSet:
        tags = [
            entry.oid
            for entry in self._state.manifest.refs.with_prefix(b"refs/tags/")
            if entry.peeled is not None and entry.peeled in objects and entry.oid not in objects
        ]
        if not tags:
            return objects
        # A tag may point at a tag: what the first reaches beyond what is sent anyway goes along.
        return objects.union(self._objects.difference(tags, [*self._wants, *common], cancel=cancel)[0])
