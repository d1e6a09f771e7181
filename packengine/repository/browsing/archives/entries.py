"""What goes into an archive, in its order, read page by page and piece by piece."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator

from core_ext import BlobReader, Cancel
from packengine.repository.browsing.snapshot import Snapshot
from packengine.repository.browsing.trees import is_folder, is_submodule

PIECE_BYTES = 256 * 1024
"""Of a file, read at a time."""

MAX_LINK_BYTES = 64 * 1024
"""A longer symbolic link leads nowhere on any system. It becomes the file that its target's text would be."""

FOLDER_MODE = stat.S_IFDIR | 0o775
_LINK_MODE = stat.S_IFLNK | 0o777
_EXECUTABLE_MODE = stat.S_IFREG | 0o775
_FILE_MODE = stat.S_IFREG | 0o664
_PAGE_ENTRIES = 1000

Check = Callable[[], None]
"""Called before each read. What it raises ends the archive."""


class ArchiveEntry:
    """A folder, a symbolic link or a file. mode: as `git archive` gives it, by a umask of 002."""

    __slots__ = ("_blob", "_check", "mode", "path")

    def __init__(self, path: bytes, mode: int, blob: BlobReader | None, check: Check) -> None:
        self.path = path
        self.mode = mode
        self._blob = blob
        self._check = check

    @property
    def is_folder(self) -> bool:
        """Submodules are empty ones."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        """Its content is where it leads."""
        return stat.S_ISLNK(self.mode)

    @property
    def size_bytes(self) -> int:
        """Of its content; 0 of a folder."""
        return 0 if self._blob is None else self._blob.size

    def pieces(self) -> Iterator[bytes]:
        """The content in order."""
        at = 0
        while self._blob is not None and at < self._blob.size:
            self._check()
            piece = self._blob.read(at, PIECE_BYTES)
            at += len(piece)
            yield piece


def entries_of(
    snapshot: Snapshot, tree_oid: bytes, prefix: bytes, check: Check, cancel: Cancel
) -> Iterator[ArchiveEntry]:
    """Each entry, folders before what they hold; first the one that `prefix` names, if it ends with a slash."""
    if prefix.endswith(b"/"):
        yield ArchiveEntry(prefix.rstrip(b"/"), FOLDER_MODE, None, check)
    after: bytes | None = None
    while True:
        check()
        rows, after = snapshot.objects.list_tree(
            tree_oid, recursive=True, sizes=False, after=after, limit=_PAGE_ENTRIES, cancel=cancel
        )
        for path, mode, oid, _ in rows:
            check()
            if is_folder(mode) or is_submodule(mode):
                yield ArchiveEntry(prefix + path, FOLDER_MODE, None, check)
            else:
                yield _file(prefix + path, mode, snapshot.objects.open_blob(oid, cancel=cancel), check)
        if after is None:
            return


def _file(path: bytes, mode: int, blob: BlobReader, check: Check) -> ArchiveEntry:
    if stat.S_ISLNK(mode) and blob.size <= MAX_LINK_BYTES:
        return ArchiveEntry(path, _LINK_MODE, blob, check)
    return ArchiveEntry(path, _EXECUTABLE_MODE if mode & 0o100 else _FILE_MODE, blob, check)
