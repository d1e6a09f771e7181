"""Which files differ between two trees, and in which lines; with the limits of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core_ext import Cancel, LimitExceeded
from packengine.repository.browsing.snapshot import Snapshot
from packengine.repository.browsing.trees import is_submodule
from packengine.repository.errors import BrowsingRefused

MAX_CHANGES = 20_000
"""Files that differ. Of trees that are further apart no list is made."""

MAX_FILE_BYTES = 2 * 1024 * 1024
"""The lines of a larger file are not compared."""

MAX_COMPARED_LINES = 100_000
"""Nor those of a file with more: what two such have in common takes seconds to find, where it is little."""

MAX_FILE_LINES = 20_000
"""So many lines are told of a file at most, those of context counted."""


class TooFarApart(BrowsingRefused):
    """Two trees have more than MAX_CHANGES differences."""


_BINARY_BYTES = 8000
"""A NUL among so many first bytes makes a file binary, as for Git: its lines are none."""

Status = Literal["added", "modified", "deleted", "renamed"]
LineKind = Literal["ctx", "add", "del"]


@dataclass(frozen=True, slots=True)
class TreePair:
    """What is compared; None is the empty tree."""

    old: bytes | None
    new: bytes


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that differs. Mode and id are None on the side where it is not."""

    path: bytes
    old_path: bytes | None
    status: Status
    old_mode: int | None
    new_mode: int | None
    old_oid: bytes | None
    new_oid: bytes | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end."""

    kind: LineKind
    text: bytes
    is_unended: bool = False
    """The file ends here, and with no line feed."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that differ, with those around them. Numbers are those of `@@ -old +new @@`."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class LinesDiff:
    """How the content of a file changed."""

    additions: int = 0
    deletions: int = 0
    hunks: tuple[Hunk, ...] = ()
    is_binary: bool = False
    is_cut: bool = False
    """It is larger than what is compared, or than what is told."""

    @property
    def line_count(self) -> int:
        """Lines that are told."""
        return sum(len(hunk.lines) for hunk in self.hunks)

    @property
    def size_bytes(self) -> int:
        """What is told, in bytes."""
        return sum(len(line.text) for hunk in self.hunks for line in hunk.lines)


def changes_between(snapshot: Snapshot, pair: TreePair, *, renames: bool, cancel: Cancel) -> list[FileChange]:
    """All of them in the order of their paths. Raises TooFarApart."""
    try:
        rows = snapshot.objects.diff_trees(pair.old, pair.new, renames=renames, limit=MAX_CHANGES, cancel=cancel)
    except LimitExceeded as error:
        raise TooFarApart(f"more than {MAX_CHANGES} files differ") from error
    return [
        FileChange(path, old_path, status, old_mode or None, new_mode or None, old_oid, new_oid)
        for status, path, old_path, old_mode, new_mode, old_oid, new_oid in rows
    ]


def lines_of(snapshot: Snapshot, change: FileChange, context: int, cancel: Cancel) -> LinesDiff:
    """How a file's content changed. Of a submodule, the line that Git makes up for its commit."""
    if any(mode is not None and is_submodule(mode) for mode in (change.old_mode, change.new_mode)):
        return _submodule_lines(change)
    if change.old_oid == change.new_oid:
        return LinesDiff()
    if change.old_oid and change.new_oid and _has_many_lines(snapshot, (change.old_oid, change.new_oid)):
        return LinesDiff(is_cut=True)
    diff = snapshot.objects.diff_blobs(
        change.old_oid,
        change.new_oid,
        context=context,
        max_bytes=MAX_FILE_BYTES,
        max_lines=MAX_FILE_LINES,
        cancel=cancel,
    )
    hunks = tuple(
        Hunk(old_start, old_lines, new_start, new_lines, [_line(kind, text) for kind, text in lines])
        for old_start, old_lines, new_start, new_lines, lines in diff.hunks
    )
    return LinesDiff(diff.additions, diff.deletions, hunks, diff.is_binary, diff.truncated)


def compared_size(snapshot: Snapshot, change: FileChange) -> int:
    """How many bytes `lines_of` goes through."""
    if change.old_oid == change.new_oid:
        return 0
    headers = [snapshot.objects.header(oid) for oid in (change.old_oid, change.new_oid) if oid is not None]
    sizes = [header[1] for header in headers if header is not None]  # of a submodule there is none
    return sum(sizes) if max(sizes, default=0) <= MAX_FILE_BYTES else 0


def _has_many_lines(snapshot: Snapshot, oids: tuple[bytes, bytes]) -> bool:
    """Whether one of two texts has more lines than are compared. Neither is read where their sizes say all."""
    largest = max((snapshot.objects.header(oid) or ("", 0))[1] for oid in oids)
    if not MAX_COMPARED_LINES < largest <= MAX_FILE_BYTES:
        return False
    contents = [snapshot.objects.read(oid)[1] for oid in oids]
    if any(b"\0" in content[:_BINARY_BYTES] for content in contents):
        return False
    return max(content.count(b"\n") for content in contents) > MAX_COMPARED_LINES


def _line(kind: LineKind, text: bytes) -> Line:
    ended = text.removesuffix(b"\n")
    return Line(kind, ended, is_unended=ended == text)


def _submodule_lines(change: FileChange) -> LinesDiff:
    """A change between a submodule and a file is told by the submodule alone."""
    old, new = _commit_line(change.old_mode, change.old_oid), _commit_line(change.new_mode, change.new_oid)
    lines = [Line("del", text) for text in old] + [Line("add", text) for text in new]
    return LinesDiff(len(new), len(old), (Hunk(len(old), len(old), len(new), len(new), lines),))


def _commit_line(mode: int | None, oid: bytes | None) -> list[bytes]:
    if mode is None or oid is None or not is_submodule(mode):
        return []
    return [f"Subproject commit {oid.hex()}".encode("ascii")]
