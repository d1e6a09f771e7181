"""What goes wrong in one connection, or with accepting one, and what becomes of the others."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
import trio
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework
from trio.testing import MockClock

from server.http import HttpServer
from tests.support.http1_server import App

TRIES = 100


async def with_lifespan(app: App, scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "lifespan":
        await app(scope, receive, send)
        return
    for step in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{step}.complete"})


@asynccontextmanager
async def serving(app: App, listener: socket.socket) -> AsyncIterator[None]:
    """Ends at once, whatever is under way."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await with_lifespan(app, scope, receive, send)

    config, stop = Config(), trio.Event()
    config.graceful_timeout = 0.0
    listener.setblocking(False)
    async with trio.open_nursery() as nursery:
        await nursery.start(HttpServer(cast("ASGIFramework", application), config).serve, listener, stop.wait)
        yield
        stop.set()


async def test_a_failure_while_requests_are_cut_off_stays_in_its_connection(caplog: pytest.LogCaptureFixture) -> None:
    """Of two tasks of a request one is cancelled and one fails: neither an Exception nor a cancellation."""
    is_reached = trio.Event()

    async def fail() -> None:
        try:
            is_reached.set()
            await trio.sleep_forever()
        finally:
            raise ValueError("in the middle of the end")

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail)
            nursery.start_soon(trio.sleep_forever)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with serving(app, listener), await trio.open_tcp_stream(*listener.getsockname()) as client:
            await client.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await is_reached.wait()
    (record,) = caplog.records
    assert record.message == "connection failed"


class Refusing(socket.socket):
    """A listener from which nothing can be accepted, though a client waits."""

    tries = 0

    def accept(self) -> Any:
        Refusing.tries += 1
        if Refusing.tries > TRIES:
            raise AssertionError("tried without a breath")
        raise OSError(errno.EPERM, "Operation not permitted")


async def test_what_cannot_be_accepted_is_tried_again_after_a_breath(autojump_clock: MockClock) -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("nothing was accepted")

    with Refusing() as listener, socket.socket() as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.connect(listener.getsockname())
        async with serving(app, listener):
            await trio.sleep(1)
    assert 2 <= Refusing.tries <= 11
