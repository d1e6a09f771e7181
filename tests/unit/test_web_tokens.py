"""JSON Web Tokens: who is let in, for how long, and by which key."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from server.auth import JwksFile, UnusableJwks, WebTokens
from server.auth.jwks import MAX_KEYS, load_keys, parse_keys
from tests.support.web_tokens import (
    ALGORITHMS,
    NOW_S,
    SECRET,
    by_key,
    by_secret,
    claims,
    jwk,
    jwks,
    private_key,
    token,
)

LEEWAY_S = 60


@dataclass
class Clock:
    now_s: float = NOW_S


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> WebTokens:
    return WebTokens(now_s=lambda: clock.now_s)


def keyed(path: Path, *keys: dict[str, object]) -> WebTokens:
    path.write_bytes(jwks(*keys))
    return WebTokens(jwks=JwksFile(path), now_s=lambda: NOW_S)


def test_a_token_by_the_secret_speaks_for_its_subject(tokens: WebTokens) -> None:
    assert tokens.subject(token(by_secret()), SECRET) == "alice"
    assert tokens.subject(token(by_secret(b"another secret of thirty-two bytes.")), SECRET) is None
    assert tokens.subject(token(by_secret()), None) is None


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_by_a_key_of_the_set_speaks_for_its_subject(tmp_path: Path, algorithm: str) -> None:
    key = private_key(algorithm)
    tokens = keyed(tmp_path / "jwks", jwk(key, kid="one"), jwk(private_key(algorithm, "other"), kid="two"))
    assert tokens.subject(token(by_key(key), alg=algorithm, kid="one"), None) == "alice"
    assert tokens.subject(token(by_key(key), alg=algorithm), None) == "alice"
    assert tokens.subject(token(by_key(key), alg=algorithm, kid="two"), None) is None
    assert tokens.subject(token(by_key(key), alg=algorithm, kid="three"), None) is None
    assert tokens.subject(token(by_key(private_key(algorithm, "stranger")), alg=algorithm), None) is None


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"userId": "bob"}, "bob"),
        ({"userId": "bob", "sub": None}, "bob"),
        ({"sub": None}, None),
        ({"userId": ""}, None),
        ({"sub": ""}, None),
        ({"sub": "x" * 256}, "x" * 256),
        ({"sub": "x" * 257}, None),
        ({"sub": "a\0b"}, None),
        ({"sub": 7}, None),
        ({"userId": 7}, None),
        ({"sub": ["alice"]}, None),
    ],
)
def test_the_subject_is_user_id_else_sub(tokens: WebTokens, changes: dict[str, object], subject: str | None) -> None:
    assert tokens.subject(token(by_secret(), claims(**changes)), SECRET) == subject


@pytest.mark.parametrize("exp", [None, "1800000000", True, [], {}, "soon"])
def test_a_token_needs_an_expiry_that_is_a_number(tokens: WebTokens, exp: object) -> None:
    assert tokens.subject(token(by_secret(), claims(exp=exp)), SECRET) is None


@pytest.mark.parametrize("payload", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 3000, b'{"sub":"a","exp":1e999}'])
def test_a_payload_that_makes_no_sense_is_refused(tokens: WebTokens, payload: bytes) -> None:
    assert tokens.subject(token(by_secret(), payload), SECRET) is None


def test_times_count_with_a_minute_of_leeway(tokens: WebTokens, clock: Clock) -> None:
    text = token(by_secret(), claims(nbf=NOW_S + 100, exp=NOW_S + 200.5))
    expected = {
        NOW_S + 100 - LEEWAY_S - 0.1: None,
        NOW_S + 100 - LEEWAY_S: "alice",
        NOW_S + 200.4 + LEEWAY_S: "alice",
        NOW_S + 200.5 + LEEWAY_S: None,
    }
    for _ in range(2):  # the second time it is known
        for clock.now_s, subject in expected.items():
            assert tokens.subject(text, SECRET) == subject


@pytest.mark.parametrize(
    ("aud", "iss", "is_good"),
    [
        ("packhouse", "https://id", True),
        (["other", "packhouse"], "https://id", True),
        ("other", "https://id", False),
        ([], "https://id", False),
        (None, "https://id", False),
        ("packhouse", "https://other", False),
        ("packhouse", None, False),
        (["packhouse", 7], "https://id", False),
    ],
)
def test_audience_and_issuer_are_pinned_where_configured(aud: object, iss: object, is_good: bool) -> None:
    tokens = WebTokens(audience="packhouse", issuer="https://id", now_s=lambda: NOW_S)
    assert tokens.subject(token(by_secret(), claims(aud=aud, iss=iss)), SECRET) == ("alice" if is_good else None)


def test_audience_and_issuer_do_not_matter_where_not_configured(tokens: WebTokens) -> None:
    assert tokens.subject(token(by_secret(), claims(aud="whoever", iss="whoever")), SECRET) == "alice"


def test_a_critical_extension_is_refused(tokens: WebTokens) -> None:
    assert tokens.subject(token(by_secret(), crit=["exp"], exp=1), SECRET) is None


def test_another_secret_ends_what_was_verified_by_the_one_before(tokens: WebTokens) -> None:
    text = token(by_secret())
    assert tokens.subject(text, SECRET) == "alice"
    assert tokens.subject(text, b"another secret of thirty-two bytes.") is None
    assert tokens.subject(text, None) is None
    assert tokens.subject(text, SECRET) == "alice"


def test_a_changed_file_of_keys_counts_at_once(tmp_path: Path) -> None:
    path, first, second = tmp_path / "jwks", private_key("ES256"), private_key("ES256", "other")
    tokens = keyed(path, jwk(first))
    assert tokens.subject(token(by_key(first), alg="ES256"), None) == "alice"
    path.write_bytes(jwks(jwk(second, kid="new")))
    assert tokens.subject(token(by_key(first), alg="ES256"), None) is None
    assert tokens.subject(token(by_key(second), alg="ES256"), None) == "alice"


@pytest.mark.parametrize("damage", ["gone", "no JSON"])
def test_a_file_that_became_unusable_leaves_the_keys_before_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path, key = tmp_path / "jwks", private_key("EdDSA")
    tokens = keyed(path, jwk(key))
    if damage == "gone":
        path.unlink()
    else:
        path.write_text("{")
    for _ in range(2):
        assert tokens.subject(token(by_key(key), alg="EdDSA"), None) == "alice"
    assert [record.getMessage() for record in caplog.records] == ["keys for JSON Web Tokens are not reloaded"]


def test_what_cannot_be_used_of_a_set_is_passed_over() -> None:
    good = private_key("ES256")
    others: list[dict[str, object]] = [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "unheard of"},
        {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"},
        jwk(private_key("RS256"), use="enc"),
        jwk(private_key("RS256"), alg="RS512"),
        jwk(private_key("RS256"), alg="HS256"),
        jwk(private_key("EdDSA"), alg="ES256"),
    ]
    (key,) = parse_keys(jwks(*others, jwk(good, kid="good", use="sig", alg="ES256", more="fields")))
    assert (key.kid, key.algorithm) == ("good", "ES256")


WEAK = jwk(private_key("RS256"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no JSON Web Key Set"),
        (b"[]", "no JSON Web Key Set"),
        (b"{}", "no JSON Web Key Set"),
        (b'{"keys": {}}', "no JSON Web Key Set"),
        (b'{"keys": [1]}', "no JSON Web Key Set"),
        (b'{"keys": [{}]}', "no JSON Web Key Set"),
        (b"[" * 5000, "no JSON Web Key Set"),
        (b"\xff", "no JSON Web Key Set"),
        (jwks(), "0 keys"),
        (jwks({"kty": "oct", "k": "c2VjcmV0"}), "0 keys"),
        (jwks(*[WEAK] * (MAX_KEYS + 1)), "65 keys"),
        (b" " * ((1 << 20) + 1), "larger than 1048576 bytes"),
        (jwks({"kty": "RSA", "kid": "k", "n": "AQAB", "e": "AQAB"}), "key k"),
        (jwks({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}), r"key \(without a kid\)"),
        (jwks({"kty": "OKP", "crv": "Ed25519"}), "key"),
        (jwks({**WEAK, "d": "AQAB"}), "key"),
    ],
)
def test_a_set_without_usable_keys_is_refused_in_a_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(UnusableJwks, match=reason):
        parse_keys(data)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnusableJwks, match="none: No such file"):
        load_keys(tmp_path / "none")
