"""Which state of a repository to make a bundle of: one that stays the same while pushes go on.

A bundle of the newest state would be another one after each push, and no cache would ever be asked for the same bytes
twice. So the oldest state is taken that is large enough still: its packs are the older end of the present ones, with at
least so many bytes as the largest power of two that the present ones reach, which is more than half of them. Pushes add
packs at the newer end and change nothing about that, until the repository has doubled. "The oldest with at least half"
would move on with every push or two.

The packs decide what is sent, and the state only gives its refs their values: whether all of it may be read now is
judged by the packs alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Lock

from cachetools import LRUCache

from packengine.manifests import Manifest, PackRecord
from packengine.repository.state import RepositoryState, StateLoader
from packengine.storage.ports import RowMissing

MAX_WALK_MANIFESTS = 4096
"""How far back a process looks that knows nothing of a repository yet; later it looks only at what is new."""

_CHOICES_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class _Choice:
    """What was chosen when the newest manifest was `at`."""

    at: bytes
    chosen: bytes | None


class BundleChooser:
    """Chooses, and remembers what it chose for the state before."""

    def __init__(self, loader: StateLoader) -> None:
        self._loader = loader
        self._lock = Lock()
        self._choices: LRUCache[tuple[str, int, int], _Choice] = LRUCache(_CHOICES_KEPT)

    def oldest(self, state: RepositoryState, packs: Sequence[PackRecord], least_bytes: int) -> Manifest | None:
        """The oldest state of this very repository whose packs are the older end of `packs`, of at least so many bytes.

        It never lies before a fork point. Cost: a look at each manifest since the last call.
        """
        key = (state.record.id, state.record.first_version, least_bytes)
        with self._lock:
            known = self._choices.get(key)
        chosen = self._walk(state, tuple(packs), least_bytes, known)
        with self._lock:
            self._choices[key] = _Choice(state.pointer.manifest, chosen)
        return None if chosen is None else self._loader.manifest(chosen)

    def _walk(
        self, state: RepositoryState, packs: tuple[PackRecord, ...], least_bytes: int, known: _Choice | None
    ) -> bytes | None:
        core = packs[len(packs) - _least_count(packs, least_bytes) :]
        oldest: bytes | None = None
        digest = state.pointer.manifest
        for manifest in islice(self._loader.own_history(state), MAX_WALK_MANIFESTS):
            if not core or not _ends_with(manifest.packs, core):
                break  # nor does any older one: a pack is not named before it came
            if _ends_with(packs, manifest.packs):
                oldest = digest
            # What was the oldest one then is so now, if it is one at all: of the packs that it has none is newer.
            if known is not None and known.at == digest and self._fits(known.chosen, packs, core):
                return known.chosen
            digest = manifest.parent or b""
        return oldest

    def _fits(self, chosen: bytes | None, packs: tuple[PackRecord, ...], core: tuple[PackRecord, ...]) -> bool:
        if chosen is None:
            return False
        try:
            manifest = self._loader.manifest(chosen)
        except RowMissing:  # collected
            return False
        return _ends_with(packs, manifest.packs) and _ends_with(manifest.packs, core)


def _least_count(packs: tuple[PackRecord, ...], least_bytes: int) -> int:
    """How many of the oldest packs it takes; 0 if all are not enough."""
    total = 0
    for count, pack in enumerate(reversed(packs), start=1):
        total += pack.size_bytes
        if total >= least_bytes:
            return count
    return 0


def _ends_with(packs: tuple[PackRecord, ...], end: tuple[PackRecord, ...]) -> bool:
    return len(end) <= len(packs) and packs[len(packs) - len(end) :] == end
