"""No token gets in but by a key of ours and that key's own algorithm, however it is put together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.auth import JwksFile, WebTokens
from tests.support.web_tokens import (
    ALGORITHMS,
    NOW_S,
    SECRET,
    by_key,
    by_secret,
    claims,
    encoded,
    jwk,
    jwks,
    private_key,
    public_bytes,
    token,
)

Sign = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> WebTokens:
    """Takes HS256 by SECRET, and each algorithm by one public key."""
    path: Path = tmp_path_factory.mktemp("keys") / "jwks"
    path.write_bytes(jwks(*(jwk(private_key(algorithm), kid=algorithm) for algorithm in ALGORITHMS)))
    return WebTokens(jwks=JwksFile(path), now_s=lambda: NOW_S)


SIGNERS: dict[str, Sign] = {
    "HS256": by_secret(),
    **{algorithm: by_key(private_key(algorithm)) for algorithm in ALGORITHMS},
    **{
        f"{encoding} of {algorithm} as secret": by_secret(public_bytes(private_key(algorithm), encoding))
        for algorithm in ALGORITHMS
        for encoding in ("pem", "der", "raw")
    },
    "a stranger": by_key(private_key("ES256", "stranger")),
    "the empty secret": by_secret(b""),
    "nobody": lambda _: b"",
    "zeros": lambda _: bytes(64),
}
NAMES = ["HS256", *ALGORITHMS, "none", "None", "NONE", "", "HS384", "HS512", "RS384", "PS256", "ES384", "ES256K", "dir"]
ANY_JSON = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.text(max_size=5), max_size=3)


@given(
    signer=st.sampled_from(sorted(SIGNERS)),
    alg=st.sampled_from(NAMES) | ANY_JSON,
    kid=st.sampled_from([None, *ALGORITHMS, "unknown"]) | ANY_JSON,
    more=st.dictionaries(st.sampled_from(["jwk", "jku", "x5c", "x5u", "cty", "zip", "typ"]), ANY_JSON, max_size=3),
)
@example(signer="pem of RS256 as secret", alg="HS256", kid="RS256", more={})
@example(signer="nobody", alg="none", kid=None, more={})
@example(signer="nobody", alg="HS256", kid=None, more={})
@example(signer="zeros", alg="ES256", kid="ES256", more={})
def test_only_our_keys_by_their_own_algorithms_let_anybody_in(
    tokens: WebTokens, signer: str, alg: object, kid: object, more: dict[str, object]
) -> None:
    header = more if kid is None else {**more, "kid": kid}
    subject = tokens.subject(token(SIGNERS[signer], alg=alg, **header), SECRET)
    is_ours = signer == alg and signer in ("HS256", *ALGORITHMS)
    if not is_ours:
        assert subject is None
    elif kid is None or (kid == alg and isinstance(kid, str)):
        assert subject == "alice"


@pytest.mark.parametrize("algorithm", ["HS256", *ALGORITHMS])
@given(data=st.data())
def test_no_change_to_a_token_lets_somebody_else_in(tokens: WebTokens, algorithm: str, data: st.DataObject) -> None:
    good = token(SIGNERS[algorithm], alg=algorithm)
    at = data.draw(st.integers(0, len(good) - 1))
    other = data.draw(st.sampled_from("ABab01-_.=").filter(lambda each: each != good[at]))
    assert tokens.subject(good[:at] + other + good[at + 1 :], SECRET) in (None, "alice")
    payload = encoded(str(claims(sub="mallory")).replace("'", '"').encode())
    head, _, signature = good.split(".")
    assert tokens.subject(f"{head}.{payload}.{signature}", SECRET) is None


@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=300))
def test_no_text_is_an_error(tokens: WebTokens, text: str) -> None:
    assert tokens.subject(text, SECRET) is None
    assert tokens.subject(f"{text}.{text}.{text}", SECRET) is None


@given(header=st.binary(max_size=60), payload=st.binary(max_size=60), signature=st.binary(max_size=70))
def test_no_octets_are_an_error(tokens: WebTokens, header: bytes, payload: bytes, signature: bytes) -> None:
    assert tokens.subject(".".join(map(encoded, (header, payload, signature))), SECRET) is None
