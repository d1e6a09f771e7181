"""A builder of an entry that is killed in the middle: python -m tests.support.killed_builder FOLDER."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from packengine.repository.answers import AnswerStore
from tests.support.answers import PIECES, claimed


def main() -> None:
    """Write the first piece of an entry, and die."""
    part = claimed(AnswerStore(Path(sys.argv[1]), 1 << 30))
    part.begin(7)
    part.append(PIECES[0])
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
