"""Our HTTP/1.1 without a socket: a client that is written beforehand, and small applications."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any, cast

import trio
from hypercorn.typing import ASGIFramework

from server.http import HttpLimits
from server.http.connection import Ends, Http1Connection, Service, WantsHttp2
from server.http.transport import Buffer, ConnectionLost
from tests.support.http1_server import App

GET = b"GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\n\r\n"


class Wire:
    """A transport: the client's pieces come one by one, then its silence or its end; writes are kept."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self.peer, self._other = socket.socketpair()
        self._pieces = list(pieces)
        self._ends = ends
        self.writes: list[bytes] = []
        self.pieces: list[Buffer] = []
        self.is_finished = False
        self.is_lost = False

    async def receive(self) -> bytes:
        await trio.lowlevel.checkpoint()
        if not self._pieces and not self._ends:
            await trio.sleep_forever()
        return self._pieces.pop(0) if self._pieces else b""

    async def send(self, pieces: Sequence[Buffer]) -> None:
        if self.is_lost:
            raise ConnectionLost
        self.pieces += pieces
        self.writes.append(b"".join(pieces))

    async def finish(self) -> None:
        self.is_finished = True

    async def close(self) -> None:
        self.peer.close()
        self._other.close()

    @property
    def unread(self) -> int:
        return len(self._pieces)

    @property
    def sent(self) -> bytes:
        return b"".join(self.writes)


async def serve(app: App, *pieces: bytes, ends: bool = True, service: Service | None = None) -> Wire:
    """Serve a connection to its end."""
    wire = Wire(*pieces, ends=ends)
    await run_over(app, wire, service)
    return wire


async def run_over(app: App, wire: Wire, service: Service | None = None, scheme: str = "http") -> WantsHttp2 | None:
    service = service or Service(cast("ASGIFramework", app), HttpLimits())
    ends = Ends(scheme, ("192.0.2.1", 4711), ("192.0.2.2", 80))
    try:
        return await Http1Connection(service, wire, ends).run()
    finally:
        await wire.close()


def answering(
    *bodies: bytes, headers: Sequence[tuple[bytes, bytes]] = (), status: int = 200, reads: bool = True
) -> App:
    """An application that answers with these parts."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        while reads and (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        for at, body in enumerate(bodies):
            await send({"type": "http.response.body", "body": body, "more_body": at < len(bodies) - 1})

    return app


LENGTH = [(b"content-length", b"4")]


def post(size: int, *fields: bytes) -> bytes:
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n" % (size, lines)


async def echo(_scope: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        body, more = body + event["body"], event["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


refusing = answering(b"no", headers=[(b"content-length", b"2")], status=403, reads=False)
