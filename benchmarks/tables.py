"""The figures of a run as Markdown, as docs/performance.md shows them."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.bars import Bar
from benchmarks.results import Comparison, Quantity, Result

_COMPARISONS = (
    "| work | rival | ours, ms | rival, ms | ratio | least to most | bar | goal |",
    "|---|---|---:|---:|---:|---|---:|---:|",
)
_QUANTITIES = ("| measured | unit | figure | least to most | bar | goal |", "|---|---|---:|---|---:|---:|")
_MISSED = " **missed**"


def tables(results: Iterable[Result]) -> str:
    """Times beside rivals' first, then what has no rival; a table is left out if it would be empty."""
    listed = list(results)
    comparisons = [_comparison(result) for result in listed if isinstance(result, Comparison)]
    quantities = [_quantity(result) for result in listed if isinstance(result, Quantity)]
    parts = [[*head, *rows] for head, rows in ((_COMPARISONS, comparisons), (_QUANTITIES, quantities)) if rows]
    return "\n\n".join("\n".join(lines) for lines in parts)


def _comparison(result: Comparison) -> str:
    cells = (
        result.name,
        result.rival,
        f"{result.ours_s * 1e3:.2f}",
        f"{result.rival_s * 1e3:.2f}",
        f"{result.figure:.3f}{_mark(result)}",
        f"{min(result.ratios):.3f} to {max(result.ratios):.3f}",
        *_limits(result.bar),
    )
    return _row(cells)


def _quantity(result: Quantity) -> str:
    least, most = min(result.values), max(result.values)
    figure = f"{result.figure:.4g}{_mark(result)}"
    return _row((result.name, result.unit, figure, f"{least:.4g} to {most:.4g}", *_limits(result.bar)))


def _limits(bar: Bar | None) -> tuple[str, str]:
    if bar is None:
        return "none", ""
    return str(bar), "" if bar.goal is None else f"{bar.goal:g}"


def _mark(result: Result) -> str:
    return "" if result.passes else _MISSED


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
