"""What differs between two commits."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from packhouse_client.types.log import LOG_MAX, CommitItem
from packhouse_client.types.paging import Count

DIFF_FILES_MAX = 3000
"""The largest page of changed files."""

ContextLines = Annotated[int, Meta(ge=0, le=1000)]


class ReadDiff(Struct, frozen=True):
    """The query of GET /v1/repos/:id/diff. commit: a full id; base: any revision, by default its first parent.

    context: unchanged lines around each change. renames: a file whose content is half another's that went is that one.
    limit: files; a page also ends with the file that reaches 100,000 lines, or 8 MiB, or 16 MiB compared.
    """

    commit: str
    base: str | None = None
    context: ContextLines = 3
    renames: bool = True
    limit: Count = DIFF_FILES_MAX
    cursor: str | None = None


class CompareQuery(Struct, frozen=True):
    """The query of GET /v1/repos/:id/compare/:spec. limit and cursor: of commits; the others as in ReadDiff."""

    limit: Count = LOG_MAX
    cursor: str | None = None
    context: ContextLines = 3
    renames: bool = True


class LineItem(Struct, frozen=True, rename="camel"):
    """A line without its line feed; what is no UTF-8 is replaced."""

    kind: Literal["ctx", "add", "del"]
    text: str
    no_newline: bool | UnsetType = UNSET
    """True: the file ends here, and with no line feed."""


class HunkItem(Struct, frozen=True, rename="camel"):
    """Lines that differ with those around them, placed as in `@@ -oldStart,oldLines +newStart,newLines @@`."""

    old_start: int
    old_lines: int
    new_start: int
    new_lines: int
    lines: list[LineItem]


class FileDiffItem(Struct, frozen=True, rename="camel"):
    """A file that differs. Ids and modes are left out on the side where it is not.

    binary: no lines are told. truncated: not compared since it is larger than 2 MiB, or the lines beyond 20,000 are
    left out.
    """

    path: str
    status: Literal["added", "modified", "deleted", "renamed"]
    additions: int
    deletions: int
    hunks: list[HunkItem]
    old_path: str | UnsetType = UNSET
    binary: bool | UnsetType = UNSET
    truncated: bool | UnsetType = UNSET
    old_mode: str | UnsetType = UNSET
    mode: str | UnsetType = UNSET
    old_sha: str | UnsetType = UNSET
    sha: str | UnsetType = UNSET


class ComparisonAnswer(Struct, frozen=True, rename="camel"):
    """GET /v1/repos/:id/compare/:spec. commits: what head has and base has not, newest first.

    files: from the merge base (three dots) or from base (two) to head; on the first page of commits only. More of them
    than 3,000 (files_truncated): ask for the diff of head with that base.
    """

    base: str
    head: str
    merge_base: str | None
    commits: list[CommitItem]
    files: list[FileDiffItem]
    files_truncated: bool | UnsetType = UNSET
