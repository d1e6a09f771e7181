"""Trees as dictionaries of paths: the slow twin of what `core_ext` does to trees and of how it compares them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tests.support.git_objects import object_id

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat, Oid, TreeEdit

FOLDER = 0o40000

Files = dict[bytes, "tuple[int, Oid]"]
"""What stands at each path that is no folder: its mode and its object."""


Row = tuple[bytes, int, "Oid"]
"""A path, what mode it has and what is there."""


class BadEdit(Exception):
    """A move of nothing, or of a folder into itself."""


def edited(files: Files, edits: Iterable[TreeEdit]) -> Files:
    """The files after some edits. Raises BadEdit."""
    files = dict(files)
    for edit in edits:
        match edit:
            case ("write", path, mode, oid):
                _put(files, {path: (_kept_mode(files, path) if mode is None else mode, oid)}, path)
            case ("delete", path):
                _take(files, path)
            case ("move", old, new):
                taken = _take(files, old)
                if not taken or (old not in taken and new.startswith(old + b"/")):
                    raise BadEdit(old)
                _put(files, {new + path.removeprefix(old): entry for path, entry in taken.items()}, new)
    return files


def written(
    files: Mapping[bytes, tuple[int, Oid]], object_format: ObjectFormat = "sha1"
) -> tuple[Oid, dict[Oid, bytes]]:
    """The root of these files, and the content of each tree."""
    trees: dict[Oid, bytes] = {}
    return _written(files, object_format, trees), trees


def listed(files: Mapping[bytes, tuple[int, Oid]], object_format: ObjectFormat, *, recursive: bool) -> list[Row]:
    """(path, mode, oid) of all in a folder: folders first, each with what is in it if `recursive`, then files."""
    rows: list[Row] = []
    for name in sorted({path.partition(b"/")[0] + b"/" for path in files if b"/" in path}):
        inner = {path.removeprefix(name): entry for path, entry in files.items() if path.startswith(name)}
        rows.append((name[:-1], FOLDER, written(inner, object_format)[0]))
        if recursive:
            rows += [(name + path, mode, oid) for path, mode, oid in listed(inner, object_format, recursive=True)]
    return rows + [(path, *files[path]) for path in sorted(files) if b"/" not in path]


def _written(files: Mapping[bytes, tuple[int, Oid]], object_format: ObjectFormat, trees: dict[Oid, bytes]) -> Oid:
    folders: dict[bytes, Files] = {}
    rows: list[tuple[bytes, int, Oid]] = []
    for path, entry in files.items():
        name, slash, rest = path.partition(b"/")
        if slash:
            folders.setdefault(name, {})[rest] = entry
        else:
            rows.append((name, *entry))
    rows += [(name + b"/", FOLDER, _written(inner, object_format, trees)) for name, inner in folders.items()]
    content = b"".join(b"%o %b\0%b" % (mode, name.rstrip(b"/"), oid) for name, mode, oid in sorted(rows))
    oid = object_id("tree", content, object_format)
    trees[oid] = content
    return oid


def _kept_mode(files: Files, path: bytes) -> int:
    """The mode of a file that is written without one."""
    mode, _ = files.get(path, (0, b""))
    return mode if mode in (0o100755, 0o120000) else 0o100644


def _take(files: Files, path: bytes) -> Files:
    """Take away what is at a path, or in the folder there."""
    taken = {other: files[other] for other in files if other == path or other.startswith(path + b"/")}
    for other in taken:
        del files[other]
    return taken


def _put(files: Files, added: Files, path: bytes) -> None:
    """Put files where a path is, which they all start with; what is in the way gives way."""
    _take(files, path)
    names = path.split(b"/")
    for depth in range(1, len(names)):
        files.pop(b"/".join(names[:depth]), None)
    files.update(added)
