"""The REST application in this very process, for commands on a data directory: they are the same as on a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import httpx
import trio

from packengine.repository import Engine
from packhouse_client import Client
from server.asgi import RequestBoundary
from server.auth import Identity, RestAuthenticator
from server.auth.configured import rest_authenticator
from server.config import Settings
from server.limits import Ledger, RateLimiter, TrustedProxies
from server.rest import RestServices, create_rest_app

_MEMORY_BYTES = 16 << 20
"""Longer answers go through a temporary file."""

_PIECE_BYTES = 1 << 16


@contextmanager
def in_process_client(engine: Engine, settings: Settings, owner: str | None = None) -> Iterator[Client]:
    """A client of an application over the engine, for whoever may use the data directory.

    owner: whom what is made belongs to; None: nobody.
    """
    keys = rest_authenticator(replace(settings, jwt_jwks=None), engine.catalog)  # nobody is asked for keys
    authenticator = _Trusting(keys.keys, keys.web_tokens)
    authenticator.owner = owner
    limiter = RateLimiter({}, Ledger(None, b""), TrustedProxies(()))
    app = RequestBoundary(create_rest_app(RestServices(engine, settings, authenticator, limiter)))
    headers = {"Authorization": "Bearer nobody-asks-for-it"}
    with Client(http=httpx.Client(transport=_Transport(app), base_url=settings.base_url, headers=headers)) as client:
        yield client


@dataclass(frozen=True, slots=True)
class _Operator(Identity):
    """May do everything, and on behalf of whom it will."""

    on_behalf_of: str | None = None

    @property
    def owner(self) -> str | None:
        """See Identity."""
        return self.on_behalf_of


class _Trusting(RestAuthenticator):
    """Whoever can open the data directory needs no credentials."""

    owner: str | None = None

    def identify(self, header: str | None) -> Identity | None:  # noqa: ARG002  # of the class above
        """See RestAuthenticator."""
        return _Operator("cli", is_admin=True, on_behalf_of=self.owner)


class _Transport(httpx.BaseTransport):
    """Answers each request in an event loop of its own."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx.BaseTransport."""
        exchange = _Exchange(request.read())
        trio.run(self._app, _scope(request), exchange.receive, exchange.send)
        return httpx.Response(exchange.status, headers=exchange.headers, stream=exchange.stream())


class _Exchange:
    """The two ends that an ASGI application has to a request with this body."""

    def __init__(self, body: bytes) -> None:
        self._events: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
        self._spool: IO[bytes] = SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115  # the stream closes it
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []

    async def receive(self) -> dict[str, Any]:
        """The body, and then nothing: nobody goes away."""
        if not self._events:
            await trio.sleep_forever()
        return self._events.pop()

    async def send(self, event: dict[str, Any]) -> None:
        """Part of the answer."""
        if event["type"] == "http.response.start":
            self.status, self.headers = event["status"], list(event["headers"])
        elif event["type"] == "http.response.body":
            self._spool.write(event.get("body", b""))

    def stream(self) -> httpx.SyncByteStream:
        """The answer's body."""
        self._spool.seek(0)
        return _Stream(self._spool)


class _Stream(httpx.SyncByteStream):
    def __init__(self, spool: IO[bytes]) -> None:
        self._spool = spool

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._spool.read(_PIECE_BYTES):
            yield piece

    def close(self) -> None:
        self._spool.close()


def _scope(request: httpx.Request) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.split(b"?")[0],
        "query_string": request.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": None,
        "server": (request.url.host, request.url.port),
    }
