"""The REST application in this process, over a real engine, for tests that need no socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from packengine.repository import Engine
from server.asgi import Dispatcher, RequestBoundary
from server.auth import Identity, RestAuthenticator
from server.auth.configured import rest_authenticator
from server.config import Settings
from server.limits import Ledger, RateLimiter, TrustedProxies
from server.process.engine import open_engine
from server.rest import RestServices, create_rest_app
from server.rest.context import RestApp

ADMIN_TOKEN = "the-administrator"


class TwoUsers(RestAuthenticator):
    """Beside what counts always, anybody who says `Bearer user:NAME`: for tests that are not about credentials."""

    def identify(self, header: str | None) -> Identity | None:
        """See RestAuthenticator."""
        user = (header or "").removeprefix("Bearer user:")
        if header is not None and user != header:
            return Identity(subject=user, is_admin=False)
        return super().identify(header)


@dataclass(frozen=True)
class RestClient:
    """Requests as the administrator, unless told otherwise."""

    http: httpx.AsyncClient
    engine: Engine

    async def call(self, method: str, path: str, body: object = None, **options: Any) -> httpx.Response:
        """A request with a JSON body, or none for None."""
        if body is not None:
            options["json"] = body
        return await self.http.request(method, path, **options)

    async def create(self, repository_id: str | None = None, **fields: object) -> Any:
        """`{id, remote, token}` of a new repository."""
        answer = await self.call("POST", "/v1/repos", {"id": repository_id, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def rest_client(
    data_dir: Path, *, is_draining: Callable[[], bool] = lambda: False, **settings: Any
) -> AsyncIterator[RestClient]:
    """A client of an application over `data_dir`, with these settings. Only rates that are among them limit."""
    with rest_application(data_dir, is_draining=is_draining, **settings) as rest:
        app: Any = RequestBoundary(Dispatcher(git=_no_git, rest=rest), rest.services.metrics.count)
        transport = httpx.ASGITransport(app=app)
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://git.test", headers=headers) as http:
            yield RestClient(http, rest.services.engine)


@contextmanager
def rest_application(
    data_dir: Path, *, is_draining: Callable[[], bool] = lambda: False, **settings: Any
) -> Iterator[RestApp]:
    """The application itself, as `rest_client` serves it."""
    chosen = Settings(data_dir=data_dir, **{"admin_token": ADMIN_TOKEN, **settings})
    engine = open_engine(chosen)
    try:
        limiter = _limiter(chosen, settings)
        yield create_rest_app(RestServices(engine, chosen, _authenticator(chosen, engine), limiter, is_draining))
    finally:
        engine.close()


def _authenticator(settings: Settings, engine: Engine) -> RestAuthenticator:
    configured = rest_authenticator(settings, engine.catalog)
    return TwoUsers(configured.keys, configured.web_tokens)


def _limiter(settings: Settings, chosen: dict[str, Any]) -> RateLimiter:
    rates = {each: rate for each, rate in settings.rates.items() if f"rate_{each.value}" in chosen}
    return RateLimiter(rates, Ledger(None, b"key"), TrustedProxies(settings.trusted_proxies))


async def _no_git(_scope: Scope, _receive: ASGIReceiveCallable, _send: ASGISendCallable) -> None:
    raise NotImplementedError("these tests do not speak Git")
