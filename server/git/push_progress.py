"""What a pushing client hears between its pack's last byte and the report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from packengine.protocol import KEEP_ALIVE, PushCapabilities, push_progress
from packengine.repository import DeltaCount
from server.git.silence import SILENCE_S, is_set_within

_TICK_S = 1.0
_SILENT_TICKS = round(SILENCE_S / _TICK_S)
"""So many, and a keep-alive is due."""


async def tell_progress(
    write: Callable[[bytes], Awaitable[None]],
    capabilities: PushCapabilities,
    count: Callable[[], DeltaCount],
    done: trio.Event,
) -> None:
    """Until `done`: a line when deltas have been resolved, at most each second; a keep-alive after seconds of silence.

    Only once the pack has arrived: before that most clients do not listen. What is being written when `done` is set is
    written to its end, for the report must not follow half a packet.
    """
    if not capabilities.side_band_64k:
        return
    told, silent_ticks = DeltaCount(), 0
    while not await is_set_within(done, _TICK_S):
        now = count()
        line = push_progress(_words(now), capabilities) if now.total and now != told else b""
        silent_ticks += 1
        if line or silent_ticks == _SILENT_TICKS:
            await write(line or KEEP_ALIVE)
            told, silent_ticks = now, 0


def last_words(count: DeltaCount, capabilities: PushCapabilities) -> bytes:
    """The line that stays, in Git's words; nothing if there was no delta, or nobody wants to know."""
    if not count.total:
        return b""
    local = f"completed with {count.thin_bases} local object{'s' if count.thin_bases > 1 else ''}"
    return push_progress(f"{_words(count)}, {local if count.thin_bases else 'done'}.", capabilities, last=True)


def _words(count: DeltaCount) -> str:
    return f"Resolving deltas: {100 * count.resolved // max(count.total, 1):3d}% ({count.resolved}/{count.total})"
