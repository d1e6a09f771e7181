"""Moving a file into place without replacing anything, and starting its write-back early."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from packengine.kernel import _linux

_NO_RENAMEAT2 = frozenset({errno.EINVAL, errno.ENOSYS})
_NO_WRITEBACK_RANGE = frozenset({errno.EINVAL, errno.ENOSYS, errno.ESPIPE, errno.EOPNOTSUPP})


def move_new(source: Path, target: Path) -> None:
    """Rename `source` to `target`, which must not exist: at no time has the file two names, or the target two contents.

    Where the file system cannot do that, a link and an unlink stand in: create-only as well, but a crash between the
    two leaves the source's name behind.
    Raises FileExistsError, and OSError with both paths otherwise (EXDEV across file systems).
    """
    error = _linux.lib.ph_rename_noreplace(_c_path(source), _c_path(target))
    if error in _NO_RENAMEAT2:
        _link_and_unlink(source, target)
    elif error:
        raise OSError(error, os.strerror(error), str(source), None, str(target))


def start_writeback(fd: int, offset: int, length: int) -> None:
    """Ask the kernel to begin writing a range of a file, so that the fsync to come has less to wait for.

    A hint: it makes nothing durable, and file systems that do not know it are passed over. `length` 0: to the end.
    Raises OSError, EIO above all: the data is lost already, and an fsync might not say so again.
    """
    error = _linux.lib.ph_start_writeback(fd, offset, length)
    if error and error not in _NO_WRITEBACK_RANGE:
        raise OSError(error, os.strerror(error), f"fd {fd}")


def _link_and_unlink(source: Path, target: Path) -> None:
    target.hardlink_to(source)
    source.unlink()


def _c_path(path: Path) -> bytes:
    """C would end the path at a NUL and name another file."""
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError(f"NUL in path {path!r}")
    return encoded
