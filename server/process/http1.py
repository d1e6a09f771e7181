"""Hypercorn's HTTP/1.1, which leaves `100 Continue` to the request, and sends a head with what follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import h11
from hypercorn.events import Event
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.typing import H11SendableEvent

from server.process.request_stream import RequestStream


@dataclass(frozen=True, slots=True)
class RawPieces(Event):
    """What is to be sent, one piece after the other: a large one is not copied to stand beside its chunk's length."""

    pieces: list[bytes]


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
        self._held: list[bytes] = []

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        try:
            pieces = self._held + self._encoded(event)
        except h11.LocalProtocolError:
            if self.connection.their_state is not h11.ERROR:
                raise
            return
        waits = self._is_followed(event)
        self._held = pieces if waits else []
        if pieces and not waits:
            await self.send(RawPieces(pieces))

    def _encoded(self, event: H11SendableEvent) -> list[bytes]:
        if isinstance(self.connection, h11.Connection):
            return self.connection.send_with_data_passthrough(event) or []
        return [self.connection.send(event) or b""]  # what asked to be a WebSocket, and is refused

    def _is_followed(self, event: H11SendableEvent) -> bool:
        """Whether another part of the answer comes at once, or at least before the client can do anything with this."""
        if isinstance(event, h11.Data):
            return isinstance(self.stream, RequestStream) and self.stream.sends_last
        return isinstance(event, h11.Response)
