"""What a route can reach: the services of its application, the record and the caller of its request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope
from quart import current_app, request
from quart_trio import QuartTrio

from packengine.repository import Actor, InvalidRepositoryId, RefAccess
from server.asgi.record import RequestRecord, record_of
from server.auth import ANONYMOUS, Identity
from server.git.held import holding
from server.rest.services import RestServices

REPOSITORY_ID = re.compile(r"[a-z0-9_-]{4,64}")


class RestApp(QuartTrio):
    """The application, with what its routes work with."""

    services: RestServices

    async def asgi_app(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Keep what a request has open from being collected, until its answer is sent to the end."""
        if scope["type"] != "http":
            await super().asgi_app(scope, receive, send)
            return
        with holding(self.services.engine.open_states):
            await super().asgi_app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated request's author."""

    identity: Identity
    actor: Actor

    @property
    def ref_access(self) -> RefAccess:
        """Which refs it may move, in a repository that it may write to."""
        identity = self.identity
        return RefAccess(subject=None if identity.is_admin else identity.subject, is_admin=identity.is_admin)


def services() -> RestServices:
    """The services of the application that handles the current request."""
    return cast("RestApp", current_app).services


def request_record() -> RequestRecord:
    """The current request's record."""
    return record_of(cast("dict[str, object]", request.scope))


def authenticate() -> Caller | None:
    """Who makes the current request; None if its credentials are no good. Without any it is somebody anonymous."""
    header = request.headers.get("Authorization")
    identity = ANONYMOUS if header is None else services().authenticator.identify(header)
    if identity is None:
        return None
    record = request_record()
    record.actor = identity.subject
    return Caller(identity, Actor(subject=identity.subject, request_id=record.request_id))


def checked_repository_id(text: str) -> str:
    """The id of a path or a body, noted in the request's record. Raises InvalidRepositoryId."""
    if REPOSITORY_ID.fullmatch(text) is None:
        raise InvalidRepositoryId("a repository id is 4 to 64 of a-z, 0-9, _ and -")
    request_record().repository_id = text
    return text
