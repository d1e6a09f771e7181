"""Our HTTP/1.1 over real sockets, with limits and an application of a test's own, in a thread of the test's process."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, cast

import trio
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework

from server.http import HttpLimits, HttpServer
from tests.support.http_servers import Authority
from tests.support.http_wire import RawConnection

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]
DRAIN_S = 30.0
"""Longer than any test waits: what holds up the end fails the test."""


class LocalHttp:
    """Use as a context manager; leaving it drains the server."""

    def __init__(self, app: App, limits: HttpLimits | None = None, authority: Authority | None = None) -> None:
        self._app = app
        self._limits = limits or HttpLimits()
        self._authority = authority
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=trio.run, args=(self._serve,))
        self._started: queue.Queue[trio.lowlevel.TrioToken] = queue.Queue()
        self._stop = trio.Event()

    @property
    def url(self) -> str:
        scheme = "https" if self._authority else "http"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def connect(self) -> RawConnection:
        """A new connection, TLS agreed on."""
        return RawConnection(self.url, trust=self._authority.trust if self._authority else None)

    def stop(self) -> None:
        """Begin to drain."""
        with suppress(trio.RunFinishedError):  # it was stopped before
            self._token.run_sync_soon(self._stop.set)

    def __enter__(self) -> Self:
        self._listener.setblocking(False)
        self._thread.start()
        self._token = self._started.get()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self._thread.join()
        self._listener.close()

    async def _serve(self) -> None:
        config = Config()
        config.graceful_timeout = DRAIN_S
        if self._authority is not None:
            config.certfile, config.keyfile = str(self._authority.certificate), str(self._authority.key)
        server = HttpServer(cast("ASGIFramework", self._with_lifespan), config, self._limits)
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve, self._listener, self._stop.wait)
            self._started.put(trio.lowlevel.current_trio_token())

    async def _with_lifespan(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})


async def echo(_scope: Any, receive: Receive, send: Send) -> None:
    """An application that answers with the body of the request, its length said."""
    body = await read_body(receive)
    if body is not None:
        await answer(send, body, length=True)


async def read_body(receive: Receive) -> bytes | None:
    """None if the client went away before its end."""
    body, more = b"", True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return None
        body, more = body + event["body"], event["more_body"]
    return body


async def answer(
    send: Send, *pieces: bytes, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = (), length: bool = False
) -> None:
    """A whole answer in these pieces."""
    said = [*headers, (b"content-length", b"%d" % sum(map(len, pieces)))] if length else [*headers]
    await send({"type": "http.response.start", "status": status, "headers": said})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
