"""Hypercorn's connection, mended: it lets go of its socket when its client has.

Hypercorn 0.18 keeps a connection that the client closed, and its file descriptor, until the keep-alive timeout: nothing
ends the task that watches for idleness, and a request that ends after the client left even starts it anew.
"""

from __future__ import annotations

import hypercorn.trio.run
from hypercorn.events import Event, Updated
from hypercorn.trio.tcp_server import TCPServer


class PromptConnection(TCPServer):
    """Watches for idleness only as long as the client can still send something."""

    _has_client = True

    async def _read_data(self) -> None:
        await super()._read_data()
        self._has_client = False
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        """See TCPServer."""
        if self._has_client or not isinstance(event, Updated):
            await super().protocol_send(event)


def mend_hypercorn() -> None:
    """Have Hypercorn make connections of this kind; it has no setting for it."""
    hypercorn.trio.run.TCPServer = PromptConnection  # type: ignore[attr-defined]  # imported there, not exported
