"""`git push --signed` against a server that knows some keys: SSH's and OpenPGP's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.git import git, git_result
from tests.support.repositories import commit_file
from tests.support.server import RunningServer
from tests.support.signing import OpenPgpSigner, SshSigner

ALICE = "Alice <alice@example.org>"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Private keys."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def signer(keys: Path) -> SshSigner:
    """Somebody whose key the server knows."""
    return SshSigner.make(keys, "known")


@pytest.fixture(scope="module")
def gpg() -> Iterator[OpenPgpSigner]:
    """Alice's gpg."""
    found = OpenPgpSigner()
    found.make(ALICE)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, signer: SshSigner, gpg: OpenPgpSigner) -> Iterator[RunningServer]:
    """Two workers, so that the nonce of one comes back to the other, which trust two keys and log JSON."""
    trusted = tmp_path_factory.mktemp("trusted")
    (trusted / "allowed_signers").write_text(signer.allowed_line("bob@example.org"), encoding="utf-8")
    (trusted / "alice.asc").write_bytes(gpg.export(ALICE, "--armor"))
    arguments = ["--push-cert-keys", str(trusted), "--log-format", "json"]
    with RunningServer(tmp_path_factory.mktemp("served") / "data", arguments=arguments) as running:
        yield running


def published(server: RunningServer) -> list[dict[str, Any]]:
    """What the log says of publishes, in order."""
    entries = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [entry for entry in entries if entry.get("event") == "published"]


def test_push_signed_by_a_known_ssh_key_names_its_holder_in_the_log(
    server: RunningServer, signer: SshSigner, work: Path
) -> None:
    git(*signer.git_settings(), "push", "--signed", "origin", "main:refs/heads/signed", cwd=work)
    entry = published(server)[-1]
    assert (entry["signer"], entry["signing_key"]) == ("bob@example.org", signer.fingerprint)


def test_push_signed_by_a_known_openpgp_key_names_its_holder_in_the_log(
    server: RunningServer, gpg: OpenPgpSigner, work: Path
) -> None:
    settings = ["-c", f"user.signingKey={ALICE}"]
    git(*settings, "push", "--signed", "origin", "main:refs/heads/signed", cwd=work, env=gpg.environment())
    assert published(server)[-1]["signer"] == ALICE


def test_push_options_are_certified_with_the_push_and_told_in_the_log(
    server: RunningServer, signer: SshSigner, work: Path
) -> None:
    words = ["-o", "reviewer=carol", "-o", "skip ci"]
    git(*signer.git_settings(), "push", "--signed", *words, "origin", "main:refs/heads/signed", cwd=work)
    assert published(server)[-1]["push_options"] == ["reviewer=carol", "skip ci"]


def test_signed_push_of_many_kinds_at_once(signer: SshSigner, work: Path, remote: str) -> None:
    git("push", "--quiet", "origin", "main:refs/heads/old", "main:refs/heads/moved", cwd=work)
    new = commit_file(work, "new", b"new\n")
    refspecs = ["main", ":refs/heads/old", "+main:refs/heads/moved", "main:refs/tags/v1"]
    git(*signer.git_settings(), "push", "--signed", "--atomic", "origin", *refspecs, cwd=work)
    listed = git("ls-remote", remote, cwd=work).decode().split()
    assert dict(zip(listed[1::2], listed[::2], strict=True)) == dict.fromkeys(
        ["HEAD", "refs/heads/main", "refs/heads/moved", "refs/tags/v1"], new
    )


def test_signed_push_to_a_sha256_repository(server: RunningServer, signer: SshSigner, tmp_path: Path) -> None:
    remote = str(server.create_repository(objectFormat="sha256")["remote"])
    git("init", "--quiet", "-b", "main", "--object-format=sha256", tmp_path / "work")
    tip = commit_file(tmp_path / "work", "README", b"a first line\n")
    git(*signer.git_settings(), "push", "--signed", remote, "main", cwd=tmp_path / "work")
    assert git("ls-remote", remote, "main").split()[0].decode() == tip
    assert published(server)[-1]["signer"] == "bob@example.org"


def test_shallow_clone_signs_as_well(server: RunningServer, signer: SshSigner, work: Path, tmp_path: Path) -> None:
    git("clone", "--quiet", "--depth", "1", work.as_uri(), tmp_path / "cut")
    tip = commit_file(tmp_path / "cut", "new", b"new\n")
    remote = git("remote", "get-url", "origin", cwd=work).decode().strip()
    git(*signer.git_settings(), "push", "--signed", remote, "main", cwd=tmp_path / "cut")
    assert git("ls-remote", remote, "main").split()[0].decode() == tip
    assert published(server)[-1]["signer"] == "bob@example.org"


def test_push_signed_by_an_unknown_key_publishes_nothing_and_says_why(keys: Path, work: Path, remote: str) -> None:
    stranger = SshSigner.make(keys, f"stranger-{work.parent.name}")
    before = git("ls-remote", remote)
    commit_file(work, "new", b"new\n")
    refused = git_result(*stranger.git_settings(), "push", "--signed", "origin", "main", "main:x", cwd=work)
    assert refused.returncode != 0
    reason = f"push certificate is signed by an unknown key ({stranger.fingerprint})"
    assert refused.stderr.decode().count(reason) == 2
    assert git("ls-remote", remote) == before


def test_push_without_a_certificate_is_taken_and_has_no_signer(server: RunningServer, work: Path) -> None:
    git("push", "--quiet", "origin", "main:refs/heads/unsigned", cwd=work)
    assert "signer" not in published(server)[-1]


def test_signing_if_asked_signs(server: RunningServer, signer: SshSigner, work: Path) -> None:
    git(*signer.git_settings(), "push", "--signed=if-asked", "origin", "main:refs/heads/signed", cwd=work)
    assert published(server)[-1]["signer"] == "bob@example.org"
