"""Hypercorn's connection, mended: it lets go of its socket when its client has, and whatever goes wrong stays in it.

Hypercorn 0.18 keeps a connection that the client closed, and its file descriptor, until the keep-alive timeout: nothing
ends the task that watches for idleness, and a request that ends after the client left even starts it anew. And an error
that none of its parts expected, as some malformed HTTP/2 brings about, ends the process with all of its connections.
"""

from __future__ import annotations

import logging
from typing import Any

import trio
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.trio.tcp_server import TCPServer

from server.http.http2.idle import IdleWatch

_GONE = (trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError)
"""Busy with its end: who closes the connection is the only one to send without the lock."""

_log = logging.getLogger(__name__)


class PromptConnection(TCPServer):
    """Watches for idleness only as long as the client can still send something."""

    _has_client = True

    def __init__(self, *args: Any, received: bytes) -> None:
        """received: what was read of the connection already."""
        super().__init__(*args)
        self._received = received
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
            if self._received:
                await self.protocol.handle(RawData(self._received))
            await super()._read_data()
        finally:
            self._has_client = False
            self._idle.end()

    async def protocol_send(self, event: Event) -> None:
        """See TCPServer."""
        if isinstance(event, RawData):
            await self._send(event.data)
        elif self._has_client or not isinstance(event, Updated):
            await super().protocol_send(event)

    async def _send(self, data: bytes) -> None:
        """As TCPServer does, less the turn of the event loop that a free lock costs."""
        await trio.lowlevel.checkpoint_if_cancelled()  # what is cut off at the end of the process sends nothing more
        try:
            self.send_lock.acquire_nowait()
        except trio.WouldBlock:
            await self.send_lock.acquire()
        try:
            with trio.CancelScope(shield=True):
                await self.stream.send_all(data)
        except _GONE:
            await self.protocol.handle(Closed())
        finally:
            self.send_lock.release()
