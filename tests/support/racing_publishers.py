"""A process of racing threads: `racing_publishers CATALOG NAME THREADS PUBLISHES`.

Each thread publishes to `shared` until it has won so many times, and as often to a repository of its own, where it must
win at once. A manifest is the hex digest of the one it was derived from, and who made it.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from packengine.storage import SqliteCatalog
from packengine.storage.ports import Committed, Pointer, Publish, RowKind
from tests.support.catalogs import create, row


def publish_on(catalog: SqliteCatalog, repository_id: str, current: Pointer, who: str) -> bool:
    """Whether it was the first to publish on this pointer."""
    manifest = row(RowKind.MANIFEST, f"{current.manifest.hex()} {who}".encode())
    verdict = catalog.publish(Publish(repository_id, current, manifest.digest, [manifest]))
    return isinstance(verdict, Committed)


def race(catalog: SqliteCatalog, who: str, publishes: int) -> None:
    """Win so many times in `shared`, and without a defeat in a repository of one's own."""
    create(catalog, who)
    for number in range(publishes):
        assert publish_on(catalog, who, catalog.pointer(who), f"{number}")
        while not publish_on(catalog, "shared", catalog.pointer("shared"), f"{who} {number}"):
            pass


def main(path: Path, name: str, threads: int, publishes: int) -> None:
    """Run the threads; any error is the process's."""
    with closing(SqliteCatalog(path, wait_s=60)) as catalog, ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda number: race(catalog, f"{name}-{number}", publishes), range(threads)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
