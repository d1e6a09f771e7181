"""What a run measured: times beside a rival's, and quantities such as bytes of memory."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.bars import Bar


@dataclass(frozen=True, slots=True)
class Comparison:
    """One benchmark's times in seconds, ours and a rival's, round by round.

    The figure that its bar is for is the median, over rounds, of ours/rival.
    """

    name: str
    rival: str
    ours_s: float
    rival_s: float
    ratios: tuple[float, ...]
    bar: Bar | None

    @property
    def figure(self) -> float:
        """The median ratio."""
        return statistics.median(self.ratios)

    @property
    def passes(self) -> bool:
        """Whether there is a bar and the figure is not beyond it."""
        return self.bar is not None and self.bar.holds(self.figure)

    @property
    def said(self) -> str:
        """The figure in words."""
        return f"ratio {self.figure:.3f}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something measured that has a unit and no rival; the figure is the median of what was measured."""

    name: str
    unit: str
    values: tuple[float, ...]
    bar: Bar | None

    @property
    def figure(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def passes(self) -> bool:
        """Whether there is a bar and the figure is not beyond it."""
        return self.bar is not None and self.bar.holds(self.figure)

    @property
    def said(self) -> str:
        """The figure in words."""
        return f"{self.figure:.4g} {self.unit}"


Result = Comparison | Quantity


def read_results(report: Mapping[str, Any], bars: Mapping[str, Bar]) -> list[Result]:
    """The results of a pytest-benchmark report, in its order."""
    return [result for case in report["benchmarks"] for result in _results_of(case, bars)]


def _results_of(case: Mapping[str, Any], bars: Mapping[str, Bar]) -> Iterator[Result]:
    """A benchmark with several rivals, or quantities, gives a row for each: its name, a slash, which of them."""
    name, extra = case["name"].removeprefix("test_"), case["extra_info"]
    rivals = extra.get("rivals", {})
    for rival, rival_s in rivals.items():
        row = name if len(rivals) == 1 else f"{name}/{rival}"
        yield _comparison(row, rival, extra["ours_s"], rival_s, bars.get(row))
    for what, (unit, values) in extra.get("quantities", {}).items():
        yield Quantity(f"{name}/{what}", unit, tuple(values), bars.get(f"{name}/{what}"))


def _comparison(
    name: str, rival: str, ours_s: Iterable[float], rival_s: Iterable[float], bar: Bar | None
) -> Comparison:
    ours, theirs = list(ours_s), list(rival_s)
    ratios = tuple(mine / other for mine, other in zip(ours, theirs, strict=True))
    return Comparison(name, rival, statistics.median(ours), statistics.median(theirs), ratios, bar)


def load_report(path: Path) -> Mapping[str, Any]:
    """A report that pytest-benchmark wrote."""
    report: Mapping[str, Any] = json.loads(path.read_text())
    return report
