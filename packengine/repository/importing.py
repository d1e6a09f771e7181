"""Import: a Git repository on disk becomes a repository here, whole, in one transaction at the end."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from core_ext import Cancel, IngestedPack, MissingObject, ObjectDb, Pack, PackBuilder
from packengine.manifests import Manifest, ObjectFormat, PublishKind, digest_of, encode_manifest
from packengine.refs import RefEntry, build_table
from packengine.refs.names import is_branch, is_valid_ref_name
from packengine.repository.errors import ImportRefused
from packengine.repository.git_folder import GitFolder, open_git_folder, read_loose
from packengine.repository.limits import Limits
from packengine.repository.packs import PackIntake, PackShelf, make_index, open_database, open_ingest
from packengine.repository.progress import Progress
from packengine.repository.state import StateLoader
from packengine.storage import quarantine_folder
from packengine.storage.ports import BlobKey, BlobStore, CondemnedBlob, Row, RowKind

Create = Callable[[bytes, Sequence[Row], Sequence[BlobKey], int], None]
_READ_BYTES = 1 << 20
_LOOSE_BATCH_BYTES = 64 << 20


class Importer:
    """Reads Git repositories on disk; writes packs and the first manifest of a repository."""

    def __init__(
        self, loader: StateLoader, shelf: PackShelf, blobs: BlobStore, quarantine: Path, limits: Limits
    ) -> None:
        self._loader = loader
        self._shelf = shelf
        self._blobs = blobs
        self._quarantine = quarantine
        self._limits = limits

    def take_over(self, path: Path, first: Manifest, create: Create, progress: Progress) -> None:
        """Store what the refs at `path` reach, and create a repository of it.

        first: the manifest of an empty repository. create: is called with the digest of the manifest that it begins
        with, the rows it needs, the blobs it names and the bytes of its packs. Raises ImportRefused; nothing is left
        behind then.
        """
        folder = open_git_folder(path)
        with quarantine_folder(self._quarantine) as scratch:
            objects = self._open_objects(folder, scratch, progress)
            entries = _entries(folder, objects)
            ingested = self._repack(objects, sorted({entry.oid for entry in entries}), folder, progress)
        intakes = []
        if ingested is not None:
            intakes.append(PackIntake(ingested, self._shelf, self._blobs, self._limits))
            progress("Storing", 0, None)
        while True:
            for intake in intakes:
                intake.store()
            try:
                create(*self._finish(first, folder, entries, intakes))
            except CondemnedBlob:
                for intake in intakes:
                    intake.renew()
            else:
                return

    def _open_objects(self, folder: GitFolder, scratch: Path, progress: Progress) -> ObjectDb:
        packs = [
            Pack.open(str(path), str(path.with_suffix(".idx")), object_format=folder.object_format)
            for path in folder.pack_paths()
        ]
        packs += [self._index(path, folder.object_format) for path in self._pack_loose(folder, scratch, progress)]
        return open_database(packs, folder.object_format, self._limits)

    def _pack_loose(self, folder: GitFolder, scratch: Path, progress: Progress) -> Iterator[Path]:
        paths = folder.loose_paths()
        builder, held_bytes = PackBuilder(object_format=folder.object_format, level=1), 0
        for done, path in enumerate(paths):
            progress("Reading loose objects", done, len(paths))
            kind, content = read_loose(path, self._limits.max_resident_object_bytes)
            builder.add(kind, content)  # type: ignore[arg-type]  # the core refuses any other kind
            held_bytes += len(content)
            if held_bytes >= _LOOSE_BATCH_BYTES:
                yield _write(builder, scratch)
                builder, held_bytes = PackBuilder(object_format=folder.object_format, level=1), 0
        if len(builder):
            yield _write(builder, scratch)

    def _index(self, path: Path, object_format: ObjectFormat) -> Pack:
        return make_index(path, path.with_suffix(".idx"), object_format, self._limits)

    def _repack(
        self, objects: ObjectDb, tips: list[bytes], folder: GitFolder, progress: Progress
    ) -> IngestedPack | None:
        """One pack of what the tips reach, checked as if a stranger had pushed it."""
        if not tips:
            return None
        progress("Counting objects", 0, None)
        try:
            stream = objects.stream_pack(
                objects.reachable(tips),
                client_holds=None,
                ofs_delta=True,
                level=self._limits.compression_level,
                cancel=Cancel(),
            )
        except MissingObject as error:
            raise ImportRefused(f"{folder.git_dir} is not whole: {error.args[0]}") from error
        ingest = open_ingest(self._quarantine, folder.object_format, self._limits)
        while chunk := stream.read(_READ_BYTES):
            ingest.feed(chunk)
            progress("Receiving objects", ingest.progress()[1], stream.object_count)
        progress("Resolving deltas", 0, None)
        ingested = ingest.finish(None)
        missing = ingested.missing_edges(None, limit=1)
        if missing:
            raise ImportRefused(f"{folder.git_dir} is not whole: {missing[0][1]} {missing[0][0].hex()} is missing")
        return ingested

    def _finish(
        self, first: Manifest, folder: GitFolder, entries: list[RefEntry], intakes: list[PackIntake]
    ) -> tuple[bytes, list[Row], list[BlobKey], int]:
        refs, blocks = build_table(entries, oid_len=first.refs.oid_len, load=self._loader.load_block)
        manifest = replace(
            first,
            head=_head(folder) or first.head,
            kind=PublishKind.IMPORT,
            packs=tuple(intake.record for intake in intakes),
            refs=refs,
        )
        data = encode_manifest(manifest)
        rows = [Row(RowKind.REF_BLOCK, digest, block) for digest, block in blocks.items()]
        rows += [row for intake in intakes for row in intake.rows()]
        blobs = [intake.blob for intake in intakes if intake.blob is not None]
        size_bytes = sum(intake.record.size_bytes for intake in intakes)
        return digest_of(data), [*rows, Row(RowKind.MANIFEST, digest_of(data), data)], blobs, size_bytes


def _head(folder: GitFolder) -> bytes | None:
    """What HEAD names, if that can be a branch's name here."""
    head = folder.head()
    return head if head is not None and is_branch(head) and is_valid_ref_name(head) else None


def _entries(folder: GitFolder, objects: ObjectDb) -> list[RefEntry]:
    entries = []
    for name, oid in sorted(folder.refs().items()):
        if not is_valid_ref_name(name):
            raise ImportRefused(f"{folder.git_dir}: {name!r} is not a valid ref name")
        if not objects.contains(oid):
            raise ImportRefused(
                f"{folder.git_dir}: {name.decode('utf-8', 'replace')} names {oid.hex()}, which is missing"
            )
        entries.append(RefEntry(name, oid, _peeled(folder, objects, oid)))
    return entries


def _peeled(folder: GitFolder, objects: ObjectDb, oid: bytes) -> bytes | None:
    try:
        peeled = objects.peel(oid)[1]
    except MissingObject as error:
        raise ImportRefused(f"{folder.git_dir} is not whole: tag {oid.hex()}: {error.args[0]}") from error
    return None if peeled == oid else peeled


def _write(builder: PackBuilder, scratch: Path) -> Path:
    path = scratch / f"{secrets.token_hex(8)}.pack"
    path.write_bytes(builder.finish())
    return path
