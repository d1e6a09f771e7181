"""Hypercorn's HTTP/1.1, which leaves `100 Continue` to the request, and sends a head with what follows it."""

from __future__ import annotations

from typing import Any

import h11
from hypercorn.events import RawData
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import H11SendableEvent


class _SilentConnection(h11.Connection):
    """Never says that the client waits: Hypercorn would answer at once, before anybody wants the body."""

    @property
    def they_are_waiting_for_100_continue(self) -> bool:
        return False


class Http1(H11Protocol):
    """One connection. `RequestStream` sends the 100.

    The head of an answer waits for the first piece of its body, as ASGI has it: a small answer is one write, where
    each write costs what a row of the catalog does. The end of a body whose length was announced is no write at all.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.connection = _SilentConnection(h11.SERVER, max_incomplete_event_size=self.config.h11_max_incomplete_size)
        self._head = b""

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        try:
            data = self._head + (self.connection.send(event) or b"")
        except h11.LocalProtocolError:
            if self.connection.their_state is not h11.ERROR:
                raise
            return
        is_head = isinstance(event, h11.Response)
        self._head = data if is_head else b""
        if data and not is_head:
            await self.send(RawData(data=data))
