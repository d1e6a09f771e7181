"""Signed pushes through the Git application: what is offered, what a certificate must be, and what is told of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from packengine.repository import Engine
from packengine.repository.push_policy import nonce_scope
from packengine.signatures import Signers
from packengine.signatures.nonces import MAX_AGE_S, MAX_AHEAD_S
from tests.support.engine_pushes import ACTOR
from tests.support.git_client import GitClient
from tests.support.raw_packs import COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of
from tests.support.signing import SshSigner
from tests.support.wire_client import (
    certificate_text,
    parse_advertisement,
    parse_push_report,
    push_request,
    signed_push_request,
)

ROOT = commit_content()
TIP = oid_of(COMMIT, ROOT)
PACK = pack_of([entry(TREE, b""), entry(COMMIT, ROOT)])
MAIN, SIDE = b"refs/heads/main", b"refs/heads/side"
MOVES = [(NULL, TIP, MAIN), (NULL, TIP, SIDE)]


@pytest.fixture(scope="module")
def bob(tmp_path_factory: pytest.TempPathFactory) -> SshSigner:
    """Whose key is configured."""
    return SshSigner.make(tmp_path_factory.mktemp("keys"), "bob")


@pytest.fixture
def engine(tmp_path: Path, bob: SshSigner) -> Iterator[Engine]:
    """It knows bob's key, and has two repositories."""
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(bob.allowed_line("bob@example.org"), encoding="utf-8")
    opened = Engine.open(tmp_path / "data", signers=Signers.load(allowed))
    for repository_id in ("project", "other"):
        opened.create_repository(repository_id, ACTOR)
    yield opened
    opened.close()


def nonce_of(engine: Engine, repository_id: str = "project", *, age_s: float = 0) -> bytes:
    certificates = engine.pushes.policy.certificates
    assert certificates is not None
    return certificates.nonces.make(nonce_scope(engine.load(repository_id)), time.time() - age_s)


async def offered(engine: Engine) -> dict[bytes, bytes]:
    """The capabilities that a pushing client is offered."""
    client = GitClient(engine)
    await client.list_refs()
    words = parse_advertisement(client.body).capabilities
    return {key: value for key, _, value in (word.partition(b"=") for word in words)}


async def push(
    engine: Engine, text: bytes, signature: bytes, *, push_options: tuple[bytes, ...] = ()
) -> dict[bytes, str | None]:
    """What is reported of each ref; None if it moved."""
    client = GitClient(engine)
    await client.post("git-receive-pack", signed_push_request(text, signature, PACK, push_options=push_options))
    report = parse_push_report(client.body)
    assert (report.unpack, report.error) == (b"ok", None)
    return {name: None if reason is None else reason.decode() for name, reason in report.refs.items()}


def refs(engine: Engine) -> list[bytes]:
    return [entry.name for entry in engine.load("project").manifest.refs.scan()]


async def test_the_offered_nonce_makes_a_signed_push_hold(
    engine: Engine, bob: SshSigner, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "packengine.repository.publish")
    text = certificate_text(MOVES, nonce=(await offered(engine))[b"push-cert"], push_options=[b"why=because"])
    assert await push(engine, text, bob.sign(text), push_options=(b"why=because",)) == {MAIN: None, SIDE: None}
    [told] = [record.__dict__["fields"] for record in caplog.records if record.message == "published"]
    assert (told["signer"], told["signing_key"]) == ("bob@example.org", bob.fingerprint)
    assert told["push_options"] == ["why=because"]


async def test_without_configured_keys_no_certificate_is_asked_for(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path)
    engine.create_repository("project", ACTOR)
    words = await offered(engine)
    assert b"push-cert" not in words
    assert b"push-options" in words
    engine.close()


async def test_a_push_without_certificate_is_taken(engine: Engine) -> None:
    client = GitClient(engine)
    await client.post("git-receive-pack", push_request(MOVES, PACK))
    assert refs(engine) == [MAIN, SIDE]


STALE = "push certificate has a stale nonce: it is good for 15 minutes"
FOREIGN = "push certificate has a nonce that is not of this repository"


@pytest.mark.parametrize(
    ("repository_id", "age_s", "reason"),
    [
        ("project", MAX_AGE_S + 5, STALE),
        ("project", -MAX_AHEAD_S - 60, STALE),
        ("other", 0, FOREIGN),
    ],
    ids=["old", "from the future", "of another repository"],
)
async def test_every_ref_is_refused_for_its_nonce(
    engine: Engine, bob: SshSigner, repository_id: str, age_s: float, reason: str
) -> None:
    text = certificate_text(MOVES, nonce=nonce_of(engine, repository_id, age_s=age_s))
    assert await push(engine, text, bob.sign(text)) == {MAIN: reason, SIDE: reason}
    assert refs(engine) == []


async def test_every_ref_is_refused_without_a_nonce_or_with_a_made_up_one(engine: Engine, bob: SshSigner) -> None:
    for nonce, reason in ((None, "push certificate has no nonce"), (b"1700000000-" + b"0" * 64, FOREIGN)):
        text = certificate_text(MOVES, nonce=nonce)
        assert await push(engine, text, bob.sign(text)) == {MAIN: reason, SIDE: reason}
    assert refs(engine) == []


async def test_commands_that_were_not_signed_move_nothing(engine: Engine, bob: SshSigner) -> None:
    signed = certificate_text([(NULL, TIP, b"refs/heads/none")], nonce=nonce_of(engine))
    sent = signed.replace(b"refs/heads/none", MAIN)
    assert await push(engine, sent, bob.sign(signed)) == {MAIN: "push certificate has a bad signature"}
    assert refs(engine) == []


async def test_a_key_that_nobody_configured_moves_nothing(engine: Engine, tmp_path: Path) -> None:
    stranger = SshSigner.make(tmp_path, "stranger")
    text = certificate_text(MOVES, nonce=nonce_of(engine))
    reason = f"push certificate is signed by an unknown key ({stranger.fingerprint})"
    assert await push(engine, text, stranger.sign(text)) == {MAIN: reason, SIDE: reason}
    assert refs(engine) == []


async def test_a_certificate_without_signature_moves_nothing(engine: Engine) -> None:
    text = certificate_text(MOVES[:1], nonce=nonce_of(engine))
    assert await push(engine, text, b"") == {MAIN: "push certificate has no signature"}
    assert refs(engine) == []


async def test_a_certificate_is_no_good_for_a_later_repository_of_the_same_id(engine: Engine, bob: SshSigner) -> None:
    text = certificate_text(MOVES, nonce=nonce_of(engine))
    signature = bob.sign(text)
    assert await push(engine, text, signature) == {MAIN: None, SIDE: None}
    engine.delete_repository("project", ACTOR)
    engine.create_repository("project", ACTOR)
    assert await push(engine, text, signature) == {MAIN: FOREIGN, SIDE: FOREIGN}
    assert refs(engine) == []


@pytest.mark.parametrize("sent", [(), (b"a", b"b"), (b"b", b"a"), (b"A",)])
async def test_push_options_other_than_the_signed_ones_move_nothing(
    engine: Engine, bob: SshSigner, sent: tuple[bytes, ...]
) -> None:
    text = certificate_text(MOVES[:1], nonce=nonce_of(engine), push_options=[b"a"])
    assert await push(engine, text, bob.sign(text), push_options=sent) == {MAIN: "inconsistent push options"}
    assert refs(engine) == []
