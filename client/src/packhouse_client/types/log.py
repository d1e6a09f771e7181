"""Commits as they are told."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from packhouse_client.types.paging import Count

LOG_MAX = 500
"""The largest page of commits."""


class ListCommits(Struct, frozen=True):
    """The query of GET /v1/repos/:id/commits. ref: any revision; path: commits that changed it, as `git log -- path`.

    since, until: the committer's time, in seconds since 1970 or as in `2026-11-21T20:00:00Z`. limit: more than 500
    counts as 500. A request looks at a million commits at most, or at 50,000 for a path: a page may have fewer than
    `limit`, or none, and a cursor.
    """

    ref: str = "HEAD"
    limit: Count = 50
    skip: Count = 0
    path: str = ""
    since: str | None = None
    until: str | None = None
    cursor: str | None = None


class PersonItem(Struct, frozen=True):
    """An author or a committer."""

    name: str
    email: str


class CommitItem(Struct, frozen=True, rename="camel"):
    """A commit. Times are seconds since 1970: timestamp the committer's, author_timestamp the author's."""

    sha: str
    tree: str
    parents: list[str]
    author: PersonItem
    committer: PersonItem
    message: str
    timestamp: int
    author_timestamp: int
    message_truncated: bool | UnsetType = UNSET
    """True: `message` is the beginning, of 64 KiB."""
