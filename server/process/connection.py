"""Hypercorn's connection, mended: it lets go of its socket when its client has, and whatever goes wrong stays in it.

Hypercorn 0.18 keeps a connection that the client closed, and its file descriptor, until the keep-alive timeout: nothing
ends the task that watches for idleness, and a request that ends after the client left even starts it anew. And an error
that none of its parts expected, as some malformed HTTP/2 brings about, ends the process with all of its connections.
"""

from __future__ import annotations

import logging
from types import ModuleType

import hypercorn.protocol
import hypercorn.protocol.h2
import hypercorn.protocol.h11
import hypercorn.trio.run
from hypercorn.events import Event, Updated
from hypercorn.trio.tcp_server import TCPServer

from server.process.http1 import Http1
from server.process.http2 import Http2
from server.process.request_stream import RequestStream
from server.process.stream_buffer import StreamBuffer

_log = logging.getLogger(__name__)


class PromptConnection(TCPServer):
    """Watches for idleness only as long as the client can still send something."""

    _has_client = True

    async def run(self) -> None:
        """See TCPServer."""
        try:
            await super().run()
        except* Exception:  # noqa: BLE001  # not silenced: it is logged, and the connection ends
            _log.exception("connection failed")

    async def _read_data(self) -> None:
        await super()._read_data()
        self._has_client = False
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        """See TCPServer."""
        if self._has_client or not isinstance(event, Updated):
            await super().protocol_send(event)


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
