"""A disk that keeps the books of what was synced, so that a test can take the power away.

Operations happen on real files. What would survive is kept beside them: the bytes of a file as of its last fsync, the
names of a directory as of its last fsync. Each change of a name since then may have reached the disk or not, each for
itself; the bytes of a file that was never synced may be missing from any point on.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, product
from pathlib import Path
from typing import TypeAlias

from packengine.storage._disk import Disk


class PowerLoss(BaseException):
    """Nothing may catch it but the test."""


@dataclass(eq=False)
class File:
    """The bytes that a name leads to, and how many of them may be gone."""

    data: bytes
    synced: bool

    def remains(self) -> list[bytes]:
        """Every content that a power loss may leave."""
        return [self.data] if self.synced else [b"", self.data[: len(self.data) // 2], self.data]


Tree: TypeAlias = "dict[Path, File | None]"
"""What each path leads to; None is a directory."""


@dataclass
class LossyDisk(Disk):
    """Stops with PowerLoss before operation number `stop_before`."""

    stop_before: int | None = None
    operations: list[str] = field(default_factory=list)
    _durable: Tree = field(default_factory=dict)
    _pending: list[tuple[Path, File | None, bool]] = field(default_factory=list)
    """Changes of names that are not synced yet: (path, what it leads to, whether it appeared)."""

    _synced_bytes: dict[int, bytes] = field(default_factory=dict)
    """By inode."""

    def know(self, root: Path) -> None:
        """Take everything below `root` as durable."""
        for path in [root, *root.rglob("*")]:
            self._durable[path] = None if path.is_dir() else File(path.read_bytes(), synced=True)

    def make_directory(self, path: Path) -> None:
        """Create it; the name is pending."""
        self._begin(f"mkdir {path.name}")
        if not path.is_dir():
            super().make_directory(path)
            self._pending.append((path, None, True))

    def sync_file(self, fd: int) -> None:
        """The bytes as they are now will survive."""
        self._begin("fsync file")
        super().sync_file(fd)
        self._synced_bytes[os.fstat(fd).st_ino] = Path(f"/proc/self/fd/{fd}").read_bytes()

    def sync_directory(self, path: Path) -> None:
        """The names as they are now will survive."""
        self._begin(f"fsync {path.name}/")
        super().sync_directory(path)
        for change in self._pending:
            if change[0].parent == path:
                _apply(self._durable, change)
        self._pending = [change for change in self._pending if change[0].parent != path]

    def move_new(self, source: Path, target: Path) -> None:
        """Both names are pending."""
        self._begin("rename to a free name")
        self._move(source, target, lambda: super(LossyDisk, self).move_new(source, target))

    def replace(self, source: Path, target: Path) -> None:
        """Both names are pending."""
        self._begin("rename over")
        self._move(source, target, lambda: super(LossyDisk, self).replace(source, target))

    def remove(self, path: Path) -> None:
        """The name is pending."""
        self._begin("unlink")
        super().remove(path)
        self._pending.append((path, None, False))

    def trees_after_power_loss(self) -> Iterator[Tree]:
        """Every state of the disk that may be found."""
        for count in range(len(self._pending) + 1):
            for kept in combinations(self._pending, count):
                tree = dict(self._durable)
                for change in kept:
                    _apply(tree, change)
                yield from _with_remains(tree)

    def _begin(self, operation: str) -> None:
        if len(self.operations) == self.stop_before:
            raise PowerLoss(operation)
        self.operations.append(operation)

    def _move(self, source: Path, target: Path, move: Callable[[], None]) -> None:
        data, inode = source.read_bytes(), source.stat().st_ino
        move()
        file = File(data, synced=self._synced_bytes.get(inode) == data)
        self._pending += [(source, None, False), (target, file, True)]


def _apply(tree: Tree, change: tuple[Path, File | None, bool]) -> None:
    path, content, appeared = change
    if appeared:
        tree[path] = content
    else:
        tree.pop(path, None)


def _with_remains(tree: Tree) -> Iterator[Tree]:
    """The tree with each possible content of its unsynced files, without what hangs in directories that are lost."""
    held = {path: content for path, content in tree.items() if _is_held(tree, path)}
    files = [(path, content) for path, content in held.items() if content is not None]
    for contents in product(*(file.remains() for _, file in files)):
        left = {path: File(data, synced=True) for (path, _), data in zip(files, contents, strict=True)}
        yield {path: left.get(path) for path in held}


def _is_held(tree: Tree, path: Path) -> bool:
    """Whether its directory is there, up to the one that the books begin with."""
    top = min(tree, key=lambda known: len(known.parts))
    return path == top or (path.parent in tree and _is_held(tree, path.parent))
