"""The file operations whose order decides what a power loss leaves behind.

A file's bytes survive once the file is fsync'ed; its name survives once the directory that holds the name is fsync'ed.
The two are independent, and what was not synced may be there or not. Tests replace `Disk` by one that keeps the books
and then forgets everything that was not synced.
"""

from __future__ import annotations

import os
from pathlib import Path

from packengine.kernel import move_new


class Disk:
    """The real disk."""

    def make_directory(self, path: Path) -> None:
        """Create it unless it is there."""
        path.mkdir(mode=0o700, exist_ok=True)  # what lies in it is its repositories' alone

    def sync_file(self, fd: int) -> None:
        """Make a file's bytes durable. Its name is the directory's business."""
        os.fsync(fd)

    def sync_directory(self, path: Path) -> None:
        """Make the names in a directory durable."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def move_new(self, source: Path, target: Path) -> None:
        """Rename to a name that is free. Raises FileExistsError."""
        move_new(source, target)

    def replace(self, source: Path, target: Path) -> None:
        """Rename, taking the place of what bears the name."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Take the name away; its absence is success."""
        path.unlink(missing_ok=True)


def make_durable_directory(disk: Disk, path: Path) -> None:
    """Create a directory, and its parents as needed, so that they survive a power loss.

    The parent is synced even if the directory is there: whoever made it may not have come to that yet.
    """
    if not path.parent.is_dir():
        make_durable_directory(disk, path.parent)
    disk.make_directory(path)
    disk.sync_directory(path.parent)
