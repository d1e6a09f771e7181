"""Check one repository from its pointer down: every digest, every object's hash, every edge."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from core_ext import CoreError
from packengine.manifests import CorruptManifest, Manifest, PackPlace, PackRecord
from packengine.refs import CorruptRefBlock
from packengine.repository.progress import Progress
from packengine.repository.state import RepositoryState, StateLoader
from packengine.storage.ports import BlobStore, Catalog, CorruptBlob, RowKind, RowMissing, StorageError

_READ_BYTES = 1 << 20


@dataclass(slots=True)
class VerifyReport:
    """What a check found. `objects`: how many were read and hashed."""

    objects: int = 0
    manifests: int = 0
    problems: list[str] = field(default_factory=list)


class Verifier:
    """Reads everything that one repository names."""

    def __init__(self, catalog: Catalog, blobs: BlobStore, loader: StateLoader) -> None:
        self._catalog = catalog
        self._blobs = blobs
        self._loader = loader

    def verify(self, repository_id: str, progress: Progress) -> VerifyReport:
        """Check a repository. Raises RepositoryMissing; whatever is damaged becomes a problem of the report."""
        report = VerifyReport()
        try:
            state = self._loader.load(repository_id)
        except (CorruptBlob, RowMissing, CorruptManifest) as error:  # no other failure says what is stored is damaged
            report.problems.append(f"newest manifest: {error}")
            return report
        self._check_history(state, report)
        self._check_packs(state.manifest, report, progress)
        if not report.problems:
            self._check_objects(state.manifest, report, progress)
        return report

    def _check_history(self, state: RepositoryState, report: VerifyReport) -> None:
        checked: set[bytes] = set()
        try:
            for manifest in self._kept_history(state):
                report.manifests += 1
                manifest.refs.check_blocks(checked)
        except (StorageError, CorruptManifest, CorruptRefBlock) as error:
            report.problems.append(f"history, {report.manifests} manifests back: {error}")

    def _kept_history(self, state: RepositoryState) -> Iterator[Manifest]:
        """The repository's own manifests as far as they must be there. Raises RowMissing for one that is not."""
        manifest, kept_since_ms = state.manifest, self._catalog.kept_since_ms()
        yield manifest
        for _ in range(state.pointer.version - state.record.first_version):
            if manifest.parent is None:
                return
            superseded_ms = manifest.time_ms
            try:
                manifest = self._loader.manifest(manifest.parent)
            except RowMissing:
                if superseded_ms < kept_since_ms:
                    return  # collected
                raise
            yield manifest

    def _check_packs(self, manifest: Manifest, report: VerifyReport, progress: Progress) -> None:
        total = sum(pack.size_bytes for pack in manifest.packs)
        done = 0
        for pack in manifest.packs:
            progress("Checking packs", done, total)
            done += pack.size_bytes
            try:
                digest = hashlib.sha256()
                for chunk in self._chunks(pack):
                    digest.update(chunk)
                if digest.digest() != pack.digest:
                    report.problems.append(f"pack {pack.digest.hex()}: its bytes hash to {digest.hexdigest()}")
            except (StorageError, OSError) as error:
                report.problems.append(f"pack {pack.digest.hex()}: {error}")
        progress("Checking packs", total, total)

    def _chunks(self, pack: PackRecord) -> Iterator[bytes]:
        if pack.place is PackPlace.TAIL:
            yield self._catalog.row(RowKind.PACK, pack.digest)
            return
        with self._blobs.open(pack.digest, pack.generation) as file:
            while chunk := file.read(_READ_BYTES):
                yield chunk

    def _check_objects(self, manifest: Manifest, report: VerifyReport, progress: Progress) -> None:
        progress("Checking objects", 0, None)
        try:
            objects = self._loader.objects(manifest)
            report.objects = objects.verify()
            tips = [entry.oid for entry in manifest.refs.scan()]
            reached = len(objects.reachable(tips)) if tips else 0
        except (CoreError, CorruptRefBlock, StorageError) as error:
            report.problems.append(str(error))
            return
        progress("Checking objects", report.objects, report.objects)
        # A thin pack's bases are stored in several packs: `verify` read each copy, the database counts an object once.
        if manifest.sealed and reached != len(objects):
            report.problems.append(
                f"the manifest says that all is reachable; {len(objects) - reached} of {len(objects)} objects are not"
            )
