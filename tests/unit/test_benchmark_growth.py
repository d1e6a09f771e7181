"""A slope is what the growth page says it is."""

from __future__ import annotations

import pytest

from benchmarks.growth.series import exponent, last_step

SIZES = (10, 100, 1_000, 10_000)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_the_slope_of_a_power_is_its_exponent(power: float) -> None:
    figures = [3.0 * size**power for size in SIZES]
    assert exponent(SIZES, figures) == pytest.approx(power)
    assert last_step(SIZES, figures) == pytest.approx(power)


def test_the_last_step_shows_what_the_beginning_hides() -> None:
    figures = [5.0, 5.0, 5.0, 50.0]
    assert exponent(SIZES, figures) < 0.5
    assert last_step(SIZES, figures) == pytest.approx(1.0)


def test_figures_of_nothing_have_no_slope() -> None:
    assert exponent(SIZES, [0.0, 0.0, 0.0, 7.0]) == 0.0
    assert last_step(SIZES, [0.0, 0.0, 0.0, 0.0]) == 0.0
