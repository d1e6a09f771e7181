"""The pack cache of a process: answers that are kept, and those that are being made, each once (design, section 5).

Only pack sections go through it, and only after it was found that their client may have what they hold.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from threading import Lock

from packengine.protocol import PackFrame
from packengine.repository.answers import AnswerStore, AnswerStoreStats
from server.git.cached_pack import CachedPack, CacheUse, Found, PackQuestion
from server.git.native import ThreadPools
from server.git.pack_build import Build
from server.git.pack_source import EntryPack, OpenPack


@dataclass(frozen=True, slots=True)
class PackCacheStats:
    """What a process did since it started."""

    hits: int
    misses: int
    joined: int
    store: AnswerStoreStats


class PackCache:
    """Entries in files, and the builds of this process."""

    def __init__(self, store: AnswerStore, pools: ThreadPools) -> None:
        self._store = store
        self._pools = pools
        self._lock = Lock()
        self._builds: dict[bytes, Build] = {}
        """Entered in the thread that begins one, so that whoever asks at the same time finds it."""

        self._uses: Counter[CacheUse] = Counter()

    def pack(self, key: bytes, open_pack: OpenPack, frame: PackFrame, *, is_likely_small: bool = False) -> CachedPack:
        """The pack section of that key, made by `open_pack` if need be.

        is_likely_small: whether other processes need not hear of it before it turns out to be large.
        """
        question = PackQuestion(key, open_pack, frame, is_likely_small)
        return CachedPack(self._pools, question, self._find, self._count)

    def stats(self) -> PackCacheStats:
        """Counters of this process."""
        return PackCacheStats(self._uses["hit"], self._uses["miss"], self._uses["joined"], self._store.stats())

    def _count(self, use: CacheUse) -> None:
        self._uses[use] += 1

    def _find(self, question: PackQuestion) -> Found:
        """The entry with its first piece, or a build, which is the caller's to begin if it is new. In a thread."""
        entry = EntryPack(self._pools.packs, self._store, question.key)
        if entry.open_here():
            return Found(entry)
        with self._lock:
            build = self._builds.get(question.key)
            if build is not None and build.may_be_joined:
                return Found(build)
            self._builds[question.key] = build = self._new_build(question)
        return Found(build, is_first=True)

    def _new_build(self, question: PackQuestion) -> Build:
        return Build(
            self._store,
            self._pools,
            question.key,
            question.open,
            question.frame,
            self._forget,
            is_likely_small=question.is_likely_small,
        )

    def _forget(self, key: bytes, build: Build) -> None:
        with self._lock:
            if self._builds.get(key) is build:
                del self._builds[key]
