"""The annotated tags of a state as one ingredient of a key: there may be many, and they seldom change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from threading import Lock

from cachetools import LRUCache

from packengine.repository.ref_lookup import RefLookup
from packengine.repository.state import RepositoryState

_STATES_KEPT = 10_000


class TagDigests:
    """Remembers them by manifest, for one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: LRUCache[bytes, tuple[bytes, ...]] = LRUCache(_STATES_KEPT)

    def of(self, state: RepositoryState, refs: RefLookup) -> tuple[bytes, ...]:
        """SHA-256 of the ids of those that are shown, in the order of their names; nothing if there are none.

        Sorting the ids would take most of the time of 500,000 tags.
        """
        with self._lock:
            known = self._known.get(state.pointer.manifest)
        if known is None:
            known = _digest(oid for oid, _ in refs.annotated_tags())
            with self._lock:
                self._known[state.pointer.manifest] = known
        return known


def _digest(oids: Iterable[bytes]) -> tuple[bytes, ...]:
    """They are never in memory together."""
    digest, is_empty = hashlib.sha256(), True
    for oid in oids:
        digest.update(oid)
        is_empty = False
    return () if is_empty else (digest.digest(),)
