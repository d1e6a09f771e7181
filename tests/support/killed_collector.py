"""Processes that collect garbage until they are killed: `killed_collector DATA COPIES NOW_MS`.

For each step of a collection of the data folder DATA one process works on a copy of its own, in the folder COPIES, and
dies by SIGKILL just before that step: an SQL statement that writes, or a file that is moved or deleted. The last copy
is that of a collection that came to its end. By the clock of all of them it is NOW_MS.
"""

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from packengine.repository import Engine
from packengine.storage._disk import Disk
from tests.support.collections import COLLECTED, collect
from tests.support.moved_clock import MovedClock

_BOOKKEEPING = ("SAVEPOINT", "RELEASE", "SELECT", "PRAGMA")


class Countdown:
    """Kills the process before step number `step`."""

    def __init__(self, step: int) -> None:
        self._left = step

    def tick(self) -> None:
        """A step is about to be made."""
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1

    def trace(self, connection: sqlite3.Connection) -> None:
        """Count the statements of the connection that writes."""

        def statement(text: str) -> None:
            if not text.lstrip().startswith(_BOOKKEEPING):
                self.tick()

        connection.set_trace_callback(statement)

    def before(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """The same operation, counted."""

        def counted(*arguments: Any, **named: Any) -> Any:
            self.tick()
            return real(*arguments, **named)

        return counted


def collect_until(folder: Path, step: int, now_ms: int) -> None:
    """The life of one process."""
    patch = pytest.MonkeyPatch()
    MovedClock(patch).now_ms = now_ms
    engine = Engine.open(folder, limits=COLLECTED)
    countdown = Countdown(step)
    engine.catalog._writer.run(countdown.trace)  # type: ignore[attr-defined]
    for owner, name in ((Disk, "remove"), (Disk, "move_new"), (Path, "unlink"), (Path, "replace")):
        patch.setattr(owner, name, countdown.before(getattr(owner, name)))
    collect(engine)
    os._exit(0)


def main(data: Path, copies: Path, now_ms: int) -> None:
    """Fork for each step, until one process comes to the end."""
    for step in count():
        folder = copies / f"{step:03}"
        shutil.copytree(data, folder)
        child = os.fork()
        if child == 0:
            collect_until(folder, step, now_ms)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            sys.exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
