"""Which packs of a repository others name as well.

A guess that costs little: it looks at the newest states of its source, of some of the source's forks, and of some of
its own. A pack that is not found to be shared is copied when it is merged, which costs space and nothing else: no pack
is deleted for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packengine.manifests import CorruptManifest, PackRecord
from packengine.repository import RepositoryState
from packengine.repository.state import StateLoader
from packengine.storage.ports import Catalog, StorageError

_FORKS_ASKED = 32
"""Of the newest: they most likely still name what they began with."""


def count_shared(catalog: Catalog, loader: StateLoader, state: RepositoryState) -> int:
    """How many packs at the older end of the list are, each of them, named by another repository of the network."""
    named: set[bytes] = set()
    for relative in _relatives(catalog, state):
        try:
            named.update(pack.digest for pack in loader.load(relative).manifest.packs)
        except (StorageError, CorruptManifest):  # deleted just now, or damaged: what cannot be read names nothing
            continue
    return _named_at_end(state.manifest.packs, named)


def _relatives(catalog: Catalog, state: RepositoryState) -> Iterator[str]:
    yield from catalog.live_forks(state.record.id)[-_FORKS_ASKED:]
    source = state.record.source_id
    if source is not None:
        yield source
        siblings = catalog.live_forks(source)[-_FORKS_ASKED:]
        yield from (sibling for sibling in siblings if sibling != state.record.id)


def _named_at_end(packs: Sequence[PackRecord], named: set[bytes]) -> int:
    return next((count for count, pack in enumerate(reversed(packs)) if pack.digest not in named), len(packs))
