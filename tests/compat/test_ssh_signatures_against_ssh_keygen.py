"""SSH signatures: what ssh-keygen signs is verified, and what it would refuse is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from packengine.signatures import BadSignature, Signer, Signers, UnusableKeys
from tests.support.signing import SshSigner

PAYLOAD = b"certificate version 0.1\npusher me\n\nold new ref\n"
NOW_S = 1_700_000_000.0  # 2023-11-14, 22:13:20 UTC
KINDS = [("ed25519",), ("rsa", "-b", "2048"), ("ecdsa", "-b", "256"), ("ecdsa", "-b", "384"), ("ecdsa", "-b", "521")]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for private keys."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def bob(keys: Path) -> SshSigner:
    """Somebody with a key."""
    return SshSigner.make(keys, "bob")


def signers(folder: Path, text: str) -> Signers:
    path = folder / "allowed_signers"
    path.write_text(text, encoding="utf-8")
    return Signers.load(path)


def refusal(trusted: Signers, signature: bytes, payload: bytes = PAYLOAD, now_s: float = NOW_S) -> str:
    with pytest.raises(BadSignature) as caught:
        trusted.verify(payload, signature, now_s)
    return str(caught.value)


def agrees(bob: SshSigner, folder: Path, line: str) -> bool:
    """Whether ssh-keygen takes bob's signature for git under this line, as of NOW_S."""
    (folder / "oracle").write_text(line, encoding="utf-8")
    (folder / "signature").write_bytes(bob.sign(PAYLOAD))
    options = ["-f", folder / "oracle", "-s", folder / "signature", "-O", "verify-time=20231114221320Z"]
    command = ["ssh-keygen", "-Y", "verify", "-n", "git", "-I", "bob", *map(str, options)]
    return subprocess.run(command, input=PAYLOAD, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[0] + kind[-1])
@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_every_kind_of_key_is_verified(keys: Path, tmp_path: Path, kind: tuple[str, ...], hash_name: str) -> None:
    signer = SshSigner.make(keys, f"{''.join(kind)}-{hash_name}", *kind)
    trusted = signers(tmp_path, signer.allowed_line("bob@example.org"))
    signature = signer.sign(PAYLOAD, "git", "-O", f"hashalg={hash_name}")
    assert trusted.verify(PAYLOAD, signature, NOW_S) == Signer("bob@example.org", signer.fingerprint)
    assert refusal(trusted, signature, PAYLOAD + b"\n") == "has a bad signature"


def test_unknown_key_is_named(keys: Path, bob: SshSigner, tmp_path: Path) -> None:
    stranger = SshSigner.make(keys, "stranger")
    trusted = signers(tmp_path, bob.allowed_line("bob"))
    assert refusal(trusted, stranger.sign(PAYLOAD)) == f"is signed by an unknown key ({stranger.fingerprint})"


def test_signature_for_something_else_is_none_of_a_push(bob: SshSigner, tmp_path: Path) -> None:
    trusted = signers(tmp_path, bob.allowed_line("bob"))
    assert refusal(trusted, bob.sign(PAYLOAD, "file")) == "has an SSH signature that was not made for git"


LINES = {
    "bare": ("bob {key}", True),
    "quoted principals": ('"bob" {key}', True),
    "comment behind the key": ("bob {key} a comment", True),
    "namespace": ('bob namespaces="git" {key}', True),
    "namespaces": ('bob namespaces="file,git" {key}', True),
    "pattern of namespaces": ('bob namespaces="g*" {key}', True),
    "in time": ('bob valid-after="20231114",valid-before="20231115Z" {key}', True),
    "since that second": ('bob valid-after="20231114221320Z" {key}', True),
    "until that second": ('bob valid-before="20231114221320Z" {key}', True),
    "options in capitals": ('bob NAMESPACES="git",Valid-After="20200101" {key}', True),
    "too early": ('bob valid-after="20231114221321Z" {key}', False),
    "too late": ('bob valid-before="202311142213Z" {key}', False),
    "other namespace": ('bob namespaces="file" {key}', False),
    "negated namespace": ('bob namespaces="*,!git" {key}', False),
}


