"""The pack cache of a process: answers that are kept, and those that are being made, each once (design, section 5).

Only pack sections go through it, and only after it was found that their client may have what they hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import trio

from packengine.protocol import PackFrame
from packengine.repository.answers import AnswerStore, AnswerStoreStats, CorruptEntry
from server.git.native import ThreadPools
from server.git.pack_board import BuilderGone
from server.git.pack_build import Build
from server.git.pack_follow import FollowedPack
from server.git.pack_source import DirectPack, EntryPack, OpenPack, PackSource, Piece

CacheUse = Literal["hit", "miss", "joined"]

_ATTEMPTS = 3
"""Before a pack is made for its client alone: each failed attempt means that what it relied on went away just then."""


@dataclass(frozen=True, slots=True)
class PackCacheStats:
    """What a process did since it started."""

    hits: int
    misses: int
    joined: int
    store: AnswerStoreStats


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a pack comes from. build: None for an entry that is complete."""

    source: PackSource
    build: Build | None = None
    is_first: bool = False

    @property
    def use(self) -> CacheUse:
        """Once the source has begun."""
        if self.build is None:
            return "hit"
        return "miss" if self.is_first and not self.build.is_elsewhere else "joined"


class PackCache:
    """Entries in files, and the builds of this process."""

    def __init__(self, store: AnswerStore, pools: ThreadPools) -> None:
        self._store = store
        self._pools = pools
        self._builds: dict[bytes, Build] = {}
        self._uses: Counter[CacheUse] = Counter()

    def entry(self, key: bytes) -> EntryPack | None:
        """The entry of that key with its first piece, if there is one. In a thread; close it."""
        entry = EntryPack(self._pools.packs, self._store, key)
        return entry if entry.open_here() else None

    def pack(
        self,
        key: bytes,
        open_pack: OpenPack,
        frame: PackFrame,
        looked_up: Sequence[EntryPack | None] = (),
        *,
        is_likely_small: bool = False,
    ) -> CachedPack:
        """The pack section of that key, made by `open_pack` if need be. looked_up: what `entry` said a moment ago.

        is_likely_small: whether other processes need not hear of it before it turns out to be large.
        """
        direct = DirectPack(self._pools, open_pack, frame)
        build = partial(Build, self._store, self._pools, key, open_pack, frame, is_likely_small=is_likely_small)
        return CachedPack(partial(self._find, key, build, list(looked_up)), direct, self.count)

    def stats(self) -> PackCacheStats:
        """Counters of this process."""
        return PackCacheStats(self._uses["hit"], self._uses["miss"], self._uses["joined"], self._store.stats())

    def count(self, use: CacheUse) -> None:
        """An answer was sent that way."""
        self._uses[use] += 1

    async def _find(self, key: bytes, make_build: Callable[[], Build], looked_up: list[EntryPack | None]) -> _Found:
        """looked_up: what was found of the entry before; it is good for one attempt."""
        joined = self._join(key) if not any(looked_up) else None
        if joined is not None:
            return joined
        entry = looked_up.pop() if looked_up else await self._open(key)
        if entry is not None:
            return _Found(entry)
        return self._join(key) or self._begin(key, make_build())

    async def _open(self, key: bytes) -> EntryPack | None:
        entry = EntryPack(self._pools.packs, self._store, key)
        return entry if await entry.open() else None

    def _join(self, key: bytes) -> _Found | None:
        build = self._builds.get(key)
        if build is None or not build.may_be_joined:
            return None
        return _Found(FollowedPack(build.board, self._pools.packs), build)

    def _begin(self, key: bytes, build: Build) -> _Found:
        found = _Found(FollowedPack(build.board, self._pools.packs), build, is_first=True)
        self._builds[key] = build
        trio.lowlevel.spawn_system_task(self._run, key, build)
        return found

    async def _run(self, key: bytes, build: Build) -> None:
        try:
            await build.run()
        finally:
            if self._builds.get(key) is build:
                del self._builds[key]


class CachedPack:
    """A PackSource. As long as nothing was sent, whatever goes wrong in the cache is made good."""

    def __init__(
        self, find: Callable[[], Awaitable[_Found]], direct: DirectPack, count: Callable[[CacheUse], None]
    ) -> None:
        self._find = find
        self._count = count
        self._source: PackSource = direct
        self._direct = direct
        self._first: Piece | None = None
        self.use: CacheUse = "miss"

    @property
    def object_count(self) -> int:
        """Known after `begin`."""
        return self._source.object_count

    @property
    def reused_count(self) -> int:
        """Known at the end."""
        return self._source.reused_count

    async def begin(self) -> None:
        """Find the pack, and have its first piece."""
        for _ in range(_ATTEMPTS):
            found = await self._find()
            self._source = found.source
            try:
                await found.source.begin()
                self._first = await found.source.read()
            except (CorruptEntry, BuilderGone):
                self._source = self._direct
                await found.source.close()
            else:
                self.use = found.use
                break
        else:
            await self._direct.begin()
        self._count(self.use)

    async def read(self) -> Piece:
        """The next piece."""
        first, self._first = self._first, None
        return first or await self._source.read()

    async def close(self) -> None:
        """Let go of entry or build."""
        await self._source.close()
