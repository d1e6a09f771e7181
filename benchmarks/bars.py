"""What each benchmark must reach. Kept in bars.toml, so that a change of a bar is a change of one line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PATH = Path(__file__).with_name("bars.toml")


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure's limit.

    is_least: whether the figure may not be less, instead of not more.
    goal: what we want of it where that is not reached yet.
    """

    limit: float
    is_least: bool = False
    goal: float | None = None

    def holds(self, figure: float) -> bool:
        """Whether the figure is not beyond the limit."""
        return figure >= self.limit if self.is_least else figure <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.limit:g}"


def load_bars(path: Path = PATH) -> dict[str, Bar]:
    """The bars by benchmark name."""
    return {name: _bar(value) for name, value in tomllib.loads(path.read_text())["bars"].items()}


def _bar(value: float | Mapping[str, float]) -> Bar:
    """A number is the most that a figure may be. Raises ValueError."""
    if not isinstance(value, Mapping):
        return Bar(float(value))
    if ("most" in value) == ("least" in value) or value.keys() - {"most", "least", "goal"}:
        raise ValueError(f"{dict(value)}: a bar has `most` or `least`, and perhaps a `goal`")
    return Bar(float(value.get("most", value.get("least", 0))), "least" in value, value.get("goal"))
