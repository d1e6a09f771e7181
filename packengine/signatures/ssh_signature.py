"""A signature made by `ssh-keygen -Y sign`. Format: OpenSSH's PROTOCOL.sshsig."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from packengine.signatures.errors import BadSignature
from packengine.signatures.ssh_wire import MalformedSsh, SshReader, ssh_string

_BEGIN, _END = b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"
_MAGIC = b"SSHSIG"
_VERSION = 1
_NAMESPACE = b"git"
"""What Git signs for: a signature of a mail or a file by the same key is none of a push."""

_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class SshSignature:
    """Who claims to have signed, how, and the proof."""

    key_blob: bytes
    hash_name: bytes
    proof: bytes

    @classmethod
    def parse(cls, armored: bytes) -> SshSignature:
        """Raises BadSignature unless it is one, for Git, of a version and a hash that are known."""
        try:
            reader = SshReader(_dearmored(armored))
            magic, version = reader.take(len(_MAGIC)), reader.uint32()
            key_blob, namespace, _reserved, hash_name, proof = (reader.string() for _ in range(5))
            reader.end()
        except (MalformedSsh, binascii.Error) as error:
            raise BadSignature("has a malformed SSH signature") from error
        if magic != _MAGIC or version != _VERSION or hash_name not in _HASHES:
            raise BadSignature("has an SSH signature of an unknown form")
        if namespace != _NAMESPACE:
            raise BadSignature("has an SSH signature that was not made for git")
        return cls(key_blob, hash_name, proof)

    def message(self, payload: bytes) -> bytes:
        """What the key signed, if it signed this payload."""
        digest = _HASHES[self.hash_name](payload).digest()
        return _MAGIC + b"".join(map(ssh_string, (_NAMESPACE, b"", self.hash_name, digest)))


def _dearmored(armored: bytes) -> bytes:
    lines = armored.strip().splitlines()
    if len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
        raise MalformedSsh("no armor")
    encoded = b"".join(lines[1:-1])
    decoded = base64.b64decode(encoded, validate=True)
    if base64.b64encode(decoded) != encoded:  # bits that mean nothing: one signature has one text
        raise MalformedSsh("base64 that is not canonical")
    return decoded
