"""URLs that carry their own permission: for one path, until one moment.

A signature is an HMAC-SHA256 over the path, the end, and the version that the repository's pointer was created with, so
that it dies with its repository although the id may be used again. Whether it is valid depends on nothing but the URL
and the key: no look at the catalog can tell a stranger what exists.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

PURPOSE = b"signed urls 1"
"""For `derive_key`."""

_QUERY = re.compile(
    rb"expires=(?P<expires>[1-9][0-9]{0,17})&version=(?P<version>[1-9][0-9]{0,17})&signature=(?P<signature>[0-9a-f]{64})"
)
"""As `sign` writes it, to the letter: any other spelling would only multiply the entries of caches."""


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
        given = _QUERY.fullmatch(query)
        if given is None:
            return None
        expires_at_s, first_version = int(given["expires"]), int(given["version"])
        expected = self._signature(path, expires_at_s, first_version)
        remaining_s = expires_at_s - int(self._now_s())
        if not hmac.compare_digest(expected.encode(), given["signature"]) or remaining_s <= 0:
            return None
        return SignedAccess(first_version, remaining_s)

    def _signature(self, path: str, expires_at_s: int, first_version: int) -> str:
        text = f"{path}\n{expires_at_s}\n{first_version}\n"
        return hmac.digest(self._key, text.encode(), hashlib.sha256).hex()
