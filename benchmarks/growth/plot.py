"""The panels as one SVG, time above memory, both axes logarithmic. The same figures give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, StrMethodFormatter

from benchmarks.growth.series import Panel, exponent

_STYLE: Any = {  # whose keys are all settings there are
    "svg.hashsalt": "packhouse",
    "svg.fonttype": "none",
    "font.size": 8,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
_LEAST_MIB = 0.1
"""Less is noise, and zero has no logarithm."""


def write_svg(panels: Sequence[Panel], path: Path) -> None:
    """Draw them side by side."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(3.2 * len(panels), 6.4), layout="constrained")
        above, below = figure.subplots(2, len(panels), squeeze=False)
        for panel, times, memory in zip(panels, above, below, strict=True):
            _draw(times, panel, [line.times_ms for line in panel.lines], "ms")
            floored = [[max(_LEAST_MIB, mib) for mib in line.memory_mib] for line in panel.lines]
            _draw(memory, panel, floored, "MiB beyond before")
        figure.savefig(path, format="svg", metadata={"Date": None})


def _draw(axes: Axes, panel: Panel, figures: Sequence[Sequence[float]], unit: str) -> None:
    for line, values in zip(panel.lines, figures, strict=True):
        axes.plot(panel.sizes, values, marker="o", markersize=3, label=f"{line.label} ({_slope(panel, values)})")
    axes.set(xscale="log", yscale="log", xlabel=panel.subject, ylabel=unit)
    axes.minorticks_off()
    axes.set_xticks(panel.sizes, [f"{size:,}" for size in panel.sizes])
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.legend(fontsize=6)


def _slope(panel: Panel, values: Sequence[float]) -> str:
    return f"{exponent(panel.sizes, values):.2f}"
