"""OpenPGP signatures: what gpg signs is verified, and keys that no longer count are not taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from packengine.signatures import BadSignature, Signer, Signers, UnusableKeys
from tests.support.signing import OpenPgpSigner

PAYLOAD = b"certificate version 0.1\npusher me\n\nold new ref\n"
ALICE, MALLORY = "Alice <alice@example.org>", "Mallory <mallory@example.org>"
REFUSAL = "has a bad OpenPGP signature, or one by an unknown key"
NOW_S = 1_700_000_000.0


@pytest.fixture(scope="module")
def gpg() -> Iterator[OpenPgpSigner]:
    """A home with keys of Alice and Mallory."""
    found = OpenPgpSigner()
    for user_id in (ALICE, MALLORY):
        found.make(user_id)
    yield found
    found.stop()


def trusting(folder: Path, name: str, certificate: bytes) -> Signers:
    path = folder / name
    path.write_bytes(certificate)
    return Signers.load(path)


def refusal(trusted: Signers, signature: bytes, payload: bytes = PAYLOAD) -> str:
    with pytest.raises(BadSignature) as caught:
        trusted.verify(payload, signature, NOW_S)
    return str(caught.value)


@pytest.mark.parametrize(("name", "options"), [("alice.asc", ["--armor"]), ("alice.gpg", []), ("alice.pgp", [])])
def test_certificates_are_read_armored_or_not(
    gpg: OpenPgpSigner, tmp_path: Path, name: str, options: list[str]
) -> None:
    trusted = trusting(tmp_path, name, gpg.export(ALICE, *options))
    signer = trusted.verify(PAYLOAD, gpg.sign(ALICE, PAYLOAD), NOW_S)
    assert (signer.identity, len(signer.key)) == (ALICE, 40)
    assert str(signer) == f"{ALICE} ({signer.key})"


def test_many_certificates_may_stand_in_one_file(gpg: OpenPgpSigner, tmp_path: Path) -> None:
    trusted = trusting(tmp_path, "all.gpg", gpg.export(ALICE) + gpg.export(MALLORY))
    found = [trusted.verify(PAYLOAD, gpg.sign(user_id, PAYLOAD), NOW_S).identity for user_id in (ALICE, MALLORY)]
    assert found == [ALICE, MALLORY]


@pytest.mark.parametrize("kind", ["rsa2048", "nistp256"])
def test_other_kinds_of_keys_sign_as_well(gpg: OpenPgpSigner, tmp_path: Path, kind: str) -> None:
    fingerprint = gpg.make(f"{kind} <{kind}@example.org>", kind)
    trusted = trusting(tmp_path, "key.gpg", gpg.export(kind))
    signer = trusted.verify(PAYLOAD, gpg.sign(kind, PAYLOAD), NOW_S)
    assert signer == Signer(f"{kind} <{kind}@example.org>", fingerprint.lower())


def test_other_payload_or_unknown_key_is_refused(gpg: OpenPgpSigner, tmp_path: Path) -> None:
    trusted = trusting(tmp_path, "alice.asc", gpg.export(ALICE))
    assert refusal(trusted, gpg.sign(ALICE, PAYLOAD), PAYLOAD + b"\n") == REFUSAL
    assert refusal(trusted, gpg.sign(MALLORY, PAYLOAD)) == REFUSAL


def test_what_is_no_signature_is_refused(gpg: OpenPgpSigner, tmp_path: Path) -> None:
    trusted = trusting(tmp_path, "alice.asc", gpg.export(ALICE))
    signature = gpg.sign(ALICE, PAYLOAD)
    assert refusal(trusted, signature[: len(signature) // 2]) == REFUSAL
    assert refusal(trusted, b"") == "has no signature"
    assert (
        refusal(trusted, b"-----BEGIN SIGNED MESSAGE-----\n") == "has a signature of a kind that is not verified here"
    )


def test_revoked_key_no_longer_signs(gpg: OpenPgpSigner, tmp_path: Path) -> None:
    name = "Eve <eve@example.org>"
    fingerprint = gpg.make(name)
    signature = gpg.sign(name, PAYLOAD)
    assert trusting(tmp_path, "eve.gpg", gpg.export(name)).verify(PAYLOAD, signature, NOW_S).identity == name
    revocation = (gpg.home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_bytes()
    gpg.gpg("--import", stdin=revocation.replace(b":-----BEGIN", b"-----BEGIN"))
    assert refusal(trusting(tmp_path, "revoked.gpg", gpg.export(name)), signature) == REFUSAL


def test_file_without_certificate_is_told(tmp_path: Path) -> None:
    for content in (b"", b"no key"):
        with pytest.raises(UnusableKeys, match=r"empty\.asc: "):
            trusting(tmp_path, "empty.asc", content)
