"""Repositories: made, listed, told, deleted."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from packhouse_client.types.paging import Count

REPOSITORIES_MAX = 5000
"""The largest page of repositories."""

REFS_DESCRIBED_MAX = 10_000
"""So many refs are told with a repository; the list of refs has all of them, in pages."""

Visibility = Literal["private", "public"]
"""public: anyone may read, over Git and over REST, with no credentials."""

Description = Annotated[str, Meta(max_length=1000)]


class CreateRepository(Struct, frozen=True, rename="camel"):
    """POST /v1/repos."""

    id: str | None = None
    default_branch: str = "main"
    object_format: Literal["sha1", "sha256"] = "sha1"
    read_only: bool = False
    description: Description = ""
    visibility: Visibility = "private"
    """public: anyone may read it, by REST and by Git."""


class ListRepositories(Struct, frozen=True):
    """The query of GET /v1/repos. `limit`: more than 5000 counts as 5000."""

    limit: Count = 1000
    offset: Count = 0
    """How many to pass over. A `cursor` costs the same on each page, and passes over none that is made meanwhile."""

    cursor: str | None = None
    """The `X-Next-Cursor` of the page before."""

    search: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    """Only those whose id or description has this in it, in whichever case."""


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
    description: str = ""
    visibility: Visibility = "private"


class RefItem(Struct, frozen=True):
    """A ref and its value in hex."""

    name: str
    sha: str


class RepositoryAnswer(RepositoryItem, frozen=True, rename="camel", kw_only=True):
    """GET /v1/repos/:id. `refs`: the first 10,000; `refsTruncated` if there are more. Sizes are those of the packs."""

    default_branch: str
    object_format: Literal["sha1", "sha256"]
    refs: list[RefItem]
    refs_truncated: bool = False
    size_bytes: int
    head_sha: str | UnsetType = UNSET
    commit_count: int
    fork_count: int


class RepositoryDeleted(Struct, frozen=True):
    """`deleted` is told after a cascade: every id that went, deepest first."""

    ok: bool = True
    deleted: list[str] | UnsetType = UNSET
