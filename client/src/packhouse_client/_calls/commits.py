"""Commits."""

from __future__ import annotations

from collections.abc import Sequence

from packhouse_client._call import Call, Listing, listing, post
from packhouse_client.types.commits import Change, CommitMade, MakeCommit, Person
from packhouse_client.types.log import CommitItem, ListCommits


def create(
    base: str,
    branch: str,
    message: str,
    changes: Sequence[Change] = (),
    *,
    parent: str | None = None,
    author: Person | None = None,
    committer: Person | None = None,
    force: bool = False,
) -> Call[CommitMade]:
    """Commit changes to a branch, made one after the other; see `packhouse_client.changes`.

    parent: what the branch stands for; None: the branch must not exist. Raises RefConflict if it is elsewhere. force:
    the branch moves whatever it stood for, and `parent` says only what the commit is built on.
    """
    body = MakeCommit(
        branch,
        message,
        parent=parent,
        author=author,
        committer=committer,
        changes=list(changes),
        force=force,
    )
    return post(f"{base}/commits", body, CommitMade)


def log(
    base: str,
    ref: str = "HEAD",
    *,
    path: str = "",
    since: str | None = None,
    until: str | None = None,
    skip: int = 0,
    page: int = 50,
) -> Listing[CommitItem]:
    """The commits that a revision reaches, newest first; those that changed `path`, if it is given.

    since, until: the committer's time, in seconds since 1970 or as in 2026-11-21T20:00:00Z.
    """
    query = ListCommits(ref=ref, limit=page, skip=skip, path=path, since=since, until=until)
    return listing(f"{base}/commits", CommitItem, query)
