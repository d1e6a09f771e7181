"""What a tree holds: one folder, or all below it, in pages."""

from __future__ import annotations

import stat
from dataclasses import dataclass

from core_ext import Cancel
from packengine.repository.browsing.cursors import CursorGone, decode_cursor, encode_cursor
from packengine.repository.browsing.paths import BadPath, path_bytes, shown_path
from packengine.repository.browsing.revisions import UnbornHead, tree_named
from packengine.repository.browsing.snapshot import Snapshot
from packengine.repository.errors import BadCursor

MAX_ENTRIES = 100_000
"""Of one page."""

MAX_PATHS_BYTES = 32 * 1024 * 1024
"""All paths of a page: a page ends before its number of entries where these are long."""

_SLICE_ENTRIES = 1000
"""Asked for at a time, so that a page of overlong paths ends in time. To go on in a list costs next to nothing."""

_SUBMODULE = stat.S_IFDIR | stat.S_IFLNK

Row = tuple[bytes, int, bytes, int | None]
"""(path from the root of the repository, mode, id, size in bytes of a blob)."""


@dataclass(frozen=True, slots=True)
class TreeAsked:
    """Which entries. path: text as in paths.py, "" for the root."""

    revision: str
    path: str
    recursive: bool
    limit: int
    cursor: str | None


@dataclass(frozen=True, slots=True)
class TreePage:
    """Entries, folders first, and where the list goes on."""

    rows: list[Row]
    cursor: str | None


def tree_page(snapshot: Snapshot, asked: TreeAsked, cancel: Cancel) -> TreePage:
    """A page of entries; none of an unborn HEAD. Raises UnknownRevision, BadPath, BadCursor."""
    parameters = ("tree", asked.path, asked.recursive)
    try:
        tree_oid, after = _start(snapshot, asked, parameters)
    except UnbornHead:
        return TreePage([], None)
    folder = path_bytes(asked.path)
    rows, after = _rows(snapshot, tree_oid, folder + b"/" if folder else b"", asked, after, cancel)
    return TreePage(rows, None if after is None else encode_cursor(parameters, tree_oid, after))


def folder_at(snapshot: Snapshot, root_tree: bytes, path: bytes, text: str) -> bytes:
    """The tree at a path; "" is the root. Raises BadPath."""
    if not path:
        return root_tree
    found = snapshot.objects.tree_entry(root_tree, path)
    if found is None or not is_folder(found[0]):
        raise BadPath(f"{shown_path(text)} is {'not there' if found is None else 'no folder'}")
    return found[1]


def is_folder(mode: int) -> bool:
    """Whether a tree is there."""
    return stat.S_ISDIR(mode)


def is_submodule(mode: int) -> bool:
    """Whether it is a commit of another repository, which is not here."""
    return stat.S_IFMT(mode) == _SUBMODULE


def _start(snapshot: Snapshot, asked: TreeAsked, parameters: object) -> tuple[bytes, bytes | None]:
    """The tree to be listed, and the entry after which. A cursor holds on to its tree when the ref has moved."""
    if asked.cursor is None:
        root_tree = tree_named(snapshot, asked.revision)
        return folder_at(snapshot, root_tree, path_bytes(asked.path), asked.path), None
    tree_oid, after = decode_cursor(asked.cursor, parameters, 2)
    header = snapshot.objects.header(tree_oid)
    if header is None or header[0] != "tree":
        raise CursorGone
    return tree_oid, after


def _rows(
    snapshot: Snapshot, tree_oid: bytes, prefix: bytes, asked: TreeAsked, after: bytes | None, cancel: Cancel
) -> tuple[list[Row], bytes | None]:
    rows: list[Row] = []
    room_bytes = MAX_PATHS_BYTES
    while len(rows) < asked.limit and room_bytes > 0:
        count = min(_SLICE_ENTRIES, asked.limit - len(rows))
        try:
            found, after = snapshot.objects.list_tree(
                tree_oid, recursive=asked.recursive, sizes=True, after=after, limit=count, cancel=cancel
            )
        except ValueError as error:  # a cursor that was tampered with
            raise BadCursor from error
        rows += [(prefix + path, mode, oid, size) for path, mode, oid, size in found]
        room_bytes -= sum(len(prefix) + len(path) for path, _, _, _ in found)
        if after is None:
            break
    return rows, after
