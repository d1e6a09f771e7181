"""Progress on stderr: a bar on a terminal, a line a phase elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from packengine.repository import Progress as ProgressCallback


@contextmanager
def progress_reporter(*, quiet: bool) -> Iterator[ProgressCallback]:
    """A callback (phase, done, total or None) that shows how far the work is. quiet: show nothing."""
    if quiet:
        yield lambda _phase, _done, _total: None
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield Bars(bars).report
    else:
        lines = Lines()
        yield lines.report
        lines.finish()


class Lines:
    """Prints what each phase came to, when it is over."""

    def __init__(self) -> None:
        self._phase: str | None = None
        self._done = 0

    def report(self, phase: str, done: int, _total: int | None) -> None:
        """See progress_reporter."""
        if phase != self._phase:
            self.finish()
        self._phase, self._done = phase, done

    def finish(self) -> None:
        """The last phase is over."""
        if self._phase is not None:
            click.echo(f"{self._phase}: {self._done}", err=True)
            self._phase = None


class Bars:
    """A bar for each phase, in the order in which they come."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def report(self, phase: str, done: int, total: int | None) -> None:
        """See progress_reporter."""
        if phase not in self._tasks:
            self._tasks[phase] = self._bars.add_task(phase, total=total)
        self._bars.update(self._tasks[phase], completed=done, total=total)


def _bars() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))
