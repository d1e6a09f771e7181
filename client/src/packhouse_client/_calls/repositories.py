"""Repositories and forks."""

from __future__ import annotations

from typing import Literal

from packhouse_client._call import Call, Listing, delete, get, listing, patch, post
from packhouse_client.types.forks import ForkRepository, ForksMade
from packhouse_client.types.instants import Instant
from packhouse_client.types.repositories import (
    CreateRepository,
    DeleteRepository,
    ListRepositories,
    RepositoryAnswer,
    RepositoryDeleted,
    RepositoryItem,
    RepositoryMade,
    Visibility,
)
from packhouse_client.types.settings import UndeleteRepository, UpdateRepository


def create(
    base: str,
    repository_id: str | None = None,
    *,
    default_branch: str = "main",
    object_format: Literal["sha1", "sha256"] = "sha1",
    read_only: bool = False,
    description: str = "",
    visibility: Visibility = "private",
) -> Call[RepositoryMade]:
    """Make an empty repository. Without an id one is made up. The answer's token may write, and does not expire."""
    body = CreateRepository(repository_id, default_branch, object_format, read_only, description, visibility)
    return post(f"{base}/repos", body, RepositoryMade)


def listed(base: str, *, search: str | None = None, page: int = 1000) -> Listing[RepositoryItem]:
    """The repositories that one may see, newest first; asked for in pages of that many.

    search: only those whose id or description has this in it.
    """
    return listing(f"{base}/repos", RepositoryItem, ListRepositories(limit=page, search=search))


def show(base: str) -> Call[RepositoryAnswer]:
    """The repository, its refs, and what it amounts to."""
    return get(base, RepositoryAnswer)


def update(
    base: str,
    *,
    description: str | None = None,
    default_branch: str | None = None,
    read_only: bool | None = None,
    visibility: Visibility | None = None,
) -> Call[RepositoryAnswer]:
    """Change what is given; the rest stays."""
    return patch(base, UpdateRepository(description, default_branch, read_only, visibility), RepositoryAnswer)


def deletion(base: str, *, force: bool = False, cascade: bool = False) -> Call[RepositoryDeleted]:
    """Delete it: `force` even if it has forks, which stay whole; `cascade` with all its forks and theirs."""
    return delete(base, RepositoryDeleted, DeleteRepository(force, cascade))


def undelete(base: str) -> Call[RepositoryMade]:
    """Bring it back, if it was deleted lately; with a new token that may write."""
    return post(f"{base}/undelete", UndeleteRepository(), RepositoryMade)


def fork(
    base: str,
    repository_id: str | None = None,
    *,
    read_only: bool = False,
    ref: str | None = None,
    commit: str | None = None,
    at: Instant | None = None,
) -> Call[RepositoryMade]:
    """Fork it. Without an id one is made up.

    ref: only this ref. commit: it stands for that commit. at: the refs as they were then, in milliseconds since 1970
    or as in 2026-11-21T20:00:00Z.
    """
    body = ForkRepository(repository_id, read_only, ref=ref, commit=commit, at=at)
    return post(f"{base}/forks", body, RepositoryMade)


def fork_many(
    base: str,
    count: int,
    *,
    read_only: bool = False,
    ref: str | None = None,
    commit: str | None = None,
    at: Instant | None = None,
) -> Call[ForksMade]:
    """So many forks in one transaction, all or none, with ids that are made up."""
    return post(f"{base}/forks", ForkRepository(None, read_only, count, ref, commit, at), ForksMade)
