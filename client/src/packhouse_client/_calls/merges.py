"""Merges."""

from __future__ import annotations

from typing import Literal

from packhouse_client._call import Call, post
from packhouse_client.types.commits import Person
from packhouse_client.types.merges import Merge, Merged, Sync


def merge(
    base: str,
    source_branch: str,
    target_branch: str,
    *,
    source_repo: str | None = None,
    strategy: Literal["auto", "ff-only", "merge"] = "auto",
    message: str | None = None,
    author: Person | None = None,
) -> Call[Merged]:
    """Merge a branch, maybe of another repository, into one of this. Raises MergeConflict, RefConflict."""
    body = Merge(
        source_branch, target_branch, strategy=strategy, message=message, author=author, source_repo=source_repo
    )
    return post(f"{base}/merge", body, Merged)


def sync(base: str, branch: str | None = None, *, author: Person | None = None) -> Call[Merged]:
    """Take over the branch of the repository that this one is a fork of. None: the fork's HEAD."""
    return post(f"{base}/sync", Sync(branch, author), Merged)
