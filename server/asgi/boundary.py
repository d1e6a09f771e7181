"""The outermost application: an id for every request, a log line for every answer, an answer to every crash."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

import trio
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

from packengine.protocol import Client
from server.asgi.context import CURRENT_REQUEST
from server.asgi.exchange import Exchange
from server.asgi.record import RequestRecord, open_record

_CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a request whose client went away before the answer began."""

_INTERNAL = b'{"error":{"code":"internal","message":"internal"}}'
_log = logging.getLogger("packhouse.request")


Count: TypeAlias = Callable[[RequestRecord, int, float], None]


def _not_counted(_record: RequestRecord, _status: int, _duration_s: float) -> None:
    """For an application that nobody watches."""


class RequestBoundary:
    """Wraps the dispatcher. count: called with each request that is over, its status and its duration in seconds."""

    def __init__(self, app: ASGIFramework, count: Count = _not_counted) -> None:
        self._app = app
        self._count = count

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        record = open_record(scope)
        CURRENT_REQUEST.set(record)
        started_at_s = trio.current_time()
        try:
            await self._answer(scope, Exchange(record, receive, send, lingers=scope["http_version"] == "2"))
        finally:
            duration_s = trio.current_time() - started_at_s
            status = _CLIENT_CLOSED_REQUEST if record.status is None else record.status
            self._count(record, status, duration_s)
            _log_request(record, status, duration_s)

    async def _answer(self, scope: HTTPScope, exchange: Exchange) -> None:
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            if exchange.answer_started:
                raise  # the connection is cut: the client must not take what it has for the whole
            _log.exception("request failed")
            await exchange.answer(500, b"application/json", _INTERNAL)


def _log_request(record: RequestRecord, status: int, duration_s: float) -> None:
    fields = {
        "request_id": record.request_id,
        "method": record.method,
        "path": record.template,
        "status": status,
        "duration_ms": round(duration_s * 1000, 2),
        "received_bytes": record.received_bytes,
        "sent_bytes": record.sent_bytes,
        "repository": record.repository_id,
        "actor": record.actor,
        "address": record.client_address,
        "cache": record.cache,
        **_of_client(record.client),
    }
    if record.status is not None and not record.is_answered:
        fields["aborted"] = True  # the client went away in the middle of it, or the process had to end
    _log.info("request", extra={"fields": fields})


def _of_client(client: Client | None) -> dict[str, str]:
    """What a Git client says of itself, sanitised when it was read."""
    said = {"agent": client.agent, "session_id": client.session_id} if client is not None else {}
    return {key: value.decode("ascii") for key, value in said.items() if value is not None}
