"""Bundles as files under `derived/bundles/`: built when they are first asked for, and again when they are gone.

The folder is bounded: after a build the files that were asked for longest ago are removed. Whoever has one open reads
on. Several processes may build the same bundle at once: each in a scratch folder of its own, and the last rename stays.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from packengine.storage import quarantine_folder

_SUFFIX = ".bundle"

WriteBundle = Callable[[BinaryIO], None]


class BundleFiles:
    """One folder of bundles, shared by all threads and processes."""

    def __init__(self, folder: Path, quarantine: Path, max_bytes: int) -> None:
        self._folder = folder
        self._quarantine = quarantine
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._building: dict[bytes, tuple[Lock, int]] = {}

    def open(self, digest: bytes) -> BinaryIO | None:
        """The bundle of that name, open for reading, if it is there."""
        return _open_and_touch(self._path(digest))

    def build(self, digest: bytes, write: WriteBundle) -> BinaryIO:
        """The same, made by `write` if it is not there.

        Whoever asks for one that is being built waits for it; if its builder fails, the next of them builds it.
        """
        path = self._path(digest)
        with self._turn(digest):
            return _open_and_touch(path) or self._build(path, write)

    def clear(self) -> None:
        """Remove all of them. Who has one open reads on."""
        for path, _, _ in self._files():
            path.unlink(missing_ok=True)

    def _path(self, digest: bytes) -> Path:
        return self._folder / (digest.hex() + _SUFFIX)

    @contextmanager
    def _turn(self, digest: bytes) -> Iterator[None]:
        """One builder a bundle at a time. The entry goes with the last who wants it."""
        with self._lock:
            turn, count = self._building.get(digest, (Lock(), 0))
            self._building[digest] = (turn, count + 1)
        try:
            with turn:
                yield
        finally:
            with self._lock:
                turn, count = self._building.pop(digest)
                if count > 1:
                    self._building[digest] = (turn, count - 1)

    def _build(self, path: Path, write: WriteBundle) -> BinaryIO:
        self._folder.mkdir(exist_ok=True)
        with quarantine_folder(self._quarantine) as scratch:
            built = scratch / path.name
            with built.open("xb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())  # nobody checks a bundle when it is opened: a name stands for whole bytes
            opened = built.open("rb", buffering=0)  # before it has its name, for then it may be evicted at any time
            built.replace(path)
        self._evict(path)
        return opened

    def _evict(self, newest: Path) -> None:
        """Keep what was asked for last, as far as it fits; the newest file in any case."""
        found = [(path != newest, -used_ns, size, path) for path, used_ns, size in self._files()]
        total = 0
        for _, _, size, path in sorted(found):
            total += size
            if total > self._max_bytes and path != newest:
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[Path, int, int]]:
        """(path, when it was last asked for, size) of each bundle."""
        for path in self._folder.glob(f"*{_SUFFIX}"):
            try:
                status = path.stat()
            except FileNotFoundError:  # another process evicted it
                continue
            yield path, status.st_mtime_ns, status.st_size


def _open_and_touch(path: Path) -> BinaryIO | None:
    try:
        file = path.open("rb", buffering=0)
    except FileNotFoundError:
        return None
    os.utime(file.fileno())
    return file
