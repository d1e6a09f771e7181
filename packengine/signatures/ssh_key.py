"""Public keys of OpenSSH, and what they signed. Formats: RFC 4253, 5656, 8332, 8709; OpenSSH's PROTOCOL.u2f.

DSA is refused, and so is RSA with SHA-1 or with fewer than 2,048 bits.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from packengine.signatures.errors import BadSignature
from packengine.signatures.ssh_wire import MalformedSsh, SshReader

_Public: TypeAlias = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

_RSA_LEAST_BITS = 2048
_RSA_HASHES = {b"rsa-sha2-256": hashes.SHA256(), b"rsa-sha2-512": hashes.SHA512()}
_CURVE_HASHES = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
_KEPT_IN_HARDWARE = b"sk-"
_USER_PRESENT = 0x01


@dataclass(frozen=True, slots=True)
class SshKey:
    """A public key that may verify."""

    kind: bytes
    blob: bytes
    """The key as it stands in signatures: equal bytes are equal keys."""

    public: _Public
    application: bytes | None
    """What a security key was made for; None for a key that is not kept in hardware."""

    @classmethod
    def parse(cls, kind: str, encoded: str) -> SshKey:
        """The first two words of a file such as id_ed25519.pub. Raises ValueError, also for a kind not taken."""
        try:
            blob = base64.b64decode(encoded, validate=True)
            if not kind.endswith("-cert-v01@openssh.com") and kind != "ssh-dss":
                public = load_ssh_public_key(f"{kind} {encoded}".encode("ascii"))
                if isinstance(public, _Public):
                    return cls(kind.encode(), blob, _strong(public), _application(kind.encode(), blob))
        except (binascii.Error, UnsupportedAlgorithm, UnicodeEncodeError) as error:
            raise ValueError(f"{kind} key: {error}") from error
        raise ValueError(f"keys of kind {kind} are not accepted")

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` prints it."""
        return fingerprint_of(self.blob)

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check the innermost signature, which names its algorithm. Raises BadSignature."""
        try:
            reader = SshReader(signature)
            algorithm, proof = reader.string(), reader.string()
            if self.application is not None:
                message = _seen_by_hardware(self.application, reader, message)
            reader.end()
            self._check(algorithm, proof, message)
        except (InvalidSignature, MalformedSsh) as error:
            raise BadSignature("has a bad signature") from error

    def _check(self, algorithm: bytes, proof: bytes, message: bytes) -> None:
        public = self.public
        if isinstance(public, RSAPublicKey):
            if algorithm not in _RSA_HASHES:
                raise InvalidSignature
            # Some signers leave leading zeros out; OpenSSH takes those as well.
            public.verify(proof.rjust(public.key_size // 8, b"\0"), message, PKCS1v15(), _RSA_HASHES[algorithm])
        elif algorithm != self.kind:
            raise InvalidSignature
        elif isinstance(public, Ed25519PublicKey):
            public.verify(proof, message)
        else:
            public.verify(_ecdsa_proof(proof), message, ECDSA(_CURVE_HASHES[public.key_size]))


def fingerprint_of(blob: bytes) -> str:
    """SHA-256 of a public key, as OpenSSH writes it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _strong(public: _Public) -> _Public:
    if isinstance(public, RSAPublicKey) and public.key_size < _RSA_LEAST_BITS:
        raise ValueError(f"RSA key of {public.key_size} bits, fewer than {_RSA_LEAST_BITS}")
    return public


def _application(kind: bytes, blob: bytes) -> bytes | None:
    """Behind the numbers of the key itself: one for Ed25519, the curve's name and a point for ECDSA."""
    if not kind.startswith(_KEPT_IN_HARDWARE):
        return None
    reader = SshReader(blob)
    for _ in range(3 if b"ecdsa" in kind else 2):
        reader.string()
    return reader.string()


def _seen_by_hardware(application: bytes, reader: SshReader, message: bytes) -> bytes:
    """What a security key signs in place of the message. It must say that somebody touched it."""
    flags, counter = reader.take(1), reader.take(4)
    if not flags[0] & _USER_PRESENT:
        raise InvalidSignature
    return hashlib.sha256(application).digest() + flags + counter + hashlib.sha256(message).digest()


def _ecdsa_proof(proof: bytes) -> bytes:
    reader = SshReader(proof)
    r, s = reader.mpint(), reader.mpint()
    reader.end()
    if r <= 0 or s <= 0:
        raise InvalidSignature
    return encode_dss_signature(r, s)
