"""Keys for one purpose each, all from a store's one secret."""

from __future__ import annotations

import hashlib
import hmac

SECRET_BYTES = 32


def derive_key(secret: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes that tells nothing of the secret, nor of the keys for other purposes.

    purpose: names the use, and its version, for ever: b"signed-urls 1". HMAC-SHA256, as RFC 5869 expands one block.
    """
    return hmac.digest(secret, purpose + b"\x01", hashlib.sha256)
