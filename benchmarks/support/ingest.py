"""Ingest of a pack file as the server does it, and, run as a program, its peak of anonymous memory.

python -m benchmarks.support.ingest PACK SCRATCH     prints the bytes beyond an idle process
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from core_ext import IngestedPack
from packengine.repository import Limits
from packengine.repository.packs import open_ingest

_CHUNK_BYTES = 256 * 1024
_SAMPLE_S = 0.002


def ingest_file(pack: Path, scratch: Path) -> IngestedPack:
    """Feed the file in chunks, finish, sync. The result's files go with it."""
    scratch.mkdir(exist_ok=True)
    ingest = open_ingest(scratch, "sha1", Limits())
    with pack.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            ingest.feed(chunk)
    ingested = ingest.finish(None)
    ingested.sync()
    return ingested


def _anonymous_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon", "RssShmem")))


def main() -> None:
    """Measure one ingest."""
    idle = peak = _anonymous_bytes()
    done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(_SAMPLE_S):
            peak = max(peak, _anonymous_bytes())

    sampler = threading.Thread(target=sample)
    sampler.start()
    ingest_file(Path(sys.argv[1]), Path(sys.argv[2]))
    done.set()
    sampler.join()
    print(peak - idle)  # noqa: T201  # the result


if __name__ == "__main__":
    main()
