"""Long work that Ctrl-C, or SIGTERM, stops in an orderly way."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import click

from core_ext import Cancel, Cancelled

T = TypeVar("T")

INTERRUPTED = 130
"""As a shell calls it: 128, and the number of SIGINT."""


def interruptible(work: Callable[[Cancel], T]) -> T:
    """Run in a thread that is told to stop, and waited for, when a signal comes. The command then ends with 130.

    A thread, since a signal is heard between two lines of Python in the main thread only, and native work has none.
    """
    cancel = Cancel()
    with _set_by_signals(cancel), ThreadPoolExecutor(1) as pool:
        try:
            return pool.submit(work, cancel).result()
        except Cancelled as error:
            raise click.exceptions.Exit(INTERRUPTED) from error


@contextmanager
def _set_by_signals(cancel: Cancel) -> Iterator[None]:
    """Not by an exception: that could come at a point where nobody would wait for the thread."""

    def stop(_signum: int, _frame: object) -> None:
        click.echo("stopping; what is finished stays", err=True)
        cancel.set()

    before = {signum: signal.signal(signum, stop) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
