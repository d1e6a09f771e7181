"""Telling how far native work has come while it runs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TypeVar

from core_ext import Cancel, Cancelled, WorkCount
from packengine.repository import Progress

T = TypeVar("T")

_LOOK_EVERY_S = 0.1


def counted(phase: str, progress: Progress, cancel: Cancel, call: Callable[[WorkCount], T]) -> T:
    """Run `call` in a thread of its own, and tell from this one what it counts.

    The thread has the priority of the one that asks. Whatever ends the telling ends the work. Raises Cancelled.
    """
    work = WorkCount()
    progress(phase, 0, None)
    if cancel.is_set():
        raise Cancelled(f"stopped before: {phase}")
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(copy_context().run, call, work)
        try:
            while not wait([result], _LOOK_EVERY_S).done:
                progress(phase, work.done, work.total or None)
        except BaseException:
            cancel.set()
            raise
    value = result.result()
    progress(phase, work.done, work.total or None)
    return value
