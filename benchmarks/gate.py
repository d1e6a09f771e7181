"""The gate: every ratio against its bar.

A ratio is the median over rounds of ours/rival, each round's two runs side by side. A benchmark without a bar, and a
bar without a benchmark, fail as well: neither may be lost in silence.
"""

from __future__ import annotations

import json
import statistics
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BARS = Path(__file__).with_name("bars.toml")


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark's figures, in seconds, and its bar."""

    name: str
    ours_s: float
    rival_s: float
    ratios: tuple[float, ...]
    bar: float | None

    @property
    def ratio(self) -> float:
        """The median ratio, ours over the rival's."""
        return statistics.median(self.ratios)

    @property
    def passes(self) -> bool:
        """Whether there is a bar and the ratio is not beyond it."""
        return self.bar is not None and self.ratio <= self.bar


def read_results(report: Mapping[str, Any], bars: Mapping[str, float]) -> list[Result]:
    """The results of a pytest-benchmark report, in its order."""
    return [_result(case, bars) for case in report["benchmarks"]]


def _result(case: Mapping[str, Any], bars: Mapping[str, float]) -> Result:
    ours, rival = case["extra_info"]["ours_s"], case["extra_info"]["rival_s"]
    name = case["name"].removeprefix("test_")
    ratios = tuple(mine / theirs for mine, theirs in zip(ours, rival, strict=True))
    return Result(name, statistics.median(ours), statistics.median(rival), ratios, bars.get(name))


def table(results: Iterable[Result]) -> str:
    """A Markdown table of the figures."""
    lines = [
        "| work | ours, ms | rival, ms | ratio | least to most | bar |",
        "|---|---:|---:|---:|---|---:|",
    ]
    for result in results:
        bar = f"{result.bar:.2f}" if result.bar is not None else "none"
        verdict = "" if result.passes else " **missed**"
        lines.append(
            f"| {result.name} | {result.ours_s * 1e3:.2f} | {result.rival_s * 1e3:.2f} | {result.ratio:.3f}{verdict} "
            f"| {min(result.ratios):.3f} to {max(result.ratios):.3f} | {bar} |"
        )
    return "\n".join(lines)


def problems(results: Iterable[Result], bars: Mapping[str, float]) -> list[str]:
    """What fails the gate, one sentence each."""
    seen = {result.name: result for result in results}
    found = [f"{name}: has a bar, and no benchmark ran" for name in bars if name not in seen]
    for result in seen.values():
        if result.bar is None:
            found.append(f"{result.name}: has no bar in {BARS.name}")
        elif not result.passes:
            found.append(f"{result.name}: ratio {result.ratio:.3f} is beyond its bar of {result.bar:.3f}")
    return found


def load_bars(path: Path = BARS) -> dict[str, float]:
    """The bars by benchmark name."""
    return {name: float(bar) for name, bar in tomllib.loads(path.read_text())["bars"].items()}


def load_report(path: Path) -> Mapping[str, Any]:
    """A report that pytest-benchmark wrote."""
    report: Mapping[str, Any] = json.loads(path.read_text())
    return report
