"""What a server's processes hold in memory, watched from outside while something is done. Format: proc(5)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.server import RunningServer

MIB = 1 << 20
_SAMPLE_S = 0.003
_COUNTED = ("RssAnon", "RssShmem")


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """peak_bytes: all processes together, beyond what they held before. rest_bytes: the fullest worker after it."""

    peak_bytes: int
    rest_bytes: int

    @property
    def peak_mib(self) -> float:
        """The peak in MiB."""
        return self.peak_bytes / MIB

    @property
    def rest_mib(self) -> float:
        """The fullest worker in MiB."""
        return self.rest_bytes / MIB


def watch(server: RunningServer, work: Callable[[], Any]) -> MemoryUse:
    """Do the work, and tell what it cost the server: anonymous memory, and shared memory, files on a tmpfs included."""
    workers = server.worker_pids()
    everyone = [server.pid, *workers]
    before = peak = _held_bytes(everyone)
    done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(_SAMPLE_S):
            peak = max(peak, _held_bytes(everyone))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        work()
    finally:
        done.set()
        sampler.join()
    return MemoryUse(peak - before, max(_held_bytes([worker]) for worker in workers))


def _held_bytes(pids: Iterable[int]) -> int:
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()]
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_COUNTED))
