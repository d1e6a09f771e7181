"""Hypercorn's connection, mended: it lets go of its socket when its client has, and whatever goes wrong stays in it.

Hypercorn 0.18 keeps a connection that the client closed, and its file descriptor, until the keep-alive timeout: nothing
ends the task that watches for idleness, and a request that ends after the client left even starts it anew. And an error
that none of its parts expected, as some malformed HTTP/2 brings about, ends the process with all of its connections.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import hypercorn.protocol
import hypercorn.protocol.h2
import hypercorn.protocol.h11
import hypercorn.trio.run
import trio
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.trio.tcp_server import TCPServer

from server.process.http1 import Http1, RawPieces
from server.process.http2 import Http2
from server.process.idle import IdleWatch
from server.process.request_stream import RequestStream
from server.process.stream_buffer import StreamBuffer

_GATHERED_BYTES = 64 * 1024
"""From so many bytes on, the kernel takes pieces from where they are; less is put together first, which is as fast."""

_log = logging.getLogger(__name__)


class PromptConnection(TCPServer):
    """Watches for idleness only as long as the client can still send something."""

    _has_client = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        timeout_s, terminated = self.config.keep_alive_timeout, self.context.terminated
        self._idle = IdleWatch(timeout_s, terminated, self._initiate_server_close)
        self.idle_task = self._idle  # type: ignore[assignment]  # a SingleTask, which is all that is asked of it

    async def run(self) -> None:
        """See TCPServer."""
        try:
            await super().run()
        except* Exception:  # noqa: BLE001  # not silenced: it is logged, and the connection ends
            _log.exception("connection failed")

    async def _read_data(self) -> None:
        try:
            await super()._read_data()
        finally:
            self._has_client = False
            self._idle.end()

    async def protocol_send(self, event: Event) -> None:
        """See TCPServer."""
        if isinstance(event, RawPieces):
            await self._send(event.pieces)
        elif isinstance(event, RawData):
            await self._send([event.data])
        elif self._has_client or not isinstance(event, Updated):
            await super().protocol_send(event)

    async def _send(self, pieces: Sequence[bytes]) -> None:
        """As TCPServer does, less the turn of the event loop that a free lock costs."""
        await trio.lowlevel.checkpoint_if_cancelled()  # what is cut off at the end of the process sends nothing more
        try:
            self.send_lock.acquire_nowait()
        except trio.WouldBlock:
            await self.send_lock.acquire()
        try:
            with trio.CancelScope(shield=True):
                await send_pieces(self.stream, pieces)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            await self.protocol.handle(Closed())
        finally:
            self.send_lock.release()


async def send_pieces(stream: trio.abc.Stream, pieces: Sequence[bytes]) -> None:
    """Write all of them. Raises trio.BrokenResourceError, trio.ClosedResourceError."""
    if not isinstance(stream, trio.SocketStream) or sum(map(len, pieces)) < _GATHERED_BYTES:
        await stream.send_all(b"".join(pieces))  # TLS copies it all the same
        return
    rest = [memoryview(piece) for piece in pieces if piece]
    try:
        while rest:
            rest = _behind(rest, await stream.socket.sendmsg(rest))
    except OSError as error:
        raise trio.BrokenResourceError(f"socket connection broken: {error}") from error


def _behind(pieces: list[memoryview], sent_bytes: int) -> list[memoryview]:
    """What is left when so many bytes are sent."""
    for at, piece in enumerate(pieces):
        if sent_bytes < len(piece):
            return [piece[sent_bytes:], *pieces[at + 1 :]]
        sent_bytes -= len(piece)
    return []


_LOOKED_UP: tuple[tuple[ModuleType, str, type], ...] = (
    (hypercorn.trio.run, "TCPServer", PromptConnection),
    (hypercorn.protocol, "H11Protocol", Http1),
    (hypercorn.protocol, "H2Protocol", Http2),
    (hypercorn.protocol.h11, "HTTPStream", RequestStream),
    (hypercorn.protocol.h2, "HTTPStream", RequestStream),
    (hypercorn.protocol.h2, "StreamBuffer", StreamBuffer),
)
"""The names under which Hypercorn's modules find the parts of a connection."""


def mend_hypercorn() -> None:
    """Have Hypercorn make connections, and what they are made of, of our kinds; it has no setting for it."""
    for module, name, mended in _LOOKED_UP:
        setattr(module, name, mended)
