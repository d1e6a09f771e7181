"""Objects of one repository for another: a fork that comes home, or takes over what became of its source.

Both repositories are looked at as one database, and only from values of their refs: what these reach may be used
(design, law 8), whatever else the packs hold. Forks share history, so what goes over is what the target lacks of it.
"""

from __future__ import annotations

from collections.abc import Iterator

from core_ext import IngestedPack, ObjectDb, Pack, PackStream
from packengine.repository.errors import WriteRefused
from packengine.repository.push_drafts import PushMeans
from packengine.repository.state import RepositoryState
from packengine.repository.writing import ingest_written

_PIECE_BYTES = 1 << 20


class Transfer:
    """From `origin` to `state`; from nowhere if it is None, and then `objects` are those that `state` may use."""

    def __init__(self, means: PushMeans, origin: RepositoryState | None, state: RepositoryState) -> None:
        self._means = means
        self._state = state
        self._is_needed = origin is not None
        self.objects = means.visibility.usable(state) if origin is None else self._of_both(origin)

    def pack(self, tip: bytes, *, made: bytes | None = None) -> IngestedPack | None:
        """What `tip` reaches and may not be used here yet, in one pack; None if nothing goes over.

        made: a pack of new objects beside those of `objects`. The result is checked as what is pushed. Cost: that of
        what goes over, and a bit for each object that is here: where something is usable, so is all that it reaches.
        """
        if not self._is_needed:
            return None
        objects = self.objects
        if made is not None:
            objects = objects.with_pack(Pack.from_bytes(made, None, object_format=self._state.manifest.object_format))
        usable = self._means.visibility.usable(self._state).all_objects().moved_to(objects)
        lacking = objects.reachable([tip], known=usable).minus(usable)
        if not len(lacking):
            return None
        stream = objects.stream_pack(lacking, client_holds=None, ofs_delta=True, threads=self._means.limits.threads)
        return ingest_written(self._means, self._state, _pieces(stream))

    def _of_both(self, origin: RepositoryState) -> ObjectDb:
        object_format = self._state.manifest.object_format
        if origin.manifest.object_format != object_format:
            raise WriteRefused(
                f"{origin.record.id} names objects by {origin.manifest.object_format}, "
                f"{self._state.record.id} by {object_format}"
            )
        objects, held = self._means.visibility.stored(self._state), {pack.digest for pack in self._state.manifest.packs}
        for record in reversed(origin.manifest.packs):  # the newest in front
            if record.digest not in held:
                objects = objects.with_pack(self._means.shelf.open(record, object_format))
        return objects


def _pieces(stream: PackStream) -> Iterator[bytes]:
    while piece := stream.read(_PIECE_BYTES):
        yield piece
