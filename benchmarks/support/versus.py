"""Timing ours against rivals in one run: they take turns, so that a machine whose speed drifts drifts for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

Work = Callable[[], Any]


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Step:
    """What is timed in each round.

    prepare: done before, without being timed. units: of how many equal pieces the work consists; the time is for one.
    """

    work: Work
    prepare: Work = _nothing
    units: int = 1

    def seconds(self) -> float:
        """Do it once. Returns the seconds for a unit."""
        self.prepare()
        start = time.perf_counter()
        self.work()
        return (time.perf_counter() - start) / self.units


class Versus:
    """Leaves all series of seconds in the benchmark's `extra_info`, for the gate to judge."""

    def __init__(self, benchmark: BenchmarkFixture) -> None:
        self._benchmark = benchmark

    def __call__(self, ours: Work | Step, rivals: Mapping[str, Work | Step], *, rounds: int = 7) -> None:
        """Time `ours` and each of `rivals` in turn, `rounds` times each after one warm-up each."""
        our_step, steps = _step(ours), {name: _step(rival) for name, rival in rivals.items()}
        rivals_s: dict[str, list[float]] = {name: [] for name in steps}

        def turn() -> None:
            for name, step in steps.items():
                rivals_s[name].append(step.seconds())
            our_step.prepare()

        for step in (our_step, *steps.values()):
            step.seconds()
        self._benchmark.pedantic(our_step.work, setup=turn, rounds=rounds)
        if self._benchmark.stats is None:
            raise RuntimeError("benchmarks are disabled (--benchmark-disable): there is nothing to compare")
        ours_s = [float(seconds) / our_step.units for seconds in self._benchmark.stats.stats.data]
        self._benchmark.extra_info.update(ours_s=ours_s, rivals=rivals_s)


class Quantities:
    """Leaves what was measured in the benchmark's `extra_info`, for the gate to judge."""

    def __init__(self, benchmark: BenchmarkFixture) -> None:
        self._benchmark = benchmark
        self._benchmark.pedantic(_nothing)  # without a timing a benchmark is in no report

    def __call__(self, what: str, unit: str, values: Sequence[float]) -> None:
        """Note a quantity under a name of its own."""
        self._benchmark.extra_info.setdefault("quantities", {})[what] = (unit, list(values))


def _step(work: Work | Step) -> Step:
    return work if isinstance(work, Step) else Step(work)
