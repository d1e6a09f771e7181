"""Tokens of repositories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from packhouse_client._call import Call, get, post
from packhouse_client.types.tokens import (
    MintToken,
    RevokeToken,
    RotateTokens,
    TokenItem,
    TokenMade,
    TokenRevoked,
    TokensRotated,
)


def mint(
    base: str,
    scope: Literal["read", "write"] = "write",
    *,
    ttl_s: int | None = None,
    label: str | None = None,
    refs: Sequence[str] | None = None,
) -> Call[TokenMade]:
    """Mint a token; the answer is the only one that tells it.

    ttl_s: how long it lives, None for ever. refs: patterns of the refs that a write token may move, None for all.
    """
    body = MintToken(scope, ttl_s, label, None if refs is None else list(refs))
    return post(f"{base}/tokens", body, TokenMade)


def rotate(base: str, scope: Literal["read", "write"] = "write", *, ttl_s: int | None = None) -> Call[TokensRotated]:
    """Revoke every live token of the repository and mint one."""
    return post(f"{base}/tokens/rotate", RotateTokens(scope, ttl_s), TokensRotated)


def listed(base: str) -> Call[list[TokenItem]]:
    """The live tokens, newest first; never their text."""
    return get(f"{base}/tokens", list[TokenItem])


def revoke(base: str, token: str) -> Call[TokenRevoked]:
    """Revoke a token, whichever repository it is for."""
    return post(f"{base}/tokens/revoke", RevokeToken(token), TokenRevoked)
