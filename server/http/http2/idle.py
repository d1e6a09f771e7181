"""Ending connections on which nothing happens.

Hypercorn 0.18 starts a task whenever a connection falls idle and cancels it with the next request: a nursery's `start`,
two locks and four turns of the event loop, a fifth of what a small request costs. Here one task lives, as a rule, as
long as the connection, and falling idle is a deadline.
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
        self._scope: trio.CancelScope | None = None
        self._is_idle = False
        self._is_over = False

    async def restart(self, task_group: TaskGroup, _action: Callable[..., Awaitable[None]]) -> None:
        """The connection is idle from now on."""
        if self._is_over:
            return
        self._is_idle = True
        # A task whose deadline passes in this very turn has still to wake up: it no longer counts.
        if self._scope is None or self._scope.cancel_called:
            self._scope = trio.CancelScope()
            task_group.spawn(self._run, self._scope)
        self._scope.deadline = trio.current_time() + self._timeout_s

    async def stop(self) -> None:
        """It is not any more."""
        self._is_idle = False
        if self._scope is not None:
            self._scope.deadline = inf

    def end(self) -> None:
        """There is no connection any more."""
        self._is_idle, self._is_over = False, True
        if self._scope is not None:
            self._scope.cancel()

    async def _run(self, scope: trio.CancelScope) -> None:
        with scope:
            await self._terminated.wait()
        if scope is not self._scope:
            return
        self._scope = None  # if a request came at the last moment, the next idle time has a task of its own
        if self._is_idle:
            self._is_over = True
            with trio.CancelScope(shield=True):
                await self._close()
