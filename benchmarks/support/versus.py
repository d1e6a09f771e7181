"""Timing ours against a rival in one run: the two take turns, so that a machine whose speed drifts drifts for both."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

Work = Callable[[], Any]


class Versus:
    """Runs a pair of works and leaves both series of seconds in the benchmark's `extra_info`, for the gate to judge."""

    def __init__(self, benchmark: BenchmarkFixture) -> None:
        self._benchmark = benchmark

    def __call__(self, ours: Work, rival: Work, *, rounds: int = 7, **facts: object) -> None:
        """Time `ours` and `rival` in turn, `rounds` times each after one warm-up each.

        facts: what else the table should show, such as sizes; plain numbers and strings.
        """
        rival_s: list[float] = []

        def time_rival() -> None:
            start = time.perf_counter()
            rival()
            rival_s.append(time.perf_counter() - start)

        ours()
        rival()
        self._benchmark.pedantic(ours, setup=time_rival, rounds=rounds)
        if self._benchmark.stats is None:
            raise RuntimeError("benchmarks are disabled (--benchmark-disable): there is nothing to compare")
        ours_s = [float(seconds) for seconds in self._benchmark.stats.stats.data]
        self._benchmark.extra_info.update(ours_s=ours_s, rival_s=rival_s, **facts)
