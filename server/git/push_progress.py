"""What a pushing client hears between its pack's last byte and the report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from packengine.protocol import KEEP_ALIVE, PushCapabilities, push_progress
from packengine.repository import DeltaCount
from server.git.silence import SILENCE_S

TICK_S = 1.0
_SILENT_TICKS = round(SILENCE_S / TICK_S)
"""So many, and a keep-alive is due."""


class PushProgress:
    """What is told while a thread decides, after the pack has arrived: before that most clients do not listen."""

    def __init__(
        self, write: Callable[[bytes], Awaitable[None]], capabilities: PushCapabilities, count: Callable[[], DeltaCount]
    ) -> None:
        self._write = write
        self._capabilities = capabilities
        self._count = count
        self._told = DeltaCount()
        self._silent_ticks = 0

    async def tell(self) -> None:
        """To be called each TICK_S: a line when deltas have been resolved; a keep-alive after seconds of silence."""
        if not self._capabilities.side_band_64k:
            return
        now = self._count()
        line = push_progress(_words(now), self._capabilities) if now.total and now != self._told else b""
        self._silent_ticks += 1
        if line or self._silent_ticks == _SILENT_TICKS:
            await self._write(line or KEEP_ALIVE)
            self._told, self._silent_ticks = now, 0


def last_words(count: DeltaCount, capabilities: PushCapabilities) -> bytes:
    """The line that stays, in Git's words; nothing if there was no delta, or nobody wants to know."""
    if not count.total:
        return b""
    local = f"completed with {count.thin_bases} local object{'s' if count.thin_bases > 1 else ''}"
    return push_progress(f"{_words(count)}, {local if count.thin_bases else 'done'}.", capabilities, last=True)


def _words(count: DeltaCount) -> str:
    return f"Resolving deltas: {100 * count.resolved // max(count.total, 1):3d}% ({count.resolved}/{count.total})"
