"""One request and its answer, as the server sees them from outside the application.

An application may answer before it has read the request, and most refusals do. HTTP/1.1 then reads on for a while
(server.http.connection). Hypercorn's HTTP/2 does not: its read loop, blocked on the full queue of an application that
no longer reads, never ends. So the last part of an answer over HTTP/2 waits for the rest of the request, read and
thrown away, within the same bounds.
"""

from __future__ import annotations

from typing import Any

import trio
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
)

from server.asgi.record import RequestRecord
from server.http import PIECES, HttpLimits

_LIMITS = HttpLimits()

NO_CACHE = (
    (b"cache-control", b"no-cache, max-age=0, must-revalidate"),
    (b"expires", b"Fri, 01 Jan 1980 00:00:00 GMT"),
    (b"pragma", b"no-cache"),
)
"""As Git's own server says it; on every answer whose application does not say how long it lasts."""


class Exchange:
    """Stands between the connection and an application: counts, completes the headers of the answer, and lingers."""

    def __init__(
        self, record: RequestRecord, receive: ASGIReceiveCallable, send: ASGISendCallable, *, lingers: bool
    ) -> None:
        """lingers: whether the end of the answer waits for the end of the request."""
        self._record = record
        self._receive = receive
        self._send = send
        self._receive_lock = trio.Lock()  # a framework may have a reader of its own running while we linger
        self._lingers = lingers
        self._request_ended = False

    @property
    def answer_started(self) -> bool:
        return self._record.status is not None

    async def receive(self) -> ASGIReceiveEvent:
        # To enter a free lock by `async with` is a turn of the event loop.
        try:
            self._receive_lock.acquire_nowait()
        except trio.WouldBlock:
            await self._receive_lock.acquire()
        try:
            return await self._receive_locked()
        finally:
            self._receive_lock.release()

    async def send(self, event: ASGISendEvent) -> None:
        if event["type"] == "http.response.start":
            await self._send(self._started(event))
        elif event["type"] == "http.response.body":
            await self._send_body(event)
        elif event["type"] == PIECES:  # an extension
            await self._send_pieces(event)
        else:
            await self._send(event)

    async def answer(self, status: int, content_type: bytes, body: bytes, *others: tuple[bytes, bytes]) -> None:
        """A whole small answer."""
        headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode()), *others]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    def _started(self, event: HTTPResponseStartEvent) -> HTTPResponseStartEvent:
        self._record.status = event["status"]
        headers = [*event["headers"], (b"x-request-id", self._record.request_id.encode("ascii"))]
        if all(name.lower() != b"cache-control" for name, _ in headers):
            headers += NO_CACHE
        return {**event, "headers": headers}

    async def _send_body(self, event: HTTPResponseBodyEvent) -> None:
        self._record.sent_bytes += len(event["body"])
        if event["more_body"]:
            await self._send(event)
            return
        if self._request_ended or not self._lingers:
            await self._send_last(event)
            return
        await self._send({"type": "http.response.body", "body": event["body"], "more_body": True})
        with trio.move_on_after(_LIMITS.linger_s):
            await self._discard_request(_LIMITS.linger_silence_s)
        await self._finish()

    async def _send_pieces(self, event: Any) -> None:
        self._record.sent_bytes += sum(map(len, event["pieces"]))
        await self._send(event)
        self._record.is_answered = not event["more_body"]

    async def _finish(self) -> None:
        """Send the end while somebody still reads; what is left of an endless request goes with the connection."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._discard_request, float("inf"))
            await self._send_last({"type": "http.response.body", "body": b"", "more_body": False})
            nursery.cancel_scope.cancel()

    async def _send_last(self, event: HTTPResponseBodyEvent) -> None:
        """Send the end of the answer, whatever happens.

        Hypercorn tells the application `http.disconnect` in the middle of this call, whereupon quart-trio cancels the
        task that makes it. Unshielded, Hypercorn would not get to watch the connection as an idle one: no time limit
        would hold for it, and it would hold up the end of the process.
        """
        with trio.CancelScope(shield=True):
            await self._send(event)
        self._record.is_answered = True

    async def _discard_request(self, silence_s: float) -> None:
        with trio.CancelScope() as silence:
            while not self._request_ended:
                silence.deadline = trio.current_time() + silence_s
                async with self._receive_lock:
                    if not self._request_ended:
                        await self._receive_locked()

    async def _receive_locked(self) -> ASGIReceiveEvent:
        event = await self._receive()
        if event["type"] == "http.request":
            self._record.received_bytes += len(event["body"])
            self._request_ended = not event["more_body"]
        elif event["type"] == "http.disconnect":
            self._request_ended = True
        return event
