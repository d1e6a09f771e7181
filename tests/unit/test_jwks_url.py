"""Keys behind a URL: asked for in time, kept for a while, never for ever."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import trustme

from server.auth.jwks import MAX_JWKS_BYTES, UnusableJwks
from server.auth.jwks_url import FRESH_S, MAX_AGE_S, RETRY_S, JwksUrl, fetch_keys
from tests.support.web_tokens import jwk, jwks, private_key

FIRST, SECOND = jwks(jwk(private_key("ES256"), kid="first")), jwks(jwk(private_key("ES256", "other"), kid="second"))


@dataclass
class Provider:
    """What is behind the URL, and a clock."""

    body: bytes | None = FIRST
    now_s: float = 1000.0
    fetches: int = 0
    started: list[Callable[[], None]] = field(default_factory=list)

    def fetch(self, _url: str) -> bytes:
        self.fetches += 1
        if self.body is None:
            raise UnusableJwks("nobody there")
        return self.body

    def open(self) -> JwksUrl:
        return JwksUrl("https://id/keys", fetch=self.fetch, now_s=lambda: self.now_s, start=self.started.append)

    def run(self) -> None:
        """What was started goes on to its end."""
        while self.started:
            self.started.pop()()


def kids(keys: JwksUrl) -> list[str | None]:
    known = keys.keys()
    return [key.kid for key in known]


def test_the_keys_are_there_from_the_start_and_asked_for_again_in_time() -> None:
    provider = Provider()
    keys = provider.open()
    assert (kids(keys), keys.keys() is keys.keys()) == (["first"], True)
    provider.now_s += FRESH_S - 1
    kids(keys)
    assert not provider.started
    provider.body = SECOND
    provider.now_s += 1
    assert kids(keys) == ["first"]  # nobody waits
    assert kids(keys) == ["first"]
    assert len(provider.started) == 1
    provider.run()
    assert (kids(keys), provider.fetches) == (["second"], 2)


@pytest.mark.parametrize("body", [None, b"<html>"])
def test_keys_count_on_for_a_while_when_they_cannot_be_had(
    body: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    provider = Provider()
    keys = provider.open()
    provider.body = body
    begun_s = provider.now_s
    while provider.now_s - begun_s < MAX_AGE_S:
        assert kids(keys) == ["first"]
        provider.run()
        provider.now_s += RETRY_S
    assert kids(keys) == []
    assert {record.getMessage() for record in caplog.records} == {"keys for JSON Web Tokens cannot be had"}
    provider.body = SECOND
    provider.run()
    assert kids(keys) == ["second"]


def test_a_start_without_keys_gets_them_later() -> None:
    provider = Provider(body=None)
    keys = provider.open()
    assert (kids(keys), provider.started) == ([], [])
    provider.body = FIRST
    provider.now_s += RETRY_S
    kids(keys)
    provider.run()
    assert kids(keys) == ["first"]


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        """See BaseHTTPRequestHandler."""
        status, location = {"/missing": (404, None), "/moved": (302, "/keys")}.get(self.path, (200, None))
        body = b"x" * (MAX_JWKS_BYTES + 99) if self.path == "/large" else FIRST
        self.send_response(status)
        if location is not None:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing on stderr."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def url(authority: trustme.CA) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://localhost:{server.server_port}"
        server.shutdown()


def fetched(url: str, authority: trustme.CA) -> bytes:
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    return fetch_keys(url, trust)


def test_keys_are_fetched_from_whom_a_certificate_speaks_for(url: str, authority: trustme.CA) -> None:
    assert fetched(f"{url}/keys", authority) == FIRST
    with pytest.raises(UnusableJwks, match="CERTIFICATE_VERIFY_FAILED"):
        fetch_keys(f"{url}/keys")


@pytest.mark.parametrize(("path", "reason"), [("missing", "404"), ("moved", "redirection to .*/keys, which is not")])
def test_other_answers_are_none(url: str, authority: trustme.CA, path: str, reason: str) -> None:
    with pytest.raises(UnusableJwks, match=reason):
        fetched(f"{url}/{path}", authority)


def test_no_more_is_read_than_could_be_used(url: str, authority: trustme.CA) -> None:
    assert len(fetched(f"{url}/large", authority)) == MAX_JWKS_BYTES + 1


def test_nobody_there_is_no_more_than_unusable() -> None:
    with pytest.raises(UnusableJwks, match="refused"):
        fetch_keys("https://127.0.0.1:1/keys")
