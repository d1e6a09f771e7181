"""Serving an ASGI application on a listening socket: start, accepting, which protocol a connection speaks, and end."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio
from hypercorn.config import Config
from hypercorn.trio.lifespan import Lifespan
from hypercorn.typing import ASGIFramework
from hypercorn.utils import wrap_app

from server.http.connection import Ends, Http1Connection, Service, WantsHttp2
from server.http.http2 import Http2Server
from server.http.limits import HttpLimits
from server.http.transport import ConnectionLost, PlainTransport, TlsTransport

_BREATH_S = 0.1
_MOST_WAITING = 1024
"""Connections that the kernel holds ready: server.process.sockets."""

_HTTP_2_BY_ALPN = "h2"

_log = logging.getLogger(__name__)


class HttpServer:
    """HTTP/1.1 and HTTP/2 on one socket, in the clear or over TLS."""

    def __init__(self, app: ASGIFramework, config: Config, limits: HttpLimits | None = None) -> None:
        """config: Hypercorn's, of HTTP/2, the certificate and the end of the process.

        Without `h2` among its `alpn_protocols` HTTP/2 is not spoken, in the clear neither.
        """
        self._app = app
        self._config = config
        self._limits = limits or HttpLimits()
        self._tls: ssl.SSLContext | None = config.create_ssl_context()
        self._service = Service(app, self._limits, speaks_http_2=_HTTP_2_BY_ALPN in config.alpn_protocols)
        self._http_2 = Http2Server(app, config, self._service.lifespan_state)
        self._own_name: tuple[str, int] | None = None

    async def serve(
        self,
        listener: socket.socket,
        shutdown: Callable[[], Awaitable[object]],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Until `shutdown` returns; then requests under way get `graceful_timeout` seconds."""
        self._own_name = _name_of(listener)
        lifespan = Lifespan(wrap_app(self._app, 0, "asgi"), self._config, self._service.lifespan_state)
        async with trio.open_nursery() as lifespan_nursery:
            await lifespan_nursery.start(lifespan.handle_lifespan)
            await lifespan.wait_for_startup()
            lifespan_nursery.start_soon(self._service.board.run)
            async with trio.open_nursery() as connections, trio.open_nursery() as accepting:
                accepting.start_soon(self._accept, listener, connections)
                task_status.started()
                await shutdown()
                accepting.cancel_scope.cancel()
                self._accept_waiting(listener, connections)
                connections.cancel_scope.deadline = trio.current_time() + self._config.graceful_timeout
                await self._drain()
            await lifespan.wait_for_shutdown()
            lifespan_nursery.cancel_scope.cancel()

    async def _drain(self) -> None:
        self._service.drain()
        await self._http_2.drain()

    async def _accept(self, listener: socket.socket, connections: trio.Nursery) -> None:
        """One connection a turn: the other processes get theirs as well."""
        while True:
            await trio.lowlevel.wait_readable(listener)
            try:
                peer, address = listener.accept()
            except BlockingIOError:
                continue  # another process was first
            except ConnectionAbortedError:
                continue  # the client gave up before it was accepted
            except OSError as error:
                _log.error("cannot accept connections", extra={"fields": {"reason": error.strerror}})
                await trio.sleep(_BREATH_S)  # whatever it is, most likely out of files: the client still waits
                continue
            self._begin(peer, address, connections)

    def _accept_waiting(self, listener: socket.socket, connections: trio.Nursery) -> None:
        """Who has connected already: the kernel resets whom nobody accepts."""
        with suppress(OSError):
            for _ in range(_MOST_WAITING):
                self._begin(*listener.accept(), connections)

    def _begin(self, peer: socket.socket, address: tuple[str, int], connections: trio.Nursery) -> None:
        peer.setblocking(False)
        connections.start_soon(self._hold, peer, address)

    async def _hold(self, peer: socket.socket, address: tuple[str, int]) -> None:
        """A connection, whose failures stay in it, even one beside a cancellation."""
        try:
            await self._talk(peer, address)
        except* ConnectionLost:
            pass  # it is over
        except* Exception:  # noqa: BLE001  # not silenced: it is logged, and the connection ends
            _log.exception("connection failed")
        finally:
            peer.close()

    async def _talk(self, peer: socket.socket, address: tuple[str, int]) -> None:
        own_name = self._own_name or peer.getsockname()
        transport: PlainTransport | TlsTransport
        transport = PlainTransport(peer) if self._tls is None else TlsTransport(peer, self._tls)
        ends = Ends("http" if self._tls is None else "https", address[:2], own_name[:2])
        try:
            if isinstance(transport, TlsTransport):
                agreed = await transport.shake_hands(self._limits.handshake_s)
                if agreed == _HTTP_2_BY_ALPN:
                    await self._http_2.serve(transport.stream)
                    return
            wants = await Http1Connection(self._service, transport, ends).run()
            if wants is not None:
                await self._go_on_as_http_2(transport, wants)
        finally:
            await transport.close()

    async def _go_on_as_http_2(self, transport: PlainTransport | TlsTransport, wants: WantsHttp2) -> None:
        if isinstance(transport, TlsTransport):
            stream: trio.abc.Stream = transport.stream
        else:
            stream = trio.SocketStream(trio.socket.from_stdlib_socket(transport.peer))
        await self._http_2.serve(stream, wants.data)


def _name_of(listener: socket.socket) -> tuple[str, int] | None:
    """The address that clients reach us at; None where each connection has its own."""
    host, port = listener.getsockname()[:2]
    return None if host in {"0.0.0.0", "::"} else (host, port)  # noqa: S104  # it is compared, not bound
