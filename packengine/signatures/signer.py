"""Whose signature it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signer:
    """The holder of a configured key, as its configuration names them: what a signature says of itself is no proof."""

    identity: str
    """The principals of an allowed_signers line, or the first user id of an OpenPGP certificate."""

    key: str
    """Fingerprint: `SHA256:…` of an SSH key, hexadecimal of an OpenPGP one."""

    def __str__(self) -> str:
        return f"{self.identity} ({self.key})"
