"""Silence kills connections (proxies take it for death): something is said at least this often."""

from __future__ import annotations

import trio

SILENCE_S = 5.0
"""As in Git's own server."""


async def is_set_within(event: trio.Event, seconds: float) -> bool:
    """Wait for an event, but not longer than that. Returns whether it is set."""
    with trio.move_on_after(seconds):
        await event.wait()
    return event.is_set()
