"""A process of threads that ask for the secret at once, and print what each heard: `secret_askers CATALOG THREADS`."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from packengine.storage import SqliteCatalog


def main(path: Path, threads: int) -> None:
    """Run the threads; any error is the process's."""
    start = threading.Barrier(threads)
    with closing(SqliteCatalog(path, wait_s=60)) as catalog, ThreadPoolExecutor(threads) as pool:

        def ask(_: int) -> str:
            start.wait()
            return catalog.secret().hex()

        for heard in pool.map(ask, range(threads)):
            print(heard)  # noqa: T201  # the parent reads it


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
