"""Tokens: 43 characters of base64url over 32 random bytes. Only a token's SHA-256 is ever stored or compared."""

from __future__ import annotations

import hashlib
import re
import secrets

TOKEN_RANDOM_BYTES = 32
TOKEN_MAX_CHARACTERS = 256
TOKEN_ID_HEX_DIGITS = 16
_GRAPHIC = re.compile("[!-~]+")


def generate_token() -> str:
    """A fresh token from the kernel's random generator; none that a command line would take for an option."""
    while (token := secrets.token_urlsafe(TOKEN_RANDOM_BYTES)).startswith("-"):
        pass
    return token


def is_acceptable_token(text: str, max_characters: int = TOKEN_MAX_CHARACTERS) -> bool:
    """Whether `text` may be a token at all: some graphic ASCII characters, 256 at most of those that we store."""
    return len(text) <= max_characters and _GRAPHIC.fullmatch(text) is not None


def hash_token(token: str) -> bytes:
    """The SHA-256 that stands for the token at rest. A plain hash is enough for 256 random bits."""
    return hashlib.sha256(token.encode("ascii")).digest()


def token_id(token_hash: bytes) -> str:
    """What lists and logs call a token: enough of its hash to tell it from others, nothing to use it with."""
    return token_hash.hex()[:TOKEN_ID_HEX_DIGITS]
