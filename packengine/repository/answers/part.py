"""An entry that is being built: `<key>.part`, locked (flock) by its builder for as long as it lives.

Whoever finds the lock taken reads along. A part whose lock is free and that has no trailer is a dead builder's. Readers
in other processes hold a lock of another kind on it (fcntl(2), on the open file), so that the builder knows of them: a
second file for that would cost as much as the first, and more where the disk's journal is busy.
"""

from __future__ import annotations

import fcntl
import os
import struct
from pathlib import Path
from typing import BinaryIO

from packengine.repository.answers.entry import EntryReader, EntryWriter

_RANGE_LOCK = struct.Struct("@hhqqi4x")
"""struct flock of Linux with 64 bits: type, whence, start, length, pid."""

_AWAITED_BYTE = (os.SEEK_SET, 0, 1)


class Part:
    """The builder's side. Its methods block on the disk, but for `is_awaited`."""

    def __init__(self, key: bytes, path: Path, file: BinaryIO) -> None:
        self._key = key
        self._path = path
        self._file = file
        self._writer: EntryWriter | None = None

    def begin(self, object_count: int) -> None:
        """Write the header. This and what follows raises OSError where the disk is full: then `abandon`."""
        self._writer = EntryWriter(self._file, self._key, object_count)

    def append(self, data: bytes) -> None:
        """Write the next piece."""
        self._begun.append(data)

    def finish(self, *, reused_count: int, build_us: int) -> None:
        """Write the trailer."""
        self._begun.finish(reused_count=reused_count, build_us=build_us)

    def fileno(self) -> int:
        """The file's descriptor."""
        return self._file.fileno()

    def link(self, target: Path) -> None:
        """Give the finished file its name as an entry.

        By the descriptor, not by the part's name, which may be another builder's by now; and a file that `clear` took
        the name from cannot get one again. Raises FileExistsError, FileNotFoundError.
        """
        # A directory's descriptor makes Python call linkat(2), which alone can follow the link in /proc.
        descriptor = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.link(f"/proc/self/fd/{self._file.fileno()}", target, src_dir_fd=descriptor, follow_symlinks=True)
        finally:
            os.close(descriptor)

    def open(self) -> EntryReader:
        """A reader of what there is so far, and of what will come."""
        return EntryReader(_reopen(self._file), self._key, is_complete=False)

    def is_awaited(self) -> bool:
        """Whether a reader in another process waits. Never blocks."""
        asked = _RANGE_LOCK.pack(fcntl.F_WRLCK, *_AWAITED_BYTE, 0)
        found = _RANGE_LOCK.unpack(fcntl.fcntl(self._file, fcntl.F_OFD_GETLK, asked))
        return bool(found[0] != fcntl.F_UNLCK)

    def abandon(self) -> None:
        """Take the part's name away, and let the lock go, which tells the others. Who has it open may read on."""
        if _is_named(self._file, self._path):
            self._path.unlink(missing_ok=True)
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file, after `abandon`."""
        self._file.close()

    @property
    def _begun(self) -> EntryWriter:
        if self._writer is None:
            raise RuntimeError("a part is begun before anything is written to it")
        return self._writer


class PartElsewhere:
    """A part that another process builds."""

    def __init__(self, key: bytes, file: BinaryIO) -> None:
        self._key = key
        self._file = file
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, _RANGE_LOCK.pack(fcntl.F_RDLCK, *_AWAITED_BYTE, 0))

    @property
    def size_bytes(self) -> int:
        """How far it has grown. Never blocks."""
        return os.fstat(self._file.fileno()).st_size

    def has_builder(self) -> bool:
        """Whether the builder lives; ask before looking for a trailer, not after. Never blocks."""
        if not _try_lock(self._file, fcntl.LOCK_SH):
            return True
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False

    def open(self) -> EntryReader:
        """A reader of what there is so far, and of what will come."""
        return EntryReader(_reopen(self._file), self._key, is_complete=False)

    def close(self) -> None:
        """Wait no longer."""
        self._file.close()


def claim_part(key: bytes, path: Path) -> Part | PartElsewhere | None:
    """Begin a part, or find that another builds it; None if it was just finished or given up: look again."""
    file = path.open("a+b", buffering=0)
    try:
        is_ours = _try_lock(file, fcntl.LOCK_EX)
        if not _is_named(file, path):
            file.close()
            return None
        if not is_ours:
            return PartElsewhere(key, file)
        if os.fstat(file.fileno()).st_size:  # a dead builder's; there may be those who still read it
            path.unlink(missing_ok=True)
            file.close()
            return None
        return Part(key, path, file)
    except OSError:
        file.close()
        raise


def _reopen(file: BinaryIO) -> BinaryIO:
    """A descriptor with a lock of its own, also of a file that has lost its name."""
    return open(f"/proc/self/fd/{file.fileno()}", "rb", buffering=0)  # noqa: PTH123


def _try_lock(file: BinaryIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_named(file: BinaryIO, path: Path) -> bool:
    """Whether the path still leads to this very file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
