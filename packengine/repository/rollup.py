"""Rolling up the tail: many small packs at the front of a manifest become one.

Every small push adds a pack, and every lookup asks pack after pack. So once the newest packs are many, the push that
made them so merges them: geometrically, as a counter carries, so that a pack is merged again only when as much has come
after it as it holds itself, and a repository of n pushes has at most about `due_packs + log n` packs. Entries are
copied as they are stored. The packs that are no longer named stay where they are: older manifests name them.
"""

from __future__ import annotations

from collections.abc import Sequence

from core_ext import Cancel, IngestedPack
from packengine.manifests import PackRecord, PublishKind
from packengine.repository.actor import Actor
from packengine.repository.limits import Limits
from packengine.repository.packs import PackIntake, PackShelf, open_database, open_ingest
from packengine.repository.publish import Draft, Publisher
from packengine.repository.state import RepositoryState, StateLoader
from packengine.storage.ports import BlobStore, Committed

_READ_BYTES = 1 << 20


class Rollup:
    """Merges the newest packs of repositories."""

    def __init__(
        self, loader: StateLoader, publisher: Publisher, shelf: PackShelf, blobs: BlobStore, limits: Limits
    ) -> None:
        self._loader = loader
        self._publisher = publisher
        self._shelf = shelf
        self._blobs = blobs
        self._limits = limits

    def roll_up_if_due(self, repository_id: str, actor: Actor, cancel: Cancel) -> Committed | None:
        """Merge if there are enough packs to merge. None if there were not, or if somebody else merged them first."""
        state = self._loader.load(repository_id)
        run = due_run(state.manifest.packs, self._limits)
        if not run:
            return None
        intake = PackIntake(self._merge(state, run, cancel), self._shelf, self._blobs, self._limits)
        return self._publisher.publish(
            state, actor, PublishKind.MAINTENANCE, lambda newest: _replace(newest, run, intake)
        )

    def _merge(self, state: RepositoryState, run: Sequence[PackRecord], cancel: Cancel) -> IngestedPack:
        object_format = state.manifest.object_format
        packs = [self._shelf.open(pack, object_format) for pack in run]
        objects = open_database(packs, object_format, self._limits)
        stream = objects.stream_pack(objects.all_objects(), client_holds=None, ofs_delta=True, cancel=cancel)
        ingest = open_ingest(self._shelf.quarantine, object_format, self._limits, cancel)
        while chunk := stream.read(_READ_BYTES):
            ingest.feed(chunk)
        # A tree of the run may name a special file, .gitattributes say, whose blob is in a pack that stays.
        return ingest.finish(self._loader.objects(state.manifest))


def due_run(packs: Sequence[PackRecord], limits: Limits) -> Sequence[PackRecord]:
    """The newest packs that are to be merged; none while they are few.

    The run goes on while the next older pack holds less than twice what is in the run, and stays below the size that a
    push can be asked to wait for.
    """
    newest = _within_budget(packs, limits.rollup_bytes)
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


def _replace(state: RepositoryState, run: Sequence[PackRecord], intake: PackIntake) -> Draft | None:
    """Law 1 holds after it, since the merged pack has every object of the run; None if the run is no longer whole."""
    merged = {pack.digest for pack in run}
    if not merged <= {pack.digest for pack in state.manifest.packs}:
        return None
    return Draft(changes=(), sealed=state.manifest.sealed, packs=(intake,), drops=frozenset(merged))
