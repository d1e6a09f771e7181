"""What a tree holds, and single files of it."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from packhouse_client.types.paging import Count

TREE_ENTRIES_MAX = 100_000
"""The largest page of a tree."""


class ListTree(Struct, frozen=True):
    """The query of GET /v1/repos/:id/tree. ref: any revision; path: a folder; recursive: also what lies deeper.

    limit: more than 100,000 counts as 100,000; a page ends earlier where its paths come to 32 MiB.
    """

    ref: str = "HEAD"
    path: str = ""
    recursive: bool = True
    limit: Count = TREE_ENTRIES_MAX
    cursor: str | None = None


class TreeItem(Struct, frozen=True):
    """An entry. A path that is no UTF-8 is in C-style quotes. A symbolic link is a file of mode 120000."""

    path: str
    type: Literal["file", "dir", "submodule"]
    mode: str
    sha: str
    size: int | UnsetType = UNSET
    """Of a file, in bytes."""


class ReadBlob(Struct, frozen=True):
    """The query of GET /v1/repos/:id/blob: a path, and the revision to look in; or the id of a blob."""

    path: str | None = None
    commit: str = "HEAD"
    sha: str | None = None


class ReadArchive(Struct, frozen=True):
    """The query of GET /v1/repos/:id/archive/:name. prefix: before all paths, `:id-:sha7/` by default."""

    prefix: Annotated[str, Meta(max_length=1024)] | None = None
