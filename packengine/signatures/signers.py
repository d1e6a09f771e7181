"""All keys that an operator trusts, of both kinds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from pysequoia import Cert

from packengine.signatures.allowed_signers import AllowedSigner, parse_allowed_signers
from packengine.signatures.errors import BadSignature, UnusableKeys
from packengine.signatures.openpgp import OpenPgpKeys, read_certificates
from packengine.signatures.signer import Signer
from packengine.signatures.ssh_key import fingerprint_of
from packengine.signatures.ssh_signature import SshSignature

_OPENPGP_SUFFIXES = frozenset({".asc", ".gpg", ".pgp"})
_SSH, _OPENPGP = b"-----BEGIN SSH SIGNATURE-----", b"-----BEGIN PGP SIGNATURE-----"


class Signers:
    """Says whose a signature is. Frozen; any thread."""

    def __init__(self, allowed: Sequence[AllowedSigner], certificates: Sequence[Cert]) -> None:
        self._ssh: defaultdict[bytes, list[AllowedSigner]] = defaultdict(list)
        for signer in allowed:
            self._ssh[signer.key.blob].append(signer)
        self._openpgp = OpenPgpKeys(certificates)

    @classmethod
    def load(cls, path: Path) -> Signers:
        """Read a file, or every file of a folder: OpenPGP by their suffix (.asc, .gpg, .pgp), else allowed_signers.

        Raises UnusableKeys, also if there is no key at all.
        """
        allowed: list[AllowedSigner] = []
        certificates: list[Cert] = []
        for file in _files(path):
            if file.suffix in _OPENPGP_SUFFIXES:
                certificates += read_certificates(file)
            else:
                allowed += _read_allowed_signers(file)
        if not allowed and not certificates:
            raise UnusableKeys(f"{path}: no key in it that may sign for git")
        return cls(allowed, certificates)

    def verify(self, payload: bytes, signature: bytes, now_s: float) -> Signer:
        """Whose signature of the payload it is. Raises BadSignature."""
        if signature.startswith(_SSH):
            return self._verify_ssh(payload, SshSignature.parse(signature), now_s)
        if signature.startswith(_OPENPGP):
            return self._openpgp.verify(payload, signature)
        raise BadSignature("has a signature of a kind that is not verified here" if signature else "has no signature")

    def _verify_ssh(self, payload: bytes, signature: SshSignature, now_s: float) -> Signer:
        lines = self._ssh.get(signature.key_blob)
        if lines is None:
            raise BadSignature(f"is signed by an unknown key ({fingerprint_of(signature.key_blob)})")
        key = lines[0].key
        key.verify(signature.proof, signature.message(payload))
        holder = next((line.principals for line in lines if line.counts_at(now_s)), None)
        if holder is None:
            raise BadSignature(f"is signed by a key outside of its time ({key.fingerprint})")
        return Signer(holder, key.fingerprint)


def _read_allowed_signers(file: Path) -> list[AllowedSigner]:
    try:
        return list(parse_allowed_signers(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UnusableKeys(f"{file}: {error}") from error


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
