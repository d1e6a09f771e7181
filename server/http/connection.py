"""One connection of HTTP/1.1, from its first byte to its end."""

from __future__ import annotations

import json
import logging
import secrets
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

import trio
from hypercorn.typing import ASGIFramework

from core_ext import HttpError, RequestHead, encode_response_head
from server.http.departures import Departure, DepartureBoard
from server.http.limits import HttpLimits
from server.http.received import Received
from server.http.request import Http1Request, now
from server.http.transport import Transport

HTTP_2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

_RESET = struct.pack("ii", 1, 0)
"""Of SO_LINGER: to close the socket resets the connection."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Service:
    """What the connections of a process share."""

    app: ASGIFramework
    limits: HttpLimits
    speaks_http_2: bool = True
    board: DepartureBoard = field(default_factory=DepartureBoard)
    is_draining: bool = False
    idle: set[trio.CancelScope] = field(default_factory=set)
    """The waits of connections that have nothing to do."""

    lifespan_state: dict[str, Any] = field(default_factory=dict)

    def drain(self) -> None:
        """Let no connection outlive its request."""
        self.is_draining = True
        for scope in self.idle:
            scope.cancel()


@dataclass(frozen=True, slots=True)
class Ends:
    """Both ends of a connection, as ASGI names them."""

    scheme: str
    client: tuple[str, int]
    server: tuple[str, int]


@dataclass(frozen=True, slots=True)
class WantsHttp2:
    """The connection is to go on as HTTP/2; data: what came of it so far."""

    data: bytes


class Http1Connection:
    """Serves one request after the other."""

    def __init__(self, service: Service, transport: Transport, ends: Ends) -> None:
        self._service = service
        self._transport = transport
        self._ends = ends
        self._received = Received(transport)
        self._departure = Departure(service.board, transport.peer)
        self._is_first = True

    async def run(self) -> WantsHttp2 | None:
        """Until the client or we have had enough of it. The transport is left open. Raises ConnectionLost."""
        while True:
            try:
                head = await self._next_head()
            except HttpError as error:
                await self._refuse(error.status, error.sentence)
                return None
            if head is None or isinstance(head, WantsHttp2):
                return head
            request = Http1Request(
                head,
                self._received,
                self._transport,
                self._departure,
                self._service.limits,
                may_keep_alive=self._may_keep_alive,
            )
            if not await self._serve(request):
                return None

    def _may_keep_alive(self) -> bool:
        return not self._service.is_draining

    async def _serve(self, request: Http1Request) -> bool:
        """Have it answered. Returns whether the connection goes on."""
        ends = self._ends
        scope = request.scope(ends.scheme, ends.client, ends.server, self._service.lifespan_state.copy())
        try:
            await self._service.app(scope, request.receive, request.send)  # type: ignore[arg-type]  # plain dictionaries
        finally:
            if request.looks_whole:
                self._transport.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if request.refused is not None and not request.has_begun:
            await self._refuse(request.refused.status, request.refused.sentence)
            return False
        if not request.is_answered:
            return False
        if request.keeps_alive:
            return not self._departure.has_happened and await request.discard()
        if not request.is_read or self._received.data:
            await self._linger()
        return False

    async def _next_head(self) -> RequestHead | WantsHttp2 | None:
        """None when the client has no more requests, or takes too long for the next. Raises HttpError."""
        if self._received.data:
            await trio.lowlevel.checkpoint()  # who sends a thousand requests at once may not keep out the others
        elif not await self._begins():
            return None
        if head := self._head_at_hand():
            return head
        with trio.CancelScope(deadline=trio.current_time() + self._service.limits.head_s) as scope:
            while await self._received.more():
                if head := self._head_at_hand():
                    return head
        if scope.cancelled_caught:
            await self._refuse(408, "the head of the request took too long")
        return None

    async def _begins(self) -> bool:
        """Wait for the first bytes of a request. Returns whether some came.

        Who asked before the end of the process began is answered: what the kernel has of it is read, but nothing is
        waited for.
        """
        patience_s = 0 if self._service.is_draining else self._service.limits.keep_alive_s
        with trio.CancelScope(deadline=trio.current_time() + patience_s) as scope:
            self._service.idle.add(scope)
            try:
                return await self._received.more()
            finally:
                self._service.idle.discard(scope)
        return False

    def _head_at_hand(self) -> RequestHead | WantsHttp2 | None:
        data = self._received.data
        speaks_http_2 = self._service.speaks_http_2
        if speaks_http_2 and self._is_first and data[:3] == HTTP_2_PREFACE[:3]:
            if data.startswith(HTTP_2_PREFACE):
                return WantsHttp2(data)
            if HTTP_2_PREFACE.startswith(data):
                return None
        head = self._received.head(self._service.limits)
        if head is None:
            return None
        if speaks_http_2 and head.upgrade == b"h2c" and self._can_upgrade(head):
            return WantsHttp2(data)
        self._is_first = False
        return head

    def _can_upgrade(self, head: RequestHead) -> bool:
        """Whether Hypercorn changes to HTTP/2: where any length is announced it would go on in an HTTP/1.1 of its own.

        Over TLS nobody does: a proxy that lets an upgrade pass no longer sees the requests.
        """
        is_plain = self._ends.scheme == "http" and head.body_bytes == 0
        return is_plain and all(name != b"content-length" for name, _ in head.headers)

    async def _refuse(self, status: int, sentence: str) -> None:
        """Answer what is no request, or none that can be read to its end."""
        request_id = secrets.token_hex(16)
        fields = {"request_id": request_id, "status": status, "reason": sentence, "address": self._ends.client[0]}
        _log.info("malformed request", extra={"fields": fields})
        body = json.dumps({"error": {"code": "bad_request", "message": sentence}}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", request_id.encode("ascii")),
        ]
        head, _, _ = encode_response_head(
            status, headers, request_method="GET", http_version="1.1", keeps_alive=False, date=now()
        )
        await self._transport.send((head, body))
        await self._transport.finish()
        await self._linger()

    async def _linger(self) -> None:
        """Read what the client still sends, so that it gets to read our answer."""
        limits = self._service.limits
        with trio.move_on_after(limits.linger_s), trio.CancelScope() as silence:
            while True:
                silence.deadline = trio.current_time() + limits.linger_silence_s
                self._received.data = b""
                if not await self._received.more():
                    return
