"""A process that has its turn to publish to a repository: `turn_holder CATALOG REPOSITORY`.

It says so with a line, and has it until its standard input ends.
"""

import sys
from contextlib import closing
from pathlib import Path

from packengine.storage.sqlite._publish_queue import PublishQueue


def main(path: Path, repository_id: str) -> None:
    """Take the turn and wait."""
    with closing(PublishQueue(path)) as queue, queue.turn(repository_id):
        print("in turn", flush=True)  # noqa: T201 - the parent reads it
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
