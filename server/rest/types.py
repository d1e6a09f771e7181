"""What REST takes and gives. Field names on the wire are camelCase, but for token lists, as the contract has them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

TtlSeconds = Annotated[int, Meta(ge=1, le=10**10)]
Label = Annotated[str, Meta(max_length=256)]

MAX_FORKS = 10_000
"""In one request: all of them are one transaction, for which whoever else writes waits."""

ForkCount = Annotated[int, Meta(ge=1, le=MAX_FORKS)]


class CreateRepository(Struct, frozen=True, rename="camel"):
    """POST /v1/repos."""

    id: str | None = None
    default_branch: str = "main"
    object_format: Literal["sha1", "sha256"] = "sha1"
    read_only: bool = False


class ForkRepository(Struct, frozen=True, rename="camel"):
    """POST /v1/repos/:id/forks. `count`: so many at once, all or none, whose ids are made up."""

    id: str | None = None
    read_only: bool = False
    count: ForkCount | None = None


class MintToken(Struct, frozen=True, rename="camel"):
    """POST /v1/repos/:id/tokens."""

    scope: Literal["read", "write"]
    ttl_seconds: TtlSeconds | None = None
    label: Label | None = None


class RevokeToken(Struct, frozen=True):
    """POST /v1/tokens/revoke."""

    token: str


class Ok(Struct, frozen=True):
    """Nothing more to say."""

    ok: bool = True


class RepositoryMade(Struct, frozen=True):
    """A repository or fork that was made, with its first token. The token is told here and nowhere else."""

    id: str
    remote: str
    token: str


class ForksMade(Struct, frozen=True):
    """The forks of a request that asked for a number of them."""

    forks: list[RepositoryMade]


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


class TokenMade(Struct, frozen=True, rename="camel"):
    """A token, told once. `expires_at`: seconds since 1970, null for never."""

    token: str
    remote: str
    expires_at: int | None


class TokenItem(Struct, frozen=True):
    """A live token in a list; `id` is the start of its hash. Times are seconds since 1970."""

    id: str
    repo_id: str
    scope: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    subject: str | None


class TokenRevoked(Struct, frozen=True):
    """Whether a live token was revoked by this very request."""

    revoked: bool


class Readiness(Struct, frozen=True, omit_defaults=True):
    """GET /v1/health/ready."""

    ok: bool
    components: dict[str, Literal["ok", "fail"]] | UnsetType = UNSET
    draining: bool = False
