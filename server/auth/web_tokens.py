"""JSON Web Tokens (RFC 7519) as credentials of REST.

What a token says of itself is believed for one thing only: which of our keys to try. Each key verifies by a single
algorithm, the secret by HS256, a public key by its own: no public key ever serves as a secret, and `none` is none of
the algorithms.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

import msgspec
from cachetools import LRUCache
from jwt import PyJWS
from jwt.exceptions import PyJWTError

from server.auth.jwks import JwtKey, PublicKey

LEEWAY_S = 60
"""By so much clocks may differ."""

MAX_CHARACTERS = 8192
SUBJECT_MAX_CHARACTERS = 256
MIN_SECRET_BYTES = 32
"""As many as HS256 has bits (RFC 7518, section 3.2)."""

_HS256 = "HS256"
_KEPT = 4096
_JWS = PyJWS(algorithms=[_HS256, "RS256", "ES256", "EdDSA"])


class KeySource(Protocol):
    """Where public keys come from: a file, a URL."""

    def keys(self) -> tuple[JwtKey, ...]:
        """Those that count now, in a moment; the same object as long as they are the same."""


class _Claims(msgspec.Struct, frozen=True):
    """Times are seconds since 1970; what is of another type makes the token invalid."""

    exp: float
    nbf: float | None = None
    userId: str | None = None  # noqa: N815 - on the wire
    sub: str | None = None
    iss: str | None = None
    aud: str | list[str] | None = None


@dataclass(frozen=True, slots=True)
class _Verified:
    subject: str
    not_before_s: float
    expires_at_s: float


@dataclass(frozen=True, slots=True)
class _Keys:
    """All that a token may be signed by."""

    secret: bytes | None
    public: tuple[JwtKey, ...]

    def candidates(self, algorithm: object, kid: object) -> list[tuple[str, bytes | PublicKey]]:
        """Those that may have signed it, going by what it says, each with its own algorithm."""
        if algorithm == _HS256:
            return [] if self.secret is None else [(_HS256, self.secret)]
        return [
            (key.algorithm, key.public_key)
            for key in self.public
            if key.algorithm == algorithm and (kid is None or key.kid in (None, kid))
        ]


class WebTokens:
    """Verifies tokens. Those that were verified are known by their hash: signatures are checked once. Thread-safe."""

    def __init__(
        self,
        *,
        jwks: KeySource | None = None,
        audience: str | None = None,
        issuer: str | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._jwks = jwks
        self._audience = audience
        self._issuer = issuer
        self._now_s = now_s
        self._lock = Lock()
        self._keys = _Keys(None, ())
        self._verified: LRUCache[bytes, _Verified] = LRUCache(_KEPT)

    def subject(self, token: str, secret: bytes | None) -> str | None:
        """Whom a valid token speaks for, or None. secret: what HS256 is verified by now, if at all."""
        keys = _Keys(secret, () if self._jwks is None else self._jwks.keys())
        token_hash = hashlib.sha256(token.encode("ascii")).digest()
        known = self._recall(token_hash, keys)
        if known is None:
            known = self._verify(token, keys)
            if known is None:
                return None
            self._remember(token_hash, known, keys)
        return known.subject if known.not_before_s <= self._now_s() < known.expires_at_s else None

    def _recall(self, token_hash: bytes, keys: _Keys) -> _Verified | None:
        with self._lock:
            if self._keys != keys:
                self._keys = keys
                self._verified.clear()
            return self._verified.get(token_hash)

    def _remember(self, token_hash: bytes, verified: _Verified, keys: _Keys) -> None:
        with self._lock:
            if self._keys == keys:  # else they changed since
                self._verified[token_hash] = verified

    def _verify(self, token: str, keys: _Keys) -> _Verified | None:
        try:
            header = _JWS.get_unverified_header(token)
        except PyJWTError:
            return None
        for algorithm, key in keys.candidates(header.get("alg"), header.get("kid")):
            try:
                payload = _JWS.decode(token, key, algorithms=[algorithm])
            except PyJWTError:
                continue
            return self._judged(payload)
        return None

    def _judged(self, payload: bytes) -> _Verified | None:
        try:
            claims = msgspec.json.decode(payload, type=_Claims)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        subject = claims.sub if claims.userId is None else claims.userId
        if subject is None or not is_subject(subject) or not self._is_for_us(claims):
            return None
        not_before_s = 0.0 if claims.nbf is None else claims.nbf - LEEWAY_S
        return _Verified(subject, not_before_s, claims.exp + LEEWAY_S)

    def _is_for_us(self, claims: _Claims) -> bool:
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud or []
        if self._audience is not None and self._audience not in audiences:
            return False
        return self._issuer is None or claims.iss == self._issuer


def is_subject(text: str) -> bool:
    """Whether somebody may be called so."""
    return 1 <= len(text) <= SUBJECT_MAX_CHARACTERS and "\0" not in text
