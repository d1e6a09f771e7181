"""Which objects a request may touch: those that the refs reach (design, law 8).

In a sealed manifest presence is permission. Otherwise the set of reachable objects is built once for a state of the
refs and kept; a lookup is then a bit test.
"""

from __future__ import annotations

from threading import Lock

from cachetools import LRUCache

from core_ext import Cancel, ObjectDb
from packengine.manifests import Manifest
from packengine.repository.limits import Limits
from packengine.repository.state import RepositoryState, StateLoader


class Visibility:
    """Views of the object database that hold only what refs reach."""

    def __init__(self, loader: StateLoader, limits: Limits) -> None:
        self._loader = loader
        self._grace_ms = limits.want_grace_ms
        self._lock = Lock()
        self._building: dict[tuple[bytes, ...], Lock] = {}
        self._views: LRUCache[tuple[bytes, ...], ObjectDb] = LRUCache(limits.open_repositories)

    def usable(self, state: RepositoryState) -> ObjectDb:
        """What a push or a read may build on: everything that the refs reach now."""
        if state.manifest.sealed:
            return self._loader.objects(state.manifest)
        return self._view((state.pointer.manifest,), [state.manifest])

    def wantable(self, state: RepositoryState, now_ms: int, cancel: Cancel | None = None) -> ObjectDb:
        """What a fetch may want: also what a ref of this very repository held within the grace period."""
        if state.manifest.sealed:
            return self._loader.objects(state.manifest)
        recent = self._recent(state, now_ms)
        return self._view(_chain_key(state, recent), recent, cancel)

    def all_usable(self, state: RepositoryState) -> bool:
        """Whether the refs reach everything that the packs hold, also where the manifest does not say so."""
        return state.manifest.sealed or len(self.usable(state)) == len(self._loader.objects(state.manifest))

    def _recent(self, state: RepositoryState, now_ms: int) -> list[Manifest]:
        recent: list[Manifest] = []
        for manifest in self._loader.own_history(state):
            # A manifest stopped being current at the time of the one after it, which was looked at just before.
            if recent and recent[-1].time_ms < now_ms - self._grace_ms:
                break
            recent.append(manifest)
        return recent

    def _view(self, key: tuple[bytes, ...], manifests: list[Manifest], cancel: Cancel | None = None) -> ObjectDb:
        """The view of these refs. Whoever asks for one that is being built waits for it.

        If its builder is cancelled, the next of those who wait builds it.
        """
        with self._lock:
            building = self._building.setdefault(key, Lock())
        with building:
            with self._lock:
                view = self._views.get(key)
            try:
                view = view if view is not None else self._build(manifests, cancel)
            finally:
                with self._lock:
                    self._building.pop(key, None)
                    if view is not None:
                        self._views[key] = view
        return view

    def _build(self, manifests: list[Manifest], cancel: Cancel | None) -> ObjectDb:
        everything = self._loader.objects(manifests[0])
        tips = {entry.oid for manifest in manifests for entry in manifest.refs.scan()}
        stored = sorted(tip for tip in tips if everything.contains(tip))
        return everything.restricted(everything.reachable(stored, cancel=cancel))


def _chain_key(state: RepositoryState, recent: list[Manifest]) -> tuple[bytes, ...]:
    return (state.pointer.manifest, *(manifest.parent or b"" for manifest in recent[:-1]))
