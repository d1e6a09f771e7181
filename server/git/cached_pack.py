"""One client's pack section, by way of the pack cache: an entry, a build that others began, or one of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import trio

from packengine.protocol import PackFrame
from packengine.repository.answers import CorruptEntry
from server.git.native import ThreadPools
from server.git.pack_board import BuilderGone
from server.git.pack_build import Build
from server.git.pack_follow import FollowedPack
from server.git.pack_source import DirectPack, EntryPack, OpenPack, PackSource, Piece

CacheUse = Literal["hit", "miss", "joined"]

_ATTEMPTS = 3
"""Before a pack is made for its client alone: each failed attempt means that what it relied on went away just then."""


@dataclass(frozen=True, slots=True)
class PackQuestion:
    """Which pack section is asked for, and how it is made if need be."""

    key: bytes
    open: OpenPack
    frame: PackFrame
    is_likely_small: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Where a pack comes from: a complete entry, or a build."""

    place: EntryPack | Build
    is_first: bool = False
    """Whether the build is the finder's to begin."""

    @property
    def is_at_hand(self) -> bool:
        """Whether all of it has been read, or made."""
        if isinstance(self.place, EntryPack) or self.is_first:
            return self.place.is_at_hand
        return self.place.board.whole is not None

    @property
    def is_there(self) -> bool:
        """Whether it is still as it was found; asked on the event loop. A build may have come too far to be joined."""
        if isinstance(self.place, EntryPack) or self.is_first:
            return True
        return self.place.may_be_joined or self.is_at_hand

    @property
    def use(self) -> CacheUse:
        """How it came."""
        if isinstance(self.place, EntryPack):
            return "hit"
        return "miss" if self.is_first and not self.place.is_elsewhere else "joined"


class CachedPack:
    """A PackSource. As long as nothing was sent, whatever goes wrong in the cache is made good.

    find: looks for it, in a thread. count: called once with how it came.
    """

    def __init__(
        self,
        pools: ThreadPools,
        question: PackQuestion,
        find: Callable[[PackQuestion], Found],
        count: Callable[[CacheUse], None],
    ) -> None:
        self._pools = pools
        self._question = question
        self._find = find
        self._count = count
        self._found: Found | None = None
        """Until there is a source."""

        self._source: PackSource | None = None
        self._own: Build | None = None
        self._first: Piece | None = None
        self._failure: OSError | None = None
        self._is_stopped = False
        self.use: CacheUse = "miss"

    @property
    def object_count(self) -> int:
        """Known after `begin`."""
        return 0 if self._source is None else self._source.object_count

    @property
    def reused_count(self) -> int:
        """Known at the end."""
        return 0 if self._source is None else self._source.reused_count

    @property
    def is_at_hand(self) -> bool:
        """Whether all of it has been read: to send it is one write."""
        return self._found is not None and self._found.is_at_hand

    def begin_here(self) -> None:
        """Find it, or begin to make it, in the thread that one is in. What goes wrong `begin` will raise."""
        try:
            found = self._found = self._find(self._question)
        except OSError as failure:
            self._failure = failure
            return
        if isinstance(found.place, Build) and found.is_first:
            if self._is_stopped:
                found.place.stop_if_alone()
            found.place.begin_here()

    def stop(self) -> None:
        """End the work that a thread does for it, soon, unless others wait for that as well."""
        self._is_stopped = True
        found = self._found
        if found is not None and isinstance(found.place, Build) and found.is_first:
            found.place.stop_if_alone()

    async def begin(self) -> None:
        """Have the first piece."""
        for _ in range(_ATTEMPTS):
            if self._found is None and self._failure is None:
                await self._pools.fetches.run(self.begin_here, stop=self.stop)
            if self._failure is not None:
                raise self._failure
            if await self._has_first_piece():
                break
        else:
            self._source = DirectPack(self._pools, self._question.open, self._question.frame)
            await self._source.begin()
        self._count(self.use)

    async def read(self) -> Piece:
        """The next piece."""
        first, self._first = self._first, None
        if first is not None:
            return first
        assert self._source is not None  # noqa: S101  # for the type checker: `begin` came first
        return await self._source.read()

    async def close(self) -> None:
        """Let go of entry or build. What was made without a claim, and is worth it, is kept now. Idempotent.

        The request is to hold its state until then: a purge counts on nothing being kept of a state that nobody holds.
        """
        if self._found is not None:
            self._take_source(self._found)
        source, self._source = self._source, None
        if source is not None:
            await source.close()
        own, self._own = self._own, None
        if own is not None and own.is_to_be_kept:
            with trio.CancelScope(shield=True):
                await self._pools.packs.run(own.keep)

    async def _has_first_piece(self) -> bool:
        assert self._found is not None  # noqa: S101  # for the type checker: it was looked for
        if not self._found.is_there:
            self._found = None
            return False
        use, source = self._found.use, self._take_source(self._found)
        try:
            await source.begin()
            self._first = await source.read()
        except (CorruptEntry, BuilderGone):
            self._source = None
            await source.close()
            return False
        self.use = use
        return True

    def _take_source(self, found: Found) -> PackSource:
        """Join what was found; others hear only now of what was begun here."""
        self._found = None
        if isinstance(found.place, EntryPack):
            self._source = found.place
            return found.place
        self._source = FollowedPack(found.place.board, self._pools.packs)
        if found.is_first:
            self._own = found.place
            found.place.go_on()
        return self._source
