"""Tokens as they are minted and told: once, with the URL that a Git client takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import quote

from packengine.storage.ports import NewToken, TokenScope
from server.auth.tokens import generate_token, hash_token


@dataclass(frozen=True, slots=True)
class MintedToken:
    """The text, for the one answer that tells it, and what is stored of it."""

    text: str
    stored: NewToken


def mint(
    scope: TokenScope,
    owner: str | None,
    *,
    ttl_s: int | None = None,
    label: str | None = None,
    refs: tuple[str, ...] | None = None,
) -> MintedToken:
    """A fresh token; nothing is stored yet.

    owner: whom it is minted for, None for the administrator. refs: patterns of those that it may move; None: any.
    """
    text, now_s = generate_token(), int(time.time())
    expires_at_s = None if ttl_s is None else now_s + ttl_s
    return MintedToken(text, NewToken(hash_token(text), scope, now_s, expires_at_s, owner, label, refs))


def remote_url(base_url: str, repository_id: str, token: str) -> str:
    """`{scheme}://x:{token}@{host}/git/{id}.git`, below the base URL's path."""
    scheme, rest = base_url.split("://", 1)
    return f"{scheme}://x:{quote(token, safe='')}@{rest}/git/{repository_id}.git"
