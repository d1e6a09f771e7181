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

    base: None for no files. Raises WriteRefused, naming the path. Cost: the trees on the paths.
    """
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
