"""Derived files of packs: what makes reading fast, and can be deleted at any time. Formats: docs/storage.md.

Each belongs to one pack and is named by the pack's digest. They are made by maintenance, in whatever process; the
handles of packs that are open take them in when they appear.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from threading import Lock

from core_ext import CorruptIndex, Pack

_LOOK_EVERY_S = 2.0
_SETTLED_NS = 1_000_000_000
"""A folder's time tells nothing of changes that came so soon after the last one: clocks of file systems are coarse."""

_log = logging.getLogger(__name__)


class DerivedKind(Enum):
    """What there is beside the idx; the value is the file's suffix."""

    REV = "rev"
    GRAPH = "graph"
    BITMAP = "bitmap"

    def is_attached(self, pack: Pack) -> bool:
        """Whether the handle has it already."""
        return _IS_ATTACHED[self](pack)

    def attach(self, pack: Pack, path: Path) -> None:
        """Let the handle use the file. Raises CorruptIndex."""
        _ATTACH[self](pack, str(path))


_IS_ATTACHED: dict[DerivedKind, Callable[[Pack], bool]] = {
    DerivedKind.REV: lambda pack: pack.has_rev,
    DerivedKind.GRAPH: lambda pack: pack.has_graph,
    DerivedKind.BITMAP: lambda pack: pack.has_bitmaps,
}
_ATTACH: dict[DerivedKind, Callable[[Pack, str], None]] = {
    DerivedKind.REV: lambda pack, path: pack.attach_rev(path),
    DerivedKind.GRAPH: lambda pack, path: pack.attach_graph(path),
    DerivedKind.BITMAP: lambda pack, path: pack.attach_bitmaps(path),
}


class DerivedFolder:
    """The folder where they lie, shared by all processes.

    min_objects: packs with fewer have none, and are not looked for.
    """

    def __init__(self, folder: Path, min_objects: int) -> None:
        self._folder = folder
        self._min_objects = min_objects
        self._lock = Lock()
        self._next_look_s = 0.0
        self._seen_ns = -1

    def path(self, digest: bytes, kind: DerivedKind) -> Path:
        """Where the file of that pack lies, if it is there."""
        return self._folder / f"{digest.hex()}.{kind.value}"

    def attach(self, digest: bytes, pack: Pack) -> None:
        """Give a handle all files of its pack that are there. A damaged one is removed, and will be made again."""
        if pack.object_count < self._min_objects:
            return
        for kind in DerivedKind:
            if kind.is_attached(pack):
                continue
            with suppress(FileNotFoundError):  # it was never made, or is removed meanwhile
                _attach(kind, pack, self.path(digest, kind))

    def attach_new(self, open_packs: Callable[[], Iterable[tuple[bytes, Pack]]]) -> None:
        """Give open handles what was made since they were opened. Looks every few seconds; else it costs nothing."""
        if time.monotonic() >= self._next_look_s and self._is_changed():
            for digest, pack in open_packs():
                self.attach(digest, pack)

    def _is_changed(self) -> bool:
        with self._lock:
            if time.monotonic() < self._next_look_s:
                return False  # another thread looks
            self._next_look_s = time.monotonic() + _LOOK_EVERY_S
            changed_ns = self._folder.stat().st_mtime_ns
            is_changed = changed_ns != self._seen_ns
            self._seen_ns = changed_ns if time.time_ns() - changed_ns > _SETTLED_NS else -1
            return is_changed


def _attach(kind: DerivedKind, pack: Pack, path: Path) -> None:
    """Raises FileNotFoundError."""
    with path.open("rb") as file:  # held open, so that no other file gets its inode number
        try:
            kind.attach(pack, path)
        except CorruptIndex as error:  # it was not synced, so a power loss may leave any bytes
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):  # else another process made it again already
                path.unlink()
                _log.warning("removed a derived file", extra={"fields": {"path": str(path), "reason": str(error)}})
