"""What waits to be sent on one stream of HTTP/2, mended: it holds back who fills it, and does not wait for ever.

In Hypercorn 0.18 a client that grants nothing lets the whole answer pile up here: to take nothing out, for want of a
window, counts as having made room.
"""

from __future__ import annotations

import trio
from hypercorn.protocol.h2 import BUFFER_HIGH_WATER, BUFFER_LOW_WATER, BufferCompleteError
from hypercorn.protocol.h2 import StreamBuffer as HypercornStreamBuffer
from hypercorn.typing import Event

STALL_S = 75.0
"""After so long without progress the rest will not be taken any more. As for an idle connection."""


class StreamBuffer(HypercornStreamBuffer):
    """Bounded, whatever the client grants."""

    @property
    def is_undelivered(self) -> bool:
        """Whether there is something left."""
        return len(self.buffer) > 0

    async def push(self, data: bytes) -> None:
        """Append, and wait until there is room for more. Raises BufferCompleteError if there never will be."""
        if self._complete:
            raise BufferCompleteError
        self.buffer.extend(data)
        await self._is_empty.clear()
        if len(self.buffer) >= BUFFER_HIGH_WATER:
            await self._paused.clear()
            await self._wait(self._paused)

    async def drain(self) -> None:
        """Wait until everything is taken. Raises BufferCompleteError if it never will be."""
        await self._wait(self._is_empty)

    async def pop(self, max_length: int) -> bytes:
        """Take from the front."""
        data = bytes(self.buffer[:max_length])
        del self.buffer[:max_length]
        if len(self.buffer) < BUFFER_LOW_WATER:
            await self._paused.set()
        if not self.buffer:
            await self._is_empty.set()
        return data

    async def _wait(self, event: Event) -> None:
        """For an event, as long as something moves."""
        left_bytes = -1
        while len(self.buffer) != left_bytes:
            left_bytes = len(self.buffer)
            with trio.move_on_after(STALL_S):
                await event.wait()
                return
        self._complete = True
        raise BufferCompleteError
