"""Hypercorn's HTTP/1.1, which leaves `100 Continue` to the request."""

from __future__ import annotations

from typing import Any

import h11
from hypercorn.protocol.h11 import H11Protocol


class _SilentConnection(h11.Connection):
    """Never says that the client waits: Hypercorn would answer at once, before anybody wants the body."""

    @property
    def they_are_waiting_for_100_continue(self) -> bool:
        return False


class Http1(H11Protocol):
    """One connection. `RequestStream` sends the 100."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.connection = _SilentConnection(h11.SERVER, max_incomplete_event_size=self.config.h11_max_incomplete_size)
