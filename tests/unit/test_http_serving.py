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
from server.http.connection import HTTP_2_PREFACE
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
async def serving(app: App, listener: socket.socket, keep_alive_s: float = 75.0) -> AsyncIterator[None]:
    """Ends at once, whatever is under way."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await with_lifespan(app, scope, receive, send)

    config, stop = Config(), trio.Event()
    config.graceful_timeout, config.keep_alive_timeout = 0.0, keep_alive_s
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
    assert 2 <= Refusing.tries <= 12  # the last one is for those who wait at the end


GOAWAY_FRAME_SIZE = b"\0\0\x08\7\0" + bytes(4) + bytes(4) + b"\0\0\0\6"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n"
)


@pytest.mark.parametrize(
    "sent",
    [HTTP_2_PREFACE, HTTP_2_PREFACE + SETTINGS, UPGRADE, UPGRADE + HTTP_2_PREFACE + SETTINGS],
    ids=["preface", "prior-knowledge", "upgrade", "upgraded"],
)
async def test_http_2_is_idle_until_something_is_asked(sent: bytes) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with (
            serving(app, listener, keep_alive_s=0.1),
            await trio.open_tcp_stream(*listener.getsockname()) as client,
        ):
            await client.send_all(sent)
            with trio.fail_after(5):
                while await client.receive_some():
                    pass


async def test_a_frame_that_is_too_long_is_refused_by_its_head() -> None:
    """Not gathered, 16 MiB of it, to be refused then."""

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("nothing was asked for")

    received = b""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with serving(app, listener), await trio.open_tcp_stream(*listener.getsockname()) as client:
            await client.send_all(HTTP_2_PREFACE + SETTINGS + b"\xff\xff\xff\0\0\0\0\0\1")
            with trio.fail_after(5):
                while piece := await client.receive_some():
                    received += piece
    assert GOAWAY_FRAME_SIZE in received
