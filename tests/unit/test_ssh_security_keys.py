"""SSH keys in hardware, which sign with what they saw: a touch and a counter. Format: OpenSSH's PROTOCOL.u2f."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from packengine.signatures.errors import BadSignature
from packengine.signatures.ssh_key import SshKey
from packengine.signatures.ssh_wire import ssh_string

MESSAGE = b"what is signed"
APPLICATION = b"ssh:"
TOUCHED, UNTOUCHED = b"\x01", b"\x00"
COUNTER = (7).to_bytes(4, "big")


class Ed25519InHardware:
    """A software twin of a security key."""

    kind = "sk-ssh-ed25519@openssh.com"

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    def public(self) -> SshKey:
        numbers = ssh_string(self._key.public_key().public_bytes_raw())
        blob = ssh_string(self.kind.encode()) + numbers + ssh_string(APPLICATION)
        return SshKey.parse(self.kind, base64.b64encode(blob).decode())

    def proof(self, data: bytes) -> bytes:
        return self._key.sign(data)


class EcdsaInHardware:
    """The same of the other kind."""

    kind = "sk-ecdsa-sha2-nistp256@openssh.com"

    def __init__(self) -> None:
        self._key = generate_private_key(SECP256R1())

    def public(self) -> SshKey:
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        words = (self.kind.encode(), b"nistp256", point, APPLICATION)
        return SshKey.parse(self.kind, base64.b64encode(b"".join(map(ssh_string, words))).decode())

    def proof(self, data: bytes) -> bytes:
        numbers = decode_dss_signature(self._key.sign(data, ECDSA(hashes.SHA256())))
        return b"".join(ssh_string(number.to_bytes(33, "big")) for number in numbers)


Hardware = Ed25519InHardware | EcdsaInHardware


def signature(key: Hardware, *, flags: bytes = TOUCHED, application: bytes = APPLICATION, told: bytes = b"") -> bytes:
    """told: flags other than those that were signed."""
    seen = hashlib.sha256(application).digest() + flags + COUNTER + hashlib.sha256(MESSAGE).digest()
    return ssh_string(key.kind.encode()) + ssh_string(key.proof(seen)) + (told or flags) + COUNTER


@pytest.fixture(params=[Ed25519InHardware, EcdsaInHardware])
def key(request: pytest.FixtureRequest) -> Hardware:
    made: Hardware = request.param()
    return made


def test_touched_key_signs(key: Hardware) -> None:
    key.public().verify(signature(key), MESSAGE)


@pytest.mark.parametrize(
    "change",
    [{"flags": UNTOUCHED}, {"application": b"ssh:other"}, {"flags": UNTOUCHED, "told": TOUCHED}],
    ids=["untouched", "made for something else", "touch only claimed"],
)
def test_what_the_hardware_did_not_see_is_refused(key: Hardware, change: dict[str, bytes]) -> None:
    with pytest.raises(BadSignature, match="has a bad signature"):
        key.public().verify(signature(key, **change), MESSAGE)


def test_another_message_and_bytes_too_many_or_too_few_are_refused(key: Hardware) -> None:
    public, whole = key.public(), signature(key)
    for damaged, message in [(whole, MESSAGE + b"!"), (whole + b"\0", MESSAGE), (whole[:-1], MESSAGE), (b"", MESSAGE)]:
        with pytest.raises(BadSignature, match="has a bad signature"):
            public.verify(damaged, message)
