"""Rolling up the tail: many small packs at the front of a manifest become one.

Every small push adds a pack, and every lookup asks pack after pack. So once the newest packs are many, the push that
made them so merges them: geometrically, as a counter carries, so that a pack is merged again only when as much has come
after it as it holds itself, and a repository of n pushes has at most about `due_packs + log n` packs. Entries are
copied as they are stored. The packs that are no longer named stay where they are: older manifests name them.
"""

from __future__ import annotations

from collections.abc import Sequence

from core_ext import Cancel
from packengine.manifests import PackRecord, PublishKind
from packengine.repository.actor import Actor
from packengine.repository.limits import Limits
from packengine.repository.merging import Merger, replacement
from packengine.repository.publish import Publisher
from packengine.repository.state import StateLoader
from packengine.storage.ports import Committed


class Rollup:
    """Merges the newest packs of repositories."""

    def __init__(self, loader: StateLoader, publisher: Publisher, merger: Merger, limits: Limits) -> None:
        self._loader = loader
        self._publisher = publisher
        self._merger = merger
        self._limits = limits

    def is_due(self, published: Committed) -> bool:
        """Whether there are packs to merge now. Of a publish of this process that is known without a read."""
        return bool(due_run(self._loader.manifest(published.pointer.manifest).packs, self._limits))

    def roll_up_if_due(self, repository_id: str, actor: Actor, cancel: Cancel) -> Committed | None:
        """Merge if there are enough packs to merge. None if there were not, or if somebody else merged them first."""
        state = self._loader.load(repository_id)
        run = due_run(state.manifest.packs, self._limits)
        if not run:
            return None
        merged = self._merger.merge(state.manifest, run, cancel)
        return self._publisher.publish(
            state, actor, PublishKind.MAINTENANCE, lambda newest: replacement(newest, run, merged)
        )


def due_run(packs: Sequence[PackRecord], limits: Limits) -> Sequence[PackRecord]:
    """The newest packs that are to be merged; none while they are few.

    The run goes on while the next older pack holds less than twice what is in the run, and stays below the size that a
    push can be asked to wait for. A large oldest pack is left to maintenance: it has bitmaps, and what it is merged to
    is to have them before anybody reads it.
    """
    has_bitmaps = bool(packs) and packs[-1].object_count >= limits.min_bitmap_objects
    newest = _within_budget(packs[:-1] if has_bitmaps else packs, limits.rollup_bytes)
    if len(newest) < limits.rollup_packs:
        return ()
    end, held = 1, newest[0].object_count
    while end < len(newest) and newest[end].object_count < 2 * held:
        held += newest[end].object_count
        end += 1
    # Growing packs end a run early; a run must at least halve what made it due.
    return newest[: max(end, limits.rollup_packs // 2)]


def _within_budget(packs: Sequence[PackRecord], budget_bytes: int) -> Sequence[PackRecord]:
    total = 0
    for count, pack in enumerate(packs):
        total += pack.size_bytes
        if total > budget_bytes:
            return packs[:count]
    return packs
