"""Ending connections on which nothing happens.

Hypercorn 0.18 starts a task whenever a connection falls idle and cancels it with the next request: a nursery's `start`,
two locks and four turns of the event loop, a fifth of what a small request costs. Here one task lives as long as the
connection, and falling idle is a deadline.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import inf

import trio
from hypercorn.typing import Event, TaskGroup


class IdleWatch:
    """Stands for Hypercorn's SingleTask. `close` is called once, if the connection is idle for too long or at the end.

    terminated: set when the process is to end; connections that are idle then are closed at once.
    """

    def __init__(self, timeout_s: float, terminated: Event, close: Callable[[], Awaitable[None]]) -> None:
        self._timeout_s = timeout_s
        self._terminated = terminated
        self._close = close
        self._scope = trio.CancelScope()
        self._is_idle = False
        self._has_task = False

    async def restart(self, task_group: TaskGroup, _action: Callable[..., Awaitable[None]]) -> None:
        """The connection is idle from now on."""
        self._is_idle = True
        self._scope.deadline = trio.current_time() + self._timeout_s
        if not self._has_task:
            self._has_task = True
            task_group.spawn(self._run)

    async def stop(self) -> None:
        """It is not any more."""
        self._is_idle = False
        self._scope.deadline = inf

    def end(self) -> None:
        """There is no connection any more."""
        self._is_idle = False
        self._scope.cancel()

    async def _run(self) -> None:
        with self._scope:
            await self._terminated.wait()
        if self._is_idle:
            with trio.CancelScope(shield=True):
                await self._close()
