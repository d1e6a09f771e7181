"""JSON Web Tokens of every kind, good and bad, made without the code under test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

SECRET = b"a secret of more than thirty-two bytes"
NOW_S = 1_700_000_000

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
ALGORITHMS = ("RS256", "ES256", "EdDSA")


@cache
def private_key(algorithm: str, name: str = "") -> Any:
    """The same key for the same arguments, for as long as the tests run."""
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else ed25519.Ed25519PrivateKey.generate()


def public_bytes(key: PrivateKey, encoding: str) -> bytes:
    """As somebody might mistake it for a secret: `pem`, `der` or `raw`."""
    public = key.public_key()
    if encoding == "raw":
        return json.dumps(jwk(key)).encode()
    chosen = {"pem": serialization.Encoding.PEM, "der": serialization.Encoding.DER}[encoding]
    return public.public_bytes(chosen, serialization.PublicFormat.SubjectPublicKeyInfo)


def jwk(key: PrivateKey, **fields: object) -> dict[str, object]:
    """A public key as RFC 7517, 7518 and 8037 write it."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        described = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        point = public.public_numbers()
        described = {"kty": "EC", "crv": "P-256", "x": encoded(_fixed(point.x)), "y": encoded(_fixed(point.y))}
    else:
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        described = {"kty": "OKP", "crv": "Ed25519", "x": encoded(raw)}
    return {**described, **fields}


def jwks(*keys: Mapping[str, object]) -> bytes:
    """A set of keys."""
    return json.dumps({"keys": list(keys)}).encode()


def by_secret(secret: bytes = SECRET) -> Callable[[bytes], bytes]:
    """Signs as HS256 does."""
    return lambda data: hmac.digest(secret, data, hashlib.sha256)


def by_key(key: PrivateKey) -> Callable[[bytes], bytes]:
    """Signs as the algorithm of the key's kind does."""

    def sign(data: bytes) -> bytes:
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        if isinstance(key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
            return _fixed(r) + _fixed(s)
        return key.sign(data)

    return sign


def claims(**changes: object) -> dict[str, object]:
    """Those of a token that is good for an hour; a change to None leaves one out."""
    good: dict[str, object] = {"sub": "alice", "exp": NOW_S + 3600, **changes}
    return {name: value for name, value in good.items() if value is not None}


def token(sign: Callable[[bytes], bytes], payload: object = None, *, alg: object = "HS256", **header: object) -> str:
    """A token in the compact form. payload: claims, or bytes as they are."""
    data = payload if isinstance(payload, bytes) else json.dumps(claims() if payload is None else payload).encode()
    signed = f"{encoded(json.dumps({'alg': alg, 'typ': 'JWT', **header}).encode())}.{encoded(data)}"
    return f"{signed}.{encoded(sign(signed.encode()))}"


def encoded(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8))


def _fixed(value: int) -> bytes:
    return value.to_bytes(32)
