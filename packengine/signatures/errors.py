"""What is wrong with a key, a signature or a certificate."""

from __future__ import annotations


class UnusableKeys(Exception):
    """Configured keys that cannot be read. The message says which file, which line and why; for the operator."""


class BadSignature(Exception):
    """A signature that proves nothing. The message goes on from its subject: `is signed by an unknown key …`."""


class CertificateRefused(Exception):
    """A push certificate that does not hold. The message is the reason to report for every ref."""
