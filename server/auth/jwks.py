"""Public keys that JSON Web Tokens are signed by: a JSON Web Key Set (RFC 7517) in a file.

A key verifies one algorithm, which its kind decides and no token does: RSA is RS256, P-256 is ES256, Ed25519 is EdDSA.
Whatever else a set holds is passed over, as RFC 7517 wants it: keys for encryption, and of kinds that we do not know.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

MAX_JWKS_BYTES = 1 << 20
MAX_KEYS = 64
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
"""Verifying takes the longer the larger a key is, and anybody can have it done."""

PublicKey = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey
_ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
_log = logging.getLogger(__name__)


class UnusableJwks(Exception):
    """The file has no keys that can be used. The message says why."""


@dataclass(frozen=True, slots=True)
class JwtKey:
    """A key, and the one algorithm that it verifies."""

    kid: str | None
    algorithm: str
    public_key: PublicKey


class _Jwk(msgspec.Struct, frozen=True):
    kty: str
    crv: str | None = None
    kid: str | None = None
    alg: str | None = None
    use: str | None = None

    @property
    def algorithm(self) -> str | None:
        """The one that we verify by it; None to pass over it."""
        algorithm = _ALGORITHMS.get((self.kty, None if self.kty == "RSA" else self.crv))
        return algorithm if self.use in (None, "sig") and self.alg in (None, algorithm) else None


class JwksFile:
    """The keys of a file as it is now. What has become unusable is logged, and the keys before it count on."""

    def __init__(self, path: Path) -> None:
        """Raises UnusableJwks."""
        self._path = path
        self._stamp = _stamp(path)
        self._keys = load_keys(path)

    def keys(self) -> tuple[JwtKey, ...]:
        """The same object as long as the file is not changed. Cost: looking at the file's times, microseconds."""
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            self._reload()
        return self._keys

    def _reload(self) -> None:
        try:
            self._keys = load_keys(self._path)
        except UnusableJwks as error:
            _log.error("keys for JSON Web Tokens are not reloaded", extra={"fields": {"reason": str(error)}})


def load_keys(path: Path) -> tuple[JwtKey, ...]:
    """Read the file. Raises UnusableJwks."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_JWKS_BYTES + 1)
    except OSError as error:
        raise UnusableJwks(f"{path}: {error.strerror}") from error
    try:
        return parse_keys(data)
    except UnusableJwks as error:
        raise UnusableJwks(f"{path}: {error}") from error


def parse_keys(data: bytes) -> tuple[JwtKey, ...]:
    """The keys of a set that can be used; there is at least one. Raises UnusableJwks."""
    if len(data) > MAX_JWKS_BYTES:
        raise UnusableJwks(f"larger than {MAX_JWKS_BYTES} bytes")
    try:
        entries = msgspec.json.decode(data, type=dict[str, Any]).get("keys")
        listed = [(_described(entry), entry) for entry in msgspec.convert(entries, list[dict[str, Any]])]
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise UnusableJwks(f"no JSON Web Key Set: {error}") from error
    usable = [(jwk, entry) for jwk, entry in listed if jwk.algorithm is not None]
    if not 1 <= len(usable) <= MAX_KEYS:
        raise UnusableJwks(f"{len(usable)} keys for RS256, ES256 or EdDSA; 1 to {MAX_KEYS} are taken")
    return tuple(_key(jwk, entry) for jwk, entry in usable)


def _described(entry: dict[str, Any]) -> _Jwk:
    return msgspec.convert(entry, _Jwk)


def _key(jwk: _Jwk, entry: dict[str, Any]) -> JwtKey:
    algorithm, name = jwk.algorithm, f"key {jwk.kid or '(without a kid)'}"
    try:
        key = PyJWK(entry, algorithm).key
    except (PyJWTError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnusableJwks(f"{name}: {error}") from error
    if not isinstance(key, PublicKey):
        raise UnusableJwks(f"{name} is no public key: a private one has no place here")
    if isinstance(key, RSAPublicKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise UnusableJwks(f"{name} has {key.key_size} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are taken")
    if isinstance(key, EllipticCurvePublicKey) and not isinstance(key.curve, SECP256R1):
        raise UnusableJwks(f"{name} is on {key.curve.name}, not on P-256")
    return JwtKey(jwk.kid, algorithm or "", key)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
