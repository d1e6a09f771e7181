"""The gate fails where it must: a check that cannot fail is worse than none."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from benchmarks import __main__ as program
from benchmarks.gate import Result, load_bars, problems, read_results, table

BARS = {"fast": 0.5}


def case(name: str, ours_s: list[float], rival_s: list[float]) -> dict[str, object]:
    return {"name": f"test_{name}", "extra_info": {"ours_s": ours_s, "rival_s": rival_s}}


def result(name: str, ratio: float, bar: float | None) -> Result:
    return Result(name, ratio, 1.0, (ratio,), bar)


def test_a_ratio_is_the_median_of_the_rounds_pairs() -> None:
    (read,) = read_results({"benchmarks": [case("fast", [1.0, 9.0, 2.0], [4.0, 9.0, 5.0])]}, BARS)
    assert read.ratio == pytest.approx(0.4)
    assert read.passes


def test_a_ratio_beyond_its_bar_fails_and_is_marked() -> None:
    slow = result("fast", 0.51, 0.5)
    assert problems([slow], BARS) == ["fast: ratio 0.510 is beyond its bar of 0.500"]
    assert "**missed**" in table([slow])


def test_a_benchmark_without_bar_and_a_bar_without_benchmark_fail() -> None:
    assert problems([result("new", 0.1, None)], BARS) == [
        "fast: has a bar, and no benchmark ran",
        "new: has no bar in bars.toml",
    ]


@pytest.mark.parametrize(("second", "status"), [(0.4, 0), (0.6, 1)])
def test_what_is_beyond_its_bar_is_measured_once_more(
    monkeypatch: pytest.MonkeyPatch, second: float, status: int
) -> None:
    asked: list[list[str]] = []

    def measure(arguments: list[str], bars: Mapping[str, float]) -> list[Result]:
        asked.append(arguments)
        return [result("fast", 0.9 if len(asked) == 1 else second, bars["fast"])]

    monkeypatch.setattr(program, "load_bars", lambda: BARS)
    monkeypatch.setattr(program, "_measure", measure)
    assert program.main([]) == status
    assert asked == [[], ["-k", "test_fast"]]


def test_the_goals_of_ingest_and_clone_are_in_force() -> None:
    bars = load_bars()
    assert bars["pack_ingest"] <= 0.8
    assert bars["full_clone_answer"] <= 0.5
