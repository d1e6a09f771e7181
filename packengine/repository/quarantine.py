"""Quarantine: where received bytes lie until they are published."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

_log = logging.getLogger(__name__)


def sweep_quarantine(folder: Path) -> int:
    """Remove what a killed process left: files and scratch folders whose lock is free. Returns how many.

    A process that lives holds a lock on each of its own, so one that starts can sweep beside others that work.
    """
    removed = 0
    for path in folder.iterdir():
        if not _is_free(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        removed += 1
    if removed:
        _log.info("swept quarantine", extra={"file_count": removed})
    return removed


@contextlib.contextmanager
def scratch_folder(quarantine: Path) -> Iterator[Path]:
    """A locked folder for temporary files, removed at the end, or by the next sweep if this process is killed."""
    path = quarantine / f"{secrets.token_hex(16)}.scratch"
    path.mkdir()
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(fd)


def _is_free(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True
