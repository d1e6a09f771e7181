"""Changes to the files of a tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core_ext import ObjectDb, PackBuilder, hash_object
from packengine.manifests import ObjectFormat
from packengine.repository.errors import WriteRefused

if TYPE_CHECKING:
    from core_ext._core import TreeEdit

REGULAR, EXECUTABLE, SYMLINK = 0o100644, 0o100755, 0o120000
FILE_MODES = frozenset({REGULAR, EXECUTABLE, SYMLINK})

MAX_FOLDERS = 100_000
"""That the paths of one commit's changes lead through: the tree of each is held in memory, of some 600 bytes."""


@dataclass(frozen=True, slots=True)
class WriteFile:
    """A file with this content, whether it was there or not."""

    path: bytes
    content: bytes
    mode: int | None = None
    """One of FILE_MODES; None: that of the file which is there, else REGULAR."""


@dataclass(frozen=True, slots=True)
class DeleteFile:
    """No file or folder at the path; it need not have been there."""

    path: bytes


@dataclass(frozen=True, slots=True)
class MoveFile:
    """What is at `old`, a file or a folder, at `new` instead."""

    old: bytes
    new: bytes


Change = WriteFile | DeleteFile | MoveFile


def edit_tree(
    usable: ObjectDb, builder: PackBuilder, base: bytes | None, changes: Sequence[Change], object_format: ObjectFormat
) -> bytes:
    """The tree after the changes, made one after the other; the builder is given what is new of it.

    base: None for no files. Raises WriteRefused: naming the path, or for more than MAX_FOLDERS folders on the
    way to the paths. Cost: the trees on the paths.
    """
    if _has_more_folders([path for change in changes for path in _paths(change)], MAX_FOLDERS):
        raise WriteRefused(f"the paths of the changes lead through more than {MAX_FOLDERS} folders")
    try:
        tree, contents = usable.edit_tree(base, [_edit(builder, change) for change in changes])
    except ValueError as error:
        raise WriteRefused(str(error)) from error
    for content in contents:
        builder.add("tree", content)
    if tree == hash_object("tree", b"", object_format=object_format):
        builder.add("tree", b"")
    return tree


def _edit(builder: PackBuilder, change: Change) -> TreeEdit:
    match change:
        case WriteFile(path, content, mode):
            return "write", path, mode, builder.add("blob", content)
        case DeleteFile(path):
            return "delete", path
        case MoveFile(old, new):
            return "move", old, new


def _paths(change: Change) -> tuple[bytes, ...]:
    return (change.old, change.new) if isinstance(change, MoveFile) else (change.path,)


def _has_more_folders(paths: Sequence[bytes], limit: int) -> bool:
    """Whether there are more different folders than that on the way to these paths."""
    if sum(path.count(b"/") for path in paths) <= limit:
        return False
    count, before = 0, b""
    for path in sorted(paths):  # so those that begin alike stand together
        count += path.count(b"/", _shared_bytes(before, path))
        before = path
    return count > limit


def _shared_bytes(one: bytes, other: bytes) -> int:
    """How many bytes both begin with: found by halves, for paths can be long."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
