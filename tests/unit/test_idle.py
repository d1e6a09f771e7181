"""Ending idle connections: after the time, at the end of the process, and never one that works."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.worker_context import EventWrapper
from trio.testing import MockClock

from server.http.http2.idle import IdleWatch

TIMEOUT_S = 75.0


class Scene:
    """A watch, and when it closed its connection."""

    def __init__(self, task_group: TaskGroup) -> None:
        self.closed_at_s: list[float] = []
        self.terminated = EventWrapper()
        self.watch = IdleWatch(TIMEOUT_S, self.terminated, self._close)
        self._task_group = task_group
        self._began_s = trio.current_time()

    async def idle(self) -> None:
        await self.watch.restart(self._task_group, self._close)

    async def _close(self) -> None:
        self.closed_at_s.append(trio.current_time() - self._began_s)


@asynccontextmanager
async def a_connection() -> AsyncIterator[Scene]:
    async with TaskGroup() as task_group:
        scene = Scene(task_group)
        await scene.idle()
        yield scene
        scene.watch.end()


async def test_an_idle_connection_is_closed_after_the_time(autojump_clock: MockClock) -> None:
    async with a_connection() as scene:
        await trio.sleep(10 * TIMEOUT_S)
    assert scene.closed_at_s == [TIMEOUT_S]


async def test_one_that_works_is_not(autojump_clock: MockClock) -> None:
    async with a_connection() as scene:
        await trio.sleep(TIMEOUT_S - 1)
        await scene.watch.stop()
        await trio.sleep(10 * TIMEOUT_S)
        await scene.idle()
        await trio.sleep(TIMEOUT_S - 1)
        assert scene.closed_at_s == []
        await trio.sleep(2)
    assert scene.closed_at_s == [12 * TIMEOUT_S - 1]


@pytest.mark.parametrize("answer_s", [0, 1])
async def test_a_request_at_the_last_moment_leaves_the_next_idle_time_watched(
    answer_s: int, autojump_clock: MockClock
) -> None:
    for _ in range(20):  # Trio wakes those whose time has come in either order, by lot
        async with a_connection() as scene:
            await trio.sleep(TIMEOUT_S)
            is_too_late = scene.closed_at_s != []
            await scene.watch.stop()
            if answer_s:
                await trio.sleep(answer_s)
            await scene.idle()
            await trio.sleep(10 * TIMEOUT_S)
        assert scene.closed_at_s == [TIMEOUT_S if is_too_late else 2 * TIMEOUT_S + answer_s]


async def test_at_the_end_of_the_process_idle_ones_are_closed_and_others_are_not(autojump_clock: MockClock) -> None:
    async with a_connection() as idle, a_connection() as busy:
        await busy.watch.stop()
        for scene in (idle, busy):
            await scene.terminated.set()
        await trio.sleep(10 * TIMEOUT_S)
    assert (idle.closed_at_s, busy.closed_at_s) == ([0], [])


async def test_what_works_at_the_end_of_the_process_is_closed_when_it_falls_idle(autojump_clock: MockClock) -> None:
    async with a_connection() as scene:
        await scene.watch.stop()
        await scene.terminated.set()
        await trio.sleep(TIMEOUT_S)
        await scene.idle()
        await trio.sleep(10 * TIMEOUT_S)
    assert scene.closed_at_s == [TIMEOUT_S]


async def test_nothing_is_left_of_the_watch_of_a_connection_that_ended(autojump_clock: MockClock) -> None:
    with trio.fail_after(1):
        async with a_connection() as scene:
            pass
    assert scene.closed_at_s == []
