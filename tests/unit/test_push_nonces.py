"""Nonces of push certificates: known to whoever has the key, good for one repository and a while."""

from __future__ import annotations

import pytest

from packengine.signatures import CertificateRefused, PushNonces
from packengine.signatures.nonces import MAX_AGE_S, MAX_AHEAD_S

NOW_S = 1_700_000_000.5
NONCES = PushNonces(b"k" * 32)
NONCE = NONCES.make("project", NOW_S)


def refusal(nonce: bytes | None, *, repository_id: str = "project", now_s: float = NOW_S) -> str:
    with pytest.raises(CertificateRefused) as caught:
        NONCES.check(nonce, repository_id, now_s)
    return str(caught.value)


def test_another_process_with_the_same_key_knows_the_nonce() -> None:
    PushNonces(b"k" * 32).check(NONCE, "project", NOW_S + 1)


def test_a_nonce_is_one_word_that_starts_with_its_second() -> None:
    seconds, _, proof = NONCE.decode().partition("-")
    assert (seconds, len(bytes.fromhex(proof))) == ("1700000000", 32)


@pytest.mark.parametrize("age_s", [-MAX_AHEAD_S, 0, MAX_AGE_S - 1])
def test_a_nonce_is_good_for_a_while(age_s: int) -> None:
    NONCES.check(NONCE, "project", NOW_S + age_s)


@pytest.mark.parametrize("age_s", [-MAX_AHEAD_S - 1, MAX_AGE_S + 1, 10 * MAX_AGE_S])
def test_a_nonce_from_too_long_ago_or_from_the_future_is_stale(age_s: int) -> None:
    assert refusal(NONCE, now_s=NOW_S + age_s) == "push certificate has a stale nonce: it is good for 15 minutes"


def test_a_nonce_for_another_repository_is_foreign() -> None:
    assert refusal(NONCE, repository_id="other") == "push certificate has a nonce that is not of this repository"


def test_a_missing_nonce_is_told_as_missing() -> None:
    assert refusal(None) == "push certificate has no nonce"


SECONDS, PROOF = NONCE.split(b"-")


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        SECONDS,
        SECONDS + b"-",
        SECONDS + b"-" + PROOF[:-1],
        SECONDS + b"-" + PROOF[:-1] + (b"0" if PROOF[-1:] != b"0" else b"1"),
        SECONDS + b"-" + PROOF.upper(),
        b"1700000001-" + PROOF,
        b"0" + NONCE,
        b"+" + NONCE,
        NONCE + b"\n",
        b" " + NONCE,
        "\u0661".encode() + NONCE[1:],
        b"9" * 5_000 + b"-" + PROOF,
        PushNonces(b"j" * 32).make("project", NOW_S),
    ],
)
def test_a_nonce_that_was_not_made_with_the_key_is_foreign(forged: bytes) -> None:
    assert refusal(forged) == "push certificate has a nonce that is not of this repository"


def test_the_key_is_not_shown() -> None:
    assert "kkk" not in repr(NONCES)
