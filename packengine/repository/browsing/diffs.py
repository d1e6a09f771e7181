"""Differences in pages: all changed files are found for each page, lines are compared for those of the page alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core_ext import Cancel
from packengine.repository.browsing.changes import (
    FileChange,
    LinesDiff,
    TreePair,
    changes_between,
    compared_size,
    lines_of,
)
from packengine.repository.browsing.cursors import CursorGone, decode_cursor, encode_cursor
from packengine.repository.browsing.revisions import UnknownRevision, commit_named, oid_of_hex, tree_of
from packengine.repository.browsing.snapshot import Snapshot

MAX_FILES = 3000
"""Of one page."""

MAX_PAGE_LINES = 100_000
MAX_PAGE_BYTES = 8 * 1024 * 1024
MAX_COMPARED_BYTES = 16 * 1024 * 1024
"""Lines and bytes that are told, and bytes that are compared: a page ends with the file that reaches one of them."""

MAX_CONTEXT_LINES = 1000


@dataclass(frozen=True, slots=True)
class FileDiff:
    """A file that differs, and how."""

    change: FileChange
    lines: LinesDiff


@dataclass(frozen=True, slots=True)
class DiffAsked:
    """How much of a difference is told, and how."""

    context: int = 3
    limit: int = MAX_FILES
    renames: bool = True
    cursor: str | None = None

    @property
    def parameters(self) -> tuple[object, ...]:
        """What a cursor holds on to, beside the trees."""
        return ("diff", self.renames)


@dataclass(frozen=True, slots=True)
class DiffPage:
    """Files, and where the list goes on."""

    files: list[FileDiff]
    cursor: str | None


def diff_page(snapshot: Snapshot, commit: str, base: str | None, asked: DiffAsked, cancel: Cancel) -> DiffPage:
    """What a commit changed: against its first parent, or against another one, or all if it has no parent.

    commit: a full id in hex. Raises UnknownRevision, BadCursor, TooFarApart.
    """
    if asked.cursor is None:
        return _page(snapshot, _pair_of(snapshot, commit, base), 0, asked, cancel)
    old, new, start = decode_cursor(asked.cursor, asked.parameters, 3)
    for tree in filter(None, (old, new)):
        if (snapshot.objects.header(tree) or ("", 0))[0] != "tree":
            raise CursorGone
    return _page(snapshot, TreePair(old or None, new), int.from_bytes(start, "big"), asked, cancel)


def diff_of_trees(snapshot: Snapshot, pair: TreePair, asked: DiffAsked, cancel: Cancel) -> DiffPage:
    """The first page of what differs. Raises TooFarApart."""
    return _page(snapshot, pair, 0, asked, cancel)


def _page(snapshot: Snapshot, pair: TreePair, start: int, asked: DiffAsked, cancel: Cancel) -> DiffPage:
    changes = changes_between(snapshot, pair, renames=asked.renames, cancel=cancel)
    files = list(_compared(snapshot, changes[start : start + asked.limit], asked.context, cancel))
    stop = start + len(files)
    if stop >= len(changes):
        return DiffPage(files, None)
    fields = (pair.old or b"", pair.new, stop.to_bytes(4, "big"))
    return DiffPage(files, encode_cursor(asked.parameters, *fields))


def _compared(snapshot: Snapshot, changes: Sequence[FileChange], context: int, cancel: Cancel) -> Iterator[FileDiff]:
    """The files with their lines, until the page is full."""
    line_count = told_bytes = compared_bytes = 0
    for change in changes:
        lines = lines_of(snapshot, change, context, cancel)
        yield FileDiff(change, lines)
        line_count += lines.line_count
        told_bytes += lines.size_bytes
        compared_bytes += compared_size(snapshot, change)
        if line_count >= MAX_PAGE_LINES or told_bytes >= MAX_PAGE_BYTES or compared_bytes >= MAX_COMPARED_BYTES:
            return


def _pair_of(snapshot: Snapshot, commit: str, base: str | None) -> TreePair:
    oid = oid_of_hex(snapshot, commit)
    if oid is None:
        raise UnknownRevision(f"not the full id of a commit: {commit[:100]!r}")
    commit_oid = commit_named(snapshot, commit)
    if base is not None:
        return TreePair(tree_of(snapshot, commit_named(snapshot, base)), tree_of(snapshot, commit_oid))
    parents = snapshot.objects.parents(commit_oid)
    return TreePair(tree_of(snapshot, parents[0]) if parents else None, tree_of(snapshot, commit_oid))
