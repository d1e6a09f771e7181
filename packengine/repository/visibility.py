"""Which objects a request may touch: those that the refs reach (design, law 8).

In a sealed manifest presence is permission. Otherwise the set of reachable objects is made once for a state of the
refs and kept; a lookup is then a bit test. It is made from the set of an earlier state where one is known that can grow
into it (`growth.py`), else by a walk over everything that the refs reach.
"""

from __future__ import annotations

from itertools import chain
from threading import Lock

from cachetools import LRUCache

from core_ext import Cancel, ObjectDb
from packengine.manifests import Manifest
from packengine.repository.growth import Growth, Span, SpanKey, View
from packengine.repository.limits import Limits
from packengine.repository.state import RepositoryState, StateLoader

_REPOSITORIES_REMEMBERED = 4096
"""Of so many repositories it is known which views of theirs may grow; the views themselves are far fewer."""


class Visibility:
    """Views of the object database that hold only what refs reach."""

    def __init__(self, loader: StateLoader, limits: Limits) -> None:
        self._loader = loader
        self._grace_ms = limits.want_grace_ms
        self._lock = Lock()
        self._growth = Growth(loader)
        self._building: dict[SpanKey, Lock] = {}
        self._views: LRUCache[SpanKey, View] = LRUCache(limits.open_repositories)
        self._spans: LRUCache[tuple[str, int], dict[bool, Span]] = LRUCache(_REPOSITORIES_REMEMBERED)
        """By repository, not by its id alone: its latest spans, of one manifest and of several."""

    def usable(self, state: RepositoryState) -> ObjectDb:
        """What a push or a read may build on: everything that the refs reach now."""
        if state.manifest.sealed:
            return self._loader.objects(state.manifest)
        return self._view(state, [state.manifest])

    def wantable(self, state: RepositoryState, now_ms: int, cancel: Cancel | None = None) -> ObjectDb:
        """What a fetch may want: also what a ref of this very repository held within the grace period."""
        if state.manifest.sealed:
            return self._loader.objects(state.manifest)
        return self._view(state, self._recent(state, now_ms), cancel)

    def stored(self, state: RepositoryState) -> ObjectDb:
        """Everything that the packs hold: for who goes from values of refs alone, and so meets nothing else."""
        return self._loader.objects(state.manifest)

    def all_usable(self, state: RepositoryState) -> bool:
        """Whether the refs reach everything that the packs hold, also where the manifest does not say so."""
        return state.manifest.sealed or len(self.usable(state)) == len(self.stored(state))

    def let_go(self) -> None:
        """Drop the views; who uses one goes on with it."""
        with self._lock:
            self._views.clear()

    def _recent(self, state: RepositoryState, now_ms: int) -> list[Manifest]:
        recent: list[Manifest] = []
        for manifest in self._loader.own_history(state):
            # A manifest stopped being current at the time of the one after it, which was looked at just before.
            if recent and recent[-1].time_ms < now_ms - self._grace_ms:
                break
            recent.append(manifest)
        return recent

    def _view(self, state: RepositoryState, manifests: list[Manifest], cancel: Cancel | None = None) -> ObjectDb:
        """The view of these manifests' refs. Whoever asks for one that is being made waits for it.

        If its maker is cancelled, the next of those who wait makes it.
        """
        span = Span.ending_at(state, manifests)
        with self._lock:
            building = self._building.setdefault(span.key, Lock())
        with building:
            with self._lock:
                view = self._views.get(span.key)
            try:
                view = view or self._grown(state, span, cancel) or self._built(manifests, cancel)
            finally:
                with self._lock:
                    self._building.pop(span.key, None)
                    if view is not None:
                        self._keep(state, span, view)
        return view.objects

    def _keep(self, state: RepositoryState, span: Span, view: View) -> None:
        self._views[span.key] = view
        spans = self._spans.setdefault(_incarnation(state), {})
        before = spans.setdefault(span.oldest == span.newest, span)
        if before.newest <= span.newest:  # an older state may be asked for late
            spans[span.oldest == span.newest] = span

    def _grown(self, state: RepositoryState, span: Span, cancel: Cancel | None) -> View | None:
        with self._lock:
            spans = list(self._spans.get(_incarnation(state), {}).values())
            known = [(past, self._views[past.key]) for past in spans if past.key in self._views]
        known.sort(key=lambda each: each[0].steps_to(span))
        # What the nearest cannot show to be reached still, others hardly can; but some need not show anything.
        chosen = [each for at, each in enumerate(known) if at == 0 or each[0].oldest >= span.oldest]
        attempts = (self._growth.grown(state, view, past, span, cancel) for past, view in chosen)
        return next((view for view in attempts if view is not None), None)

    def _built(self, manifests: list[Manifest], cancel: Cancel | None) -> View:
        everything = self._loader.objects(manifests[0])
        tips = set[bytes]()
        for values in chain.from_iterable(manifest.refs.values() for manifest in manifests):
            tips |= values
        stored = sorted(tip for tip in tips if everything.contains(tip))
        objects = everything.restricted(everything.reachable(stored, cancel=cancel))
        return View(objects, tips_stored=len(stored) == len(tips))


def _incarnation(state: RepositoryState) -> tuple[str, int]:
    return state.record.id, state.record.first_version
