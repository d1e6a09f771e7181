"""Hypercorn's HTTP/1.1, which leaves `100 Continue` to the request, and sends a head with what follows it."""

from __future__ import annotations

from typing import Any

import h11
from hypercorn.events import RawData
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import H11SendableEvent

from server.process.request_stream import RequestStream


class _SilentConnection(h11.Connection):
    """Never says that the client waits: Hypercorn would answer at once, before anybody wants the body."""

    @property
    def they_are_waiting_for_100_continue(self) -> bool:
        return False


class Http1(H11Protocol):
    """One connection. `RequestStream` sends the 100.

    The head of an answer waits for the first piece of its body, as ASGI has it, and the last piece for the end: a small
    answer is one write, each of which costs as much as a read of the catalog.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.connection = _SilentConnection(h11.SERVER, max_incomplete_event_size=self.config.h11_max_incomplete_size)
        self._held = b""

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        try:
            data = self._held + (self.connection.send(event) or b"")
        except h11.LocalProtocolError:
            if self.connection.their_state is not h11.ERROR:
                raise
            return
        waits = self._is_followed(event)
        self._held = data if waits else b""
        if data and not waits:
            await self.send(RawData(data=data))

    def _is_followed(self, event: H11SendableEvent) -> bool:
        """Whether another part of the answer comes at once, or at least before the client can do anything with this."""
        if isinstance(event, h11.Data):
            return isinstance(self.stream, RequestStream) and self.stream.sends_last
        return isinstance(event, h11.Response)
