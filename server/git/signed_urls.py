"""URLs that carry their own permission: for one path, until one moment.

A signature is an HMAC-SHA256 over the path, the end, and the version that the repository's pointer was created with, so
that it dies with its repository although the id may be used again. Whether it is valid depends on nothing but the URL
and the key: no look at the catalog can tell a stranger what exists.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

PURPOSE = b"signed urls 1"
"""For `derive_key`."""

_MAX_QUERY_BYTES = 512


@dataclass(frozen=True, slots=True)
class SignedAccess:
    """What a valid signature says."""

    first_version: int
    """Of the repository that the URL was made for."""

    remaining_s: int
    """How long it goes on saying so; at least 1."""


class UrlSigner:
    """Makes signed URLs and believes them."""

    def __init__(self, key: bytes, *, lifetime_s: int, now_s: Callable[[], float] = time.time) -> None:
        self._key = key
        self._lifetime_s = lifetime_s
        self._now_s = now_s

    def sign(self, path: str, first_version: int) -> str:
        """The path with its query. Valid for at most the lifetime and at least half of it.

        Ends are rounded, so that the URL of one thing stays the same for half a lifetime: caches know things by URLs.
        """
        step_s = max(self._lifetime_s // 2, 1)
        expires_at_s = (int(self._now_s()) // step_s + 2) * step_s
        signature = self._signature(path, expires_at_s, first_version)
        return f"{path}?{urlencode({'expires': expires_at_s, 'version': first_version, 'signature': signature})}"

    def verify(self, path: str, query: bytes) -> SignedAccess | None:
        """What the URL permits; None if it is not signed, not by us, for something else, or no longer."""
        given = _single_values(query)
        if given is None:
            return None
        expires_at_s, first_version, signature = given
        expected = self._signature(path, expires_at_s, first_version)
        remaining_s = expires_at_s - int(self._now_s())
        if not hmac.compare_digest(expected.encode(), signature.encode()) or remaining_s <= 0:
            return None
        return SignedAccess(first_version, remaining_s)

    def _signature(self, path: str, expires_at_s: int, first_version: int) -> str:
        text = f"{path}\n{expires_at_s}\n{first_version}\n"
        return hmac.digest(self._key, text.encode(), hashlib.sha256).hex()


def _single_values(query: bytes) -> tuple[int, int, str] | None:
    """(end, version, signature), each given once and in the one spelling that `sign` gives it."""
    if len(query) > _MAX_QUERY_BYTES:
        return None
    values = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    if len(values) != 3:  # what else stands there would only multiply the entries of caches
        return None
    match values.get("expires"), values.get("version"), values.get("signature"):
        case [expires], [version], [signature] if _is_number(expires) and _is_number(version):
            return int(expires), int(version), signature
        case _:
            return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18 and str(int(text)) == text
