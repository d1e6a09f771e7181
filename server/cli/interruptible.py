"""Long work that Ctrl-C stops in an orderly way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import click

from core_ext import Cancel

T = TypeVar("T")

INTERRUPTED = 130
"""As a shell calls it: 128, and the number of SIGINT."""


def interruptible(work: Callable[[Cancel], T]) -> T:
    """Run in a thread that is told to stop, and waited for, when Ctrl-C is pressed. The command then ends with 130.

    A thread, since a signal is heard between two lines of Python in the main thread only, and native work has none.
    """
    cancel = Cancel()
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(work, cancel)
        try:
            return result.result()
        except KeyboardInterrupt:
            cancel.set()
            click.echo("stopping; what is finished stays", err=True)
            result.exception()  # it ends soon; that it was cancelled is no news
            raise click.exceptions.Exit(INTERRUPTED) from None
