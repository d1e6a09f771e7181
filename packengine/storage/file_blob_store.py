"""Blobs as files: `blobs/<2 hex>/<62 hex>[.<generation>]` under a root. Rules of durability: docs/storage.md."""

from __future__ import annotations

import errno
import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from packengine.kernel import start_writeback
from packengine.storage._disk import Disk, make_durable_directory
from packengine.storage._quarantine import quarantine_file, sweep
from packengine.storage.ports import BlobKey, BlobMissing, CorruptBlob, Digest, StorageError

_log = logging.getLogger(__name__)

_DIGEST_BYTES = 32
_COPY_BYTES = 4 * 1024 * 1024
_READ_ONLY = 0o444


@contextmanager
def _as_storage_error() -> Iterator[None]:
    """Let callers hear of a full or failing disk in the port's words; the message names errno and path."""
    try:
        yield
    except OSError as error:
        raise StorageError(str(error)) from error


class FileBlobStore:
    """A BlobStore in a directory of one file system. Any number of threads and processes may share the directory."""

    def __init__(self, root: Path, *, disk: Disk | None = None) -> None:
        self._disk = disk if disk is not None else Disk()
        self._blobs = root / "blobs"
        self.quarantine = root / "quarantine"
        """Where files grow that are to become blobs: moving them is a rename then. See `sweep`."""
        self._durable_directories: set[Path] = set()
        for directory in (self._blobs, self.quarantine):
            make_durable_directory(self._disk, directory)

    @_as_storage_error()
    def put_file(self, path: Path, digest: Digest, generation: int = 0) -> None:
        """Move the file into place, durably. One from another file system is copied first."""
        target = self._path(digest, generation)
        try:
            self._move_in(path, target)
        except FileExistsError:
            self._settle_duplicate(path, target, digest)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self._copy_in(path, digest, generation)
        self._disk.sync_directory(target.parent)

    @_as_storage_error()
    def put_bytes(self, data: bytes, generation: int = 0) -> Digest:
        """Make `data` durable. Returns its digest."""
        digest = hashlib.sha256(data).digest()
        with quarantine_file(self.quarantine) as (path, file):
            file.write(data)
            file.flush()
            self.put_file(path, digest, generation)
        return digest

    @_as_storage_error()
    def open(self, digest: Digest, generation: int = 0) -> BinaryIO:
        """A seekable reader. Raises BlobMissing."""
        try:
            return self._path(digest, generation).open("rb")
        except FileNotFoundError:
            raise self._missing(digest, generation) from None

    def local_path(self, digest: Digest, generation: int = 0) -> Path:
        """The blob's own file. Raises BlobMissing."""
        self.size_bytes(digest, generation)
        return self._path(digest, generation)

    def contains(self, digest: Digest, generation: int = 0) -> bool:
        """Whether it is stored."""
        return self._path(digest, generation).is_file()

    @_as_storage_error()
    def size_bytes(self, digest: Digest, generation: int = 0) -> int:
        """Raises BlobMissing."""
        try:
            return self._path(digest, generation).stat().st_size
        except FileNotFoundError:
            raise self._missing(digest, generation) from None

    @_as_storage_error()
    def delete(self, digest: Digest, generation: int = 0) -> None:
        """Remove the blob. Not synced: a blob that a power loss brings back harms nobody."""
        self._disk.remove(self._path(digest, generation))

    def stored(self) -> Iterator[BlobKey]:
        """Every stored blob; files that bear no blob's name are passed over."""
        for path in self._blobs.glob("??/*"):
            key = _key_of_name(path.parent.name + path.name)
            if key is not None:
                yield key

    def sweep(self) -> int:
        """Remove what dead processes left in the quarantine. Returns how many files."""
        return sweep(self.quarantine)

    def _path(self, digest: Digest, generation: int) -> Path:
        if len(digest) != _DIGEST_BYTES:
            raise ValueError(f"a digest is {_DIGEST_BYTES} bytes, not {len(digest)}")
        name = _name_of(BlobKey(digest, generation))
        return self._blobs / name[:2] / name[2:]

    def _missing(self, digest: Digest, generation: int) -> BlobMissing:
        return BlobMissing(f"no blob {_name_of(BlobKey(digest, generation))} in {self._blobs}")

    def _move_in(self, source: Path, target: Path) -> None:
        if target.exists():  # spares the fsync of bytes that nobody will keep; a race is decided by the move
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        self._ensure_directory(target.parent)
        self._seal(source)
        self._disk.move_new(source, target)

    def _seal(self, path: Path) -> None:
        with path.open("rb") as file:
            os.fchmod(file.fileno(), _READ_ONLY)
            self._disk.sync_file(file.fileno())

    def _ensure_directory(self, directory: Path) -> None:
        if directory not in self._durable_directories:
            make_durable_directory(self._disk, directory)
            self._durable_directories.add(directory)

    def _settle_duplicate(self, source: Path, target: Path, digest: Digest) -> None:
        """Drop the offered bytes, unless the stored ones are damaged: then good bytes take their place.

        Law 2 is about the bytes that the digest names, and those are not what a file of another length holds.
        """
        stored_bytes, offered_bytes = target.stat().st_size, source.stat().st_size
        if stored_bytes == offered_bytes:
            self._disk.remove(source)
            return
        if _sha256_of(source) != digest:
            raise CorruptBlob(f"{source}: {offered_bytes} bytes are not blob {digest.hex()} ({stored_bytes} stored)")
        _log.warning("blob %s was damaged: %d bytes, not %d; mended", digest.hex(), stored_bytes, offered_bytes)
        self._seal(source)
        self._disk.replace(source, target)

    def _copy_in(self, source: Path, digest: Digest, generation: int) -> None:
        with quarantine_file(self.quarantine) as (path, copy):
            _copy(source, copy)
            self.put_file(path, digest, generation)
        self._disk.remove(source)


def _copy(source: Path, copy: BinaryIO) -> None:
    """Copy, with the write-back of each piece begun while the next is read."""
    with source.open("rb") as original:
        while piece := original.read(_COPY_BYTES):
            offset = copy.tell()
            copy.write(piece)
            copy.flush()
            start_writeback(copy.fileno(), offset, len(piece))


def _sha256_of(path: Path) -> Digest:
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").digest()


def _name_of(key: BlobKey) -> str:
    return key.digest.hex() + (f".{key.generation}" if key.generation else "")


def _key_of_name(name: str) -> BlobKey | None:
    digest, _, generation = name.partition(".")
    try:
        key = BlobKey(bytes.fromhex(digest), int(generation or 0))
    except ValueError:
        return None
    return key if len(key.digest) == _DIGEST_BYTES and _name_of(key) == name else None
