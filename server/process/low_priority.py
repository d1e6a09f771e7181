"""Work that gives way to all other threads of the machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

import outcome

T = TypeVar("T")

_NICER_BY = 10


def at_low_priority(work: Callable[[], T]) -> T:
    """Run in a thread of low priority, and wait for it. The threads that it starts inherit the priority.

    The thread is a new one that ends with the work: without privileges a priority can be lowered and never raised
    again, so a thread that goes back to a pool would be slow for ever.
    """
    results: list[outcome.Outcome[T]] = []

    def lowered() -> T:
        thread_id = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread_id, os.getpriority(os.PRIO_PROCESS, thread_id) + _NICER_BY)
        return work()

    context = copy_context()
    thread = threading.Thread(target=lambda: results.append(outcome.capture(context.run, lowered)), name="maintenance")
    thread.start()
    thread.join()
    return results[0].unwrap()
