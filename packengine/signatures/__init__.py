"""Signatures and whose they are: keys that an operator names, and the push certificates that they sign."""

from packengine.signatures.errors import BadSignature, CertificateRefused, UnusableKeys
from packengine.signatures.nonces import PushNonces
from packengine.signatures.push_certificates import PushCertificates
from packengine.signatures.signer import Signer
from packengine.signatures.signers import Signers

__all__ = [
    "BadSignature",
    "CertificateRefused",
    "PushCertificates",
    "PushNonces",
    "Signer",
    "Signers",
    "UnusableKeys",
]
