"""Puts what a run printed into docs/performance.md, between two comments."""

from __future__ import annotations

from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
_BEGIN = "<!-- Figures of one run: `python -m benchmarks --write`, or paste the tables that CI prints. -->\n"
_END = "<!-- End of the figures. -->\n"


def replace_figures(page: str, figures: str) -> str:
    """The page with other figures. Raises ValueError if it lacks its comments."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"no {_BEGIN.strip()!r} with {_END.strip()!r} after it")
    return f"{before}{_BEGIN}\n{figures}\n\n{_END}{after}"
