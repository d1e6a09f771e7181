"""Repositories: made, listed, told, deleted."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType


class CreateRepository(Struct, frozen=True, rename="camel"):
    """POST /v1/repos."""

    id: str | None = None
    default_branch: str = "main"
    object_format: Literal["sha1", "sha256"] = "sha1"
    read_only: bool = False


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
