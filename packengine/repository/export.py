"""Export: one repository as a bare Git repository on disk."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import BinaryIO

from core_ext import Cancel, CoreError, ObjectDb, PackStream
from packengine.manifests import ObjectFormat
from packengine.repository.errors import ExportRefused
from packengine.repository.limits import Limits
from packengine.repository.packs import make_index
from packengine.repository.progress import Progress
from packengine.repository.state import RepositoryState
from packengine.repository.visibility import Visibility

_READ_BYTES = 1 << 20


class Exporter:
    """Writes bare repositories."""

    def __init__(self, visibility: Visibility, limits: Limits) -> None:
        self._visibility = visibility
        self._limits = limits

    def export(self, state: RepositoryState, path: Path, progress: Progress) -> None:
        """Write what the refs reach, as one pack, into a new folder. Raises ExportRefused if it is not empty."""
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ExportRefused(f"{path} exists and is not an empty folder")
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
        try:
            self._write(state, partial, progress)
            partial.rename(path)
        except CoreError as error:
            raise ExportRefused(f"repository {state.record.id} is damaged: {error}") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _write(self, state: RepositoryState, path: Path, progress: Progress) -> None:
        for folder in ("objects/pack", "objects/info", "refs/heads", "refs/tags"):
            (path / folder).mkdir(parents=True, exist_ok=True)
        self._write_pack(state, path / "objects" / "pack", progress)
        _write_refs(state, path)
        (path / "config").write_bytes(_config(state))
        (path / "HEAD").write_bytes(b"ref: " + state.manifest.head + b"\n")

    def _write_pack(self, state: RepositoryState, folder: Path, progress: Progress) -> None:
        objects = self._visibility.usable(state)
        if len(objects) == 0:
            return
        partial = folder / f"tmp_pack_{os.getpid()}"
        with partial.open("xb") as file:
            tail = _copy(_whole(objects, self._limits), file, progress)
        final = folder / f"pack-{tail[-state.manifest.oid_len :].hex()}"
        partial.rename(final.with_suffix(".pack"))
        progress("Indexing", 0, None)
        self._index(final, state.manifest.object_format)
        final.with_suffix(".pack").chmod(0o444)

    def _index(self, final: Path, object_format: ObjectFormat) -> None:
        opened = make_index(final.with_suffix(".pack"), final.with_suffix(".idx"), object_format, self._limits)
        final.with_suffix(".rev").write_bytes(opened.rev_bytes())


def _whole(objects: ObjectDb, limits: Limits) -> PackStream:
    return objects.stream_pack(
        objects.all_objects(), client_holds=None, ofs_delta=True, level=limits.compression_level, cancel=Cancel()
    )


def _copy(stream: PackStream, file: BinaryIO, progress: Progress) -> bytes:
    """Write the stream out. Returns its last bytes, which end with the trailer that names the file."""
    written = 0
    last = b""
    while chunk := stream.read(_READ_BYTES):
        file.write(chunk)
        written += len(chunk)
        last = (last + chunk)[-32:]
        progress("Writing", written, None)
    file.flush()
    os.fsync(file.fileno())
    return last


def _write_refs(state: RepositoryState, path: Path) -> None:
    with (path / "packed-refs").open("wb") as file:
        file.write(b"# pack-refs with: peeled fully-peeled sorted \n")
        for entry in state.manifest.refs.scan():
            file.write(entry.oid.hex().encode() + b" " + entry.name + b"\n")
            if entry.peeled is not None:
                file.write(b"^" + entry.peeled.hex().encode() + b"\n")


def _config(state: RepositoryState) -> bytes:
    if state.manifest.object_format == "sha1":
        return b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n"
    return (
        b"[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n\tbare = true\n"
        b"[extensions]\n\tobjectFormat = sha256\n"
    )
