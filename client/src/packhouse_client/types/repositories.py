"""Repositories: made, listed, told, deleted."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from packhouse_client.types.paging import Count

REPOSITORIES_MAX = 5000
"""The largest page of repositories."""


class CreateRepository(Struct, frozen=True, rename="camel"):
    """POST /v1/repos."""

    id: str | None = None
    default_branch: str = "main"
    object_format: Literal["sha1", "sha256"] = "sha1"
    read_only: bool = False


class ListRepositories(Struct, frozen=True):
    """The query of GET /v1/repos. `limit`: more than 5000 counts as 5000."""

    limit: Count = 1000
    offset: Count = 0


class DeleteRepository(Struct, frozen=True):
    """The query of DELETE /v1/repos/:id. One of them at most."""

    force: bool = False
    cascade: bool = False


class RepositoryMade(Struct, frozen=True):
    """A repository or fork that was made, with its first token. The token is told here and nowhere else."""

    id: str
    remote: str
    token: str


class RepositoryItem(Struct, frozen=True, rename="camel"):
    """A repository in a list."""

    id: str
    owner: str | None
    created_at: int
    """Seconds since 1970."""

    source_id: str | UnsetType = UNSET
    read_only: bool = False


class RefItem(Struct, frozen=True):
    """A ref and its value in hex."""

    name: str
    sha: str


class RepositoryAnswer(RepositoryItem, frozen=True, rename="camel", kw_only=True):
    """GET /v1/repos/:id."""

    refs: list[RefItem]
    size_bytes: int
    head_sha: str | UnsetType = UNSET
    commit_count: int
    fork_count: int


class RepositoryDeleted(Struct, frozen=True):
    """`deleted` is told after a cascade: every id that went, deepest first."""

    ok: bool = True
    deleted: list[str] | UnsetType = UNSET
