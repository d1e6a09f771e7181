"""OpenPGP certificates and what they signed, by Sequoia."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pysequoia import Cert, Sig, verify

from packengine.signatures.errors import BadSignature, UnusableKeys
from packengine.signatures.signer import Signer


class OpenPgpKeys:
    """The certificates that an operator trusts."""

    def __init__(self, certificates: Sequence[Cert]) -> None:
        self._certificates = list(certificates)
        self._signers = {cert.fingerprint: _signer(cert) for cert in certificates}

    def verify(self, payload: bytes, signature: bytes) -> Signer:
        """Check a detached signature, also the signer's expiry and revocation. Raises BadSignature."""
        try:
            detached = Sig.from_bytes(signature)
            verified = verify(bytes=payload, store=lambda _ids: self._certificates, signature=detached)
        except RuntimeError as error:  # Sequoia's only one; it does not tell an unknown key from a forgery
            raise BadSignature("has a bad OpenPGP signature, or one by an unknown key") from error
        return self._signers[verified.valid_sigs[0].certificate]


def read_certificates(path: Path) -> list[Cert]:
    """All certificates of a file, armored or not. Raises UnusableKeys."""
    try:
        certificates = Cert.split_bytes(path.read_bytes())
    except (OSError, RuntimeError) as error:
        raise UnusableKeys(f"{path}: {str(error).splitlines()[0]}") from error
    if not certificates:
        raise UnusableKeys(f"{path}: no OpenPGP certificate in it")
    return certificates


def _signer(certificate: Cert) -> Signer:
    fingerprint = certificate.fingerprint
    return Signer(next(map(str, certificate.user_ids), fingerprint), fingerprint)
