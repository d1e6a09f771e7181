"""Tokens, and the Authorization header of REST."""

from __future__ import annotations

import base64
import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.auth import (
    Identity,
    RestAuthenticator,
    ServerKeys,
    WebTokens,
    generate_token,
    hash_token,
    is_acceptable_token,
    token_id,
)
from server.auth.header import bearer_token, git_token
from server.auth.minting import remote_url
from tests.support.fakes import MemoryCatalog

GRAPHIC = "".join(chr(code) for code in range(0x21, 0x7F))


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_generated_token_is_43_characters_of_32_random_bytes() -> None:
    tokens = {generate_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(token) == 43 and set(token) <= set(string.ascii_letters + string.digits + "-_") for token in tokens)
    assert all(len(base64.urlsafe_b64decode(token + "=")) == 32 for token in tokens)


@given(st.text(alphabet=GRAPHIC, min_size=1, max_size=256))
def test_graphic_ascii_is_acceptable(text: str) -> None:
    assert is_acceptable_token(text)


@pytest.mark.parametrize("text", ["", "x" * 257, "a b", "\x7f", "\x00", "é", "a\n"])
def test_other_text_is_not_acceptable(text: str) -> None:
    assert not is_acceptable_token(text)


def test_token_is_its_sha256_at_rest() -> None:
    assert hash_token("abc") == hashlib.sha256(b"abc").digest()
    assert token_id(hash_token("abc")) == hashlib.sha256(b"abc").hexdigest()[:16]


def authenticator(admin_token: str) -> RestAuthenticator:
    return RestAuthenticator(ServerKeys(MemoryCatalog(), admin_token=admin_token), WebTokens())


def test_admin_token_makes_an_administrator() -> None:
    sesame = authenticator("sesame")
    assert sesame.identify("Bearer sesame") == Identity("admin", is_admin=True)
    assert sesame.identify("bearer sesame") == Identity("admin", is_admin=True)


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer sesam", "Bearer sesame!", "sesame", "Basic sesame", "Bearer sésame"],
)
def test_everything_else_makes_nobody(header: str | None) -> None:
    assert authenticator("sesame").identify(header) is None


def test_basic_is_not_for_rest() -> None:
    assert bearer_token(basic("x", "sesame")) is None


def test_administrator_owns_nothing_and_users_own_what_they_make() -> None:
    assert Identity("admin", is_admin=True).owner is None
    assert Identity("alice", is_admin=False).owner == "alice"


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (basic("x", "t0ken"), "t0ken"),
        (basic("", "t0ken"), "t0ken"),
        (basic("anybody", "with:colons:in"), "with:colons:in"),
        (basic("t0ken", ""), "t0ken"),
        (basic("t0ken", "x-oauth-basic"), "t0ken"),
        (basic("x", "t0ken").replace("Basic", "bAsIc"), "t0ken"),
        ("Bearer t0ken", "t0ken"),
        ("bearer  t0ken ", "t0ken"),
    ],
)
def test_git_clients_may_send_the_token_in_many_ways(header: str, token: str) -> None:
    assert git_token(header) == token


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!!",
        "Basic " + base64.b64encode(b"nocolon").decode(),
        "Basic " + base64.b64encode(b"x:\xff").decode(),
        basic("", ""),
        basic("x", "a b"),
        basic("x", "t" * 257),
        "Bearer ",
        "Digest t0ken",
    ],
)
def test_header_without_a_token_is_none(header: str | None) -> None:
    assert git_token(header) is None


@given(st.text(alphabet=st.characters(max_codepoint=0xFF)))
def test_no_header_raises(header: str) -> None:
    token = git_token(header)
    assert token is None or is_acceptable_token(token)


def test_remote_escapes_what_a_url_cannot_hold() -> None:
    assert remote_url("https://host/base", "repo", "a/b@c:d") == "https://x:a%2Fb%40c%3Ad@host/base/git/repo.git"
