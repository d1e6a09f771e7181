"""A process that publishes until it kills itself: `killed_publisher CATALOG STEP`.

It dies by SIGKILL just before the SQL statement of that number, counted from its first publish. Each version that it
was told is committed goes to its standard output, one a line.
"""

import os
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path

from packengine.storage import SqliteCatalog
from packengine.storage.ports import Committed, RowKind
from tests.support.catalogs import publish, row


def kill_before(connection: sqlite3.Connection, step: int) -> None:
    """Die before statement number `step` from now."""
    steps = count()

    def trace(_: str) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    connection.set_trace_callback(trace)


def main(path: Path, step: int) -> None:
    """Publish again and again to `demo`, with a pack larger than a page each time."""
    catalog = SqliteCatalog(path)
    # The statements that end this very job's transaction are counted as well.
    catalog._writer.run(lambda connection: kill_before(connection, step))
    for number in count():
        pack = row(RowKind.PACK, b"%d " % number * 5000)
        verdict = publish(catalog, "demo", catalog.pointer("demo"), f"state {number}", [pack])
        assert isinstance(verdict, Committed)
        print(verdict.pointer.version, flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
