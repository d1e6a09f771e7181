"""Merges of branches, of forks into their sources, and of sources into their forks."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from packhouse_client.types.commits import Person


class Merge(Struct, frozen=True, rename="camel"):
    """POST /v1/repos/:id/merge. `source_repo`: the repository of the source branch, if it is another one.

    `strategy`: "ff-only" makes no commit, "merge" makes one even where a fast-forward would do.
    """

    source_branch: str
    target_branch: str
    strategy: Literal["auto", "ff-only", "merge"] = "auto"
    message: str | None = None
    author: Person | None = None
    source_repo: str | None = None


class Sync(Struct, frozen=True):
    """POST /v1/repos/:id/sync. `branch`: absent for the fork's HEAD."""

    branch: str | None = None
    author: Person | None = None


class Merged(Struct, frozen=True, rename="camel"):
    """What the target stands for now. If all had been merged before, `fast_forward` is false and `commit` old."""

    commit: str
    tree: str
    fast_forward: bool
    source_commit: str
    target_branch: str