@pytest.mark.parametrize("what", LINES)
def test_line_counts_where_ssh_keygen_says_so(bob: SshSigner, keys: Path, tmp_path: Path, what: str) -> None:
    line, counts = LINES[what]
    text = line.format(key=bob.public) + "\n"
    assert agrees(bob, tmp_path, text) is counts
    trusted = signers(tmp_path, text + SshSigner.make(tmp_path, "other").allowed_line("other"))
    if counts:
        assert trusted.verify(PAYLOAD, bob.sign(PAYLOAD), NOW_S).key == bob.fingerprint
    else:
        assert bob.fingerprint in refusal(trusted, bob.sign(PAYLOAD))


def test_key_on_several_lines_belongs_to_the_first_whose_time_it_is(bob: SshSigner, tmp_path: Path) -> None:
    lines = [("early", 'valid-before="20200101Z"'), ("now", 'valid-after="20200101Z"'), ("also", "")]
    trusted = signers(tmp_path, "  # indented\n" + "".join(bob.allowed_line(who, options) for who, options in lines))
    assert trusted.verify(PAYLOAD, bob.sign(PAYLOAD), NOW_S).identity == "now"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("bob", "line 2: not of the form PRINCIPALS"),
        ("bob cert-authority {key}", "line 2: cert-authority: SSH certificates are not verified here"),
        ("bob ssh-ed25519 AAAA", "line 2: "),
        ("bob ssh-ed25519 !!!!", "line 2: ssh-ed25519 key: "),
        ("bob ssh-dss AAAAB3NzaC1kc3M=", "line 2: keys of kind ssh-dss are not accepted"),
        ('bob valid-after="yesterday" {key}', "line 2: 'yesterday' is not a time of the form"),
        ('bob valid-after="20231399" {key}', "line 2: "),
        ('bob no-such-option="x" {key}', "line 2: "),
    ],
)
def test_line_that_cannot_be_used_is_named(bob: SshSigner, tmp_path: Path, line: str, reason: str) -> None:
    with pytest.raises(UnusableKeys) as caught:
        signers(tmp_path, "# people\n" + line.format(key=bob.public))
    assert str(caught.value).startswith(f"{tmp_path / 'allowed_signers'}: {reason}")


def test_weak_rsa_key_is_refused(keys: Path, tmp_path: Path) -> None:
    weak = SshSigner.make(keys, "weak", "rsa", "-b", "1024")
    with pytest.raises(UnusableKeys, match="line 1: RSA key of 1024 bits, fewer than 2048"):
        signers(tmp_path, weak.allowed_line("weak"))


def test_no_key_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnusableKeys, match="no key in it that may sign for git"):
        signers(tmp_path, "# nobody\n\n")
    with pytest.raises(UnusableKeys, match="No such file"):
        Signers.load(tmp_path / "none")


def test_folder_is_read_with_all_its_files_but_hidden_ones(bob: SshSigner, keys: Path, tmp_path: Path) -> None:
    carol = SshSigner.make(keys, "carol")
    (tmp_path / "a").write_text(bob.allowed_line("bob"), encoding="utf-8")
    (tmp_path / "b.keys").write_text(carol.allowed_line("carol"), encoding="utf-8")
    (tmp_path / ".b.keys.swp").write_bytes(b"\xff\0")
    (tmp_path / "folder").mkdir()
    trusted = Signers.load(tmp_path)
    found = [trusted.verify(PAYLOAD, each.sign(PAYLOAD), NOW_S).identity for each in (bob, carol)]
    assert found == ["bob", "carol"]


def test_any_damage_to_a_signature_is_noticed(bob: SshSigner, tmp_path: Path) -> None:
    trusted = signers(tmp_path, bob.allowed_line("bob"))
    signature = bob.sign(PAYLOAD)
    for at in range(len(signature) - 1):
        damages = [signature[:at] + bytes([signature[at] ^ bit]) + signature[at + 1 :] for bit in (1, 2, 64)]
        for damaged in (*damages, signature[:at]):
            with pytest.raises(BadSignature):
                trusted.verify(PAYLOAD, damaged, NOW_S)
