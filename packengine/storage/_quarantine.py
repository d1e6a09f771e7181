"""Files at work: each is locked by whoever fills it, so that a file whose lock is free is a dead one's.

The lock (flock) goes with the process, however it ends. A file and its companions share the name up to the first dot
(`4f2a.pack`, `4f2a.idx`) and live and die together.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def quarantine_file(directory: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new locked file, open for writing; removed at the end unless it was moved away."""
    path, file = _create_locked(directory)
    try:
        with file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def quarantine_folder(directory: Path) -> Iterator[Path]:
    """A new locked folder for scratch files; removed at the end with all that is in it."""
    path, fd = _create_locked_folder(directory)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(fd)


def _create_locked_folder(directory: Path) -> tuple[Path, int]:
    while True:
        path = directory / f"{secrets.token_hex(16)}.scratch"
        path.mkdir()
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(fd, fcntl.LOCK_EX)
        if path.exists():
            return path, fd
        os.close(fd)  # a sweep came between the creation and the lock


def _create_locked(directory: Path) -> tuple[Path, BinaryIO]:
    while True:
        path = directory / f"{secrets.token_hex(16)}.blob"
        file = path.open("x+b")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()  # a sweep came between the creation and the lock


def sweep(directory: Path) -> int:
    """Remove the files and folders that nobody works on. Returns how many. Safe at any time."""
    groups: defaultdict[str, list[Path]] = defaultdict(list)
    for path in directory.iterdir():
        if not path.is_symlink():
            groups[path.name.partition(".")[0]].append(path)
    return sum(_sweep_group(paths) for paths in groups.values())


def _sweep_group(paths: list[Path]) -> int:
    with ExitStack() as locks:
        for path in paths:
            if not _lock_if_free(path, locks):
                return 0
        for path in paths:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
    return len(paths)


def _lock_if_free(path: Path, locks: ExitStack) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        locks.callback(os.close, fd)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError):  # at work, or just moved into place
        return False
    return True
