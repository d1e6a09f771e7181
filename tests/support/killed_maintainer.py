"""A process that maintains and sends itself a signal: `killed_maintainer DATA_DIR REPOSITORY STEP SIGNAL`.

It does so when it begins its step of that number; if there are not so many, it ends in order.
"""

import os
import sys
from itertools import count
from pathlib import Path

from core_ext import Cancel
from packengine.maintenance import Maintainer, MaintenanceLease
from packengine.repository import Engine, Limits

LIMITS = Limits(min_bitmap_objects=1, tail_pack_bytes=400)


def main(data_dir: Path, repository_id: str, step: int, signum: int) -> None:
    """Maintain one repository."""
    begun = count()

    def progress(_phase: str, done: int, _total: int | None) -> None:
        if done == 0 and next(begun) == step:
            os.kill(os.getpid(), signum)

    engine = Engine.open(data_dir, limits=LIMITS)
    cancel = Cancel()
    with MaintenanceLease(engine.catalog).hold(cancel):
        Maintainer(engine.parts).maintain(repository_id, progress=progress, cancel=cancel)
    engine.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
