"""What a push certificate is worth: made for us, lately, for this push, by somebody the operator knows."""

from __future__ import annotations

from dataclasses import dataclass

from packengine.protocol import PushCertificate, PushCommands
from packengine.signatures.errors import BadSignature, CertificateRefused
from packengine.signatures.nonces import PushNonces
from packengine.signatures.signer import Signer
from packengine.signatures.signers import Signers


@dataclass(frozen=True, slots=True)
class PushCertificates:
    """Offers nonces and judges the certificates that come back."""

    signers: Signers
    nonces: PushNonces

    def signer(self, request: PushCommands, nonce_scope: str, now_s: float) -> Signer | None:
        """Who certified the push; None if nobody did. nonce_scope: see PushNonces. Raises CertificateRefused."""
        certificate = request.certificate
        if certificate is None:
            return None
        self.nonces.check(certificate.nonce, nonce_scope, now_s)
        if certificate.push_options != request.push_options:
            raise CertificateRefused("inconsistent push options")
        return self._signer_of(certificate, now_s)

    def _signer_of(self, certificate: PushCertificate, now_s: float) -> Signer:
        try:
            return self.signers.verify(certificate.payload, certificate.signature, now_s)
        except BadSignature as error:
            raise CertificateRefused(f"push certificate {error}") from error
