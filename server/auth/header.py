"""The Authorization header (RFC 9110, section 11.6.2; Basic: RFC 7617, Bearer: RFC 6750)."""

from __future__ import annotations

import base64
import binascii

from server.auth.tokens import TOKEN_MAX_CHARACTERS, is_acceptable_token

# What people type as password when the token stands in the place of the user name.
_NO_PASSWORD = ("", "x-oauth-basic")


def bearer_token(header: str | None, *, max_characters: int = TOKEN_MAX_CHARACTERS) -> str | None:
    """The token of a Bearer header; None for every other header and for text that cannot be a token."""
    scheme, credentials = _split(header)
    return credentials if scheme == "bearer" and is_acceptable_token(credentials, max_characters) else None


def git_token(header: str | None) -> str | None:
    """The repository token that a Git client sent: by Bearer, or by Basic as password or as user name."""
    scheme, credentials = _split(header)
    if scheme == "bearer":
        return bearer_token(header)
    token = _basic_token(credentials) if scheme == "basic" else ""
    return token if is_acceptable_token(token) else None


def _basic_token(credentials: str) -> str:
    """The empty string if there is none."""
    try:
        user, separator, password = base64.b64decode(credentials, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return ""
    if not separator:
        return ""
    return user if password in _NO_PASSWORD else password


def _split(header: str | None) -> tuple[str, str]:
    scheme, _, credentials = (header or "").strip().partition(" ")
    return scheme.lower(), credentials.strip()
