"""The admin token and the JWT key as they are now: as configured, or as rotated while the server runs.

A rotated one is a row of the catalog, so that it is valid for the very next request on every worker, and after a
restart. It says what it replaces: once somebody configures another value, that is the one that counts.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass

from packengine.storage.ports import Catalog, ServerKey
from server.auth.tokens import generate_token, hash_token

ADMIN_TOKEN = "admin-token"  # noqa: S105 - the name of a row
JWT_KEY = "jwt-key"


@dataclass(frozen=True, slots=True)
class CurrentKeys:
    """What counts now."""

    admin_hash: bytes
    jwt_secret: bytes | None
    """None: no token is verified by HS256."""


class ServerKeys:
    """Reads the catalog only if something was committed to it since it was read last."""

    def __init__(self, catalog: Catalog, *, admin_token: str, jwt_secret: str | None = None) -> None:
        self._catalog = catalog
        self._configured = CurrentKeys(
            hash_token(admin_token), None if jwt_secret is None else jwt_secret.encode("utf-8")
        )
        self._known: tuple[int | None, CurrentKeys] = (None, self._configured)

    def current(self) -> CurrentKeys:
        """Cost: microseconds as long as nothing was committed, else two reads by key, which wait for no writer."""
        mark = self._catalog.change_mark()
        known_mark, keys = self._known
        if mark is None or mark != known_mark:
            keys = CurrentKeys(self._admin_hash(), self._jwt_secret())
            self._known = (mark, keys)
        return keys

    def rotate_admin_token(self) -> str:
        """Make another admin token; the one before is good for nothing any more. In a worker thread."""
        token = generate_token()
        self._set(ADMIN_TOKEN, hash_token(token), self._configured.admin_hash)
        return token

    def rotate_jwt_key(self) -> str:
        """Make another secret for HS256; what was signed by the one before is invalid. In a worker thread."""
        key = generate_token()
        self._set(JWT_KEY, key.encode("ascii"), _digest(self._configured.jwt_secret))
        return key

    def _admin_hash(self) -> bytes:
        return self._rotated(ADMIN_TOKEN, self._configured.admin_hash) or self._configured.admin_hash

    def _jwt_secret(self) -> bytes | None:
        return self._rotated(JWT_KEY, _digest(self._configured.jwt_secret)) or self._configured.jwt_secret

    def _rotated(self, name: str, configured: bytes) -> bytes | None:
        row = self._catalog.server_key(name)
        return row.value if row is not None and hmac.compare_digest(row.replaces, configured) else None

    def _set(self, name: str, value: bytes, replaces: bytes) -> None:
        self._catalog.set_server_key(name, ServerKey(value, replaces, time.time_ns() // 1_000_000))


def _digest(secret: bytes | None) -> bytes:
    """What a secret is recognised by; the empty one stands for none."""
    return hashlib.sha256(secret or b"").digest()
