"""The gate: every figure against its bar.

A benchmark without a bar, and a bar without a benchmark, fail as well: neither may be lost in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from benchmarks.bars import PATH, Bar
from benchmarks.results import Result


def problems(results: Iterable[Result], bars: Mapping[str, Bar]) -> list[str]:
    """What fails the gate, one sentence each."""
    seen = {result.name: result for result in results}
    found = [f"{name}: has a bar, and no benchmark ran" for name in bars if name not in seen]
    for result in seen.values():
        if result.bar is None:
            found.append(f"{result.name}: has no bar in {PATH.name}")
        elif not result.passes:
            found.append(f"{result.name}: {result.said} is beyond its bar of {result.bar}")
    return found
