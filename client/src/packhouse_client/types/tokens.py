"""Repository tokens: minted, listed, revoked."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

TtlSeconds = Annotated[int, Meta(ge=1, le=10**10)]
Label = Annotated[str, Meta(max_length=256)]
RefPattern = Annotated[str, Meta(min_length=1, max_length=256)]
RefPatterns = Annotated[list[RefPattern], Meta(min_length=1, max_length=100)]


class MintToken(Struct, frozen=True, rename="camel"):
    """POST /v1/repos/:id/tokens."""

    scope: Literal["read", "write"]
    ttl_seconds: TtlSeconds | None = None
    label: Label | None = None
    refs: RefPatterns | None = None
    """Patterns of the refs that a write token may move, as `refs/heads/agent/*`; null for all."""


class RotateTokens(Struct, frozen=True):
    """POST /v1/repos/:id/tokens/rotate. A body is required, if only `{}`."""

    scope: Literal["read", "write"] = "write"
    ttl_seconds: TtlSeconds | None = None


class RevokeToken(Struct, frozen=True):
    """POST /v1/tokens/revoke."""

    token: str


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
    label: str | None = None
    refs: list[str] | None = None


class TokensRotated(Struct, frozen=True):
    """How many live tokens were revoked, and the only one now."""

    revoked: int
    token: str
    remote: str


class TokenRevoked(Struct, frozen=True):
    """Whether a live token was revoked by this very request."""

    revoked: bool
