"""What was measured over growing sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of request: milliseconds and MiB at each size."""

    label: str
    times_ms: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Panel:
    """What grows, the sizes, and what was asked at each of them."""

    subject: str
    sizes: list[int]
    lines: list[Line]


def exponent(sizes: Sequence[float], figures: Sequence[float]) -> float:
    """The slope in the double logarithm, by least squares: 0 for what does not grow, 1 for what grows linearly.

    Figures of nothing are left out.
    """
    points = [(math.log(size), math.log(figure)) for size, figure in zip(sizes, figures, strict=True) if figure > 0]
    if len(points) < 2:
        return 0.0
    middle_x, middle_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return float(sum((x - middle_x) * (y - middle_y) for x, y in points) / spread)


def last_step(sizes: Sequence[float], figures: Sequence[float]) -> float:
    """The same between the two largest sizes, where what is constant matters least."""
    return exponent(sizes[-2:], figures[-2:])
