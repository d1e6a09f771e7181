"""Merging: a contiguous run of a manifest's packs becomes one pack, which takes the run's place.

Entries are copied as they are stored. The packs that are no longer named stay where they are: older manifests and other
repositories name them.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from core_ext import Cancel, WorkCount
from packengine.manifests import Manifest, PackRecord
from packengine.repository.limits import Limits
from packengine.repository.packs import PackIntake, PackShelf, open_database
from packengine.repository.publish import Draft
from packengine.repository.state import RepositoryState
from packengine.storage.ports import BlobStore


class Merger:
    """Makes one pack of several."""

    def __init__(self, shelf: PackShelf, blobs: BlobStore, limits: Limits) -> None:
        self._shelf = shelf
        self._blobs = blobs
        self._limits = limits

    def merge(
        self, manifest: Manifest, run: Sequence[PackRecord], cancel: Cancel, work: WorkCount | None = None
    ) -> PackIntake:
        """A pack of all that these packs of the manifest hold, in quarantine. The same bytes for the same packs."""
        packs = [self._shelf.open(pack, manifest.object_format) for pack in run]
        objects = open_database(packs, manifest.object_format, self._limits)
        written = objects.write_pack(
            objects.all_objects(),
            str(self._shelf.quarantine / f"{secrets.token_hex(16)}.pack"),
            level=self._limits.compression_level,
            threads=self._limits.threads,
            spill_bytes=self._limits.tail_pack_bytes,
            cancel=cancel,
            work=work,
        )
        return PackIntake(written, self._shelf, self._blobs, self._limits)


def replacement(newest: RepositoryState, run: Sequence[PackRecord], intake: PackIntake) -> Draft | None:
    """What publishes the merged pack in the place of the run; None if the newest state no longer names all of it.

    Pushes that came meanwhile added packs in front of the run. Law 1 holds after it: the merged pack has every object
    of the run, and each pack still finds behind it what it found there before.
    """
    merged = frozenset(pack.digest for pack in run)
    if not merged <= {pack.digest for pack in newest.manifest.packs}:
        return None
    return Draft(changes=(), sealed=newest.manifest.sealed, packs=(intake,), drops=merged)
