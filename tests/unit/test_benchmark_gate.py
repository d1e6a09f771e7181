"""The gate fails where it must: a check that cannot fail is worse than none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks.bars import Bar, load_bars
from benchmarks.document import PAGE, replace_between
from benchmarks.gate import problems
from benchmarks.results import Comparison, Quantity, Result, read_results
from benchmarks.support.sizes import LARGE_REPOSITORY
from benchmarks.tables import tables

BARS = {"fast": Bar(0.5)}


def case(name: str, **extra_info: object) -> dict[str, object]:
    return {"name": f"test_{name}", "extra_info": extra_info}


def comparison(name: str, ratio: float, bar: Bar | None) -> Comparison:
    return Comparison(name, "rival", ratio, 1.0, (ratio,), bar)


def test_a_ratio_is_the_median_of_the_rounds_pairs() -> None:
    measured = case("fast", ours_s=[1.0, 9.0, 2.0], rivals={"rival": [4.0, 9.0, 5.0]})
    (read,) = read_results({"benchmarks": [measured]}, BARS)
    assert read.figure == pytest.approx(0.4)
    assert read.passes


def test_each_of_several_rivals_has_a_row_and_a_bar() -> None:
    measured = case("push", ours_s=[1.0], rivals={"floor": [0.5], "http-backend": [4.0]})
    read = read_results({"benchmarks": [measured]}, {"push/floor": Bar(1.15), "push/http-backend": Bar(1.0)})
    assert [(each.name, each.figure, each.passes) for each in read] == [
        ("push/floor", 2.0, False),
        ("push/http-backend", 0.25, True),
    ]


def test_a_quantity_is_the_median_of_what_was_measured() -> None:
    measured = case("fetch", quantities={"memory": ("MiB", [60.0, 70.0, 65.0]), "speed": ("GB/s", [1.0])})
    bars = {"fetch/memory": Bar(64.0), "fetch/speed": Bar(1.5, is_least=True)}
    read = read_results({"benchmarks": [measured]}, bars)
    assert [(each.name, each.said, each.passes) for each in read] == [
        ("fetch/memory", "65 MiB", False),
        ("fetch/speed", "1 GB/s", False),
    ]


def test_a_figure_beyond_its_bar_fails_and_is_marked() -> None:
    slow = comparison("fast", 0.51, BARS["fast"])
    forks = Quantity("forks/made", "a second", (900.0,), Bar(1000.0, is_least=True))
    assert problems([slow, forks], BARS) == [
        "fast: ratio 0.510 is beyond its bar of ≤ 0.5",
        "forks/made: 900 a second is beyond its bar of ≥ 1000",
    ]
    assert tables([slow]).count("**missed**") == tables([forks]).count("**missed**") == 1


def test_a_benchmark_without_bar_and_a_bar_without_benchmark_fail() -> None:
    assert problems([comparison("new", 0.1, None)], BARS) == [
        "fast: has a bar, and no benchmark ran",
        "new: has no bar in bars.toml",
    ]


@pytest.mark.parametrize(("second", "status"), [(0.4, 0), (0.6, 1)])
def test_what_is_beyond_its_bar_is_measured_once_more(
    monkeypatch: pytest.MonkeyPatch, second: float, status: int
) -> None:
    asked: list[Sequence[str]] = []

    def measure(arguments: Sequence[str], bars: Mapping[str, Bar]) -> tuple[int, list[Result]]:
        asked.append(arguments)
        return 0, [comparison("fast", 0.9 if len(asked) == 1 else second, bars["fast"])]

    monkeypatch.setattr(program, "load_bars", lambda: BARS)
    monkeypatch.setattr(program, "_measure", measure)
    assert program.main([]) == status
    assert asked == [[], ["-k", "test_fast"]]


def test_a_benchmark_that_breaks_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "load_bars", dict)
    monkeypatch.setattr(program, "_measure", lambda *_: (2, []))
    assert program.main([]) == 2


@pytest.mark.parametrize(("statuses", "status"), [([1, 0], 0), ([1, 1, 1, 0], 0), ([1, 1, 1, 1], 1)])
def test_a_benchmark_that_fails_is_tried_three_times_more(
    monkeypatch: pytest.MonkeyPatch, statuses: list[int], status: int
) -> None:
    asked: list[Sequence[str]] = []

    def measure(arguments: Sequence[str], bars: Mapping[str, Bar]) -> tuple[int, list[Result]]:
        asked.append(arguments)
        ended = statuses[len(asked) - 1]
        return ended, [] if ended else [comparison("fast", 0.1, bars["fast"])]

    monkeypatch.setattr(program, "load_bars", lambda: BARS)
    monkeypatch.setattr(program, "_measure", measure)
    assert program.main(["-k", "fast"]) == status
    again = ["-k", "fast", "--last-failed", "--last-failed-no-failures=none"]
    assert asked == [["-k", "fast"], *[again] * (len(statuses) - 1)]


def test_bars_of_the_large_repository_are_due_where_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    bars = {"clone[8k]": Bar(1.0), "clone[large]": Bar(1.0)}
    monkeypatch.setattr(program, "load_bars", lambda: bars)
    monkeypatch.setattr(program, "_measure", lambda *_: (0, [comparison("clone[8k]", 0.5, Bar(1.0))]))
    monkeypatch.delenv(LARGE_REPOSITORY, raising=False)
    assert program.main([]) == 0
    monkeypatch.setenv(LARGE_REPOSITORY, "/somewhere.git")
    assert program.main([]) == 1


def test_a_bar_says_which_way_it_goes(tmp_path: Path) -> None:
    written = tmp_path / "bars.toml"
    written.write_text('[bars]\na = 0.5\n"b[8k]" = { most = 0.9, goal = 0.25 }\nc = { least = 1000 }\n')
    assert load_bars(written) == {"a": Bar(0.5), "b[8k]": Bar(0.9, goal=0.25), "c": Bar(1000.0, is_least=True)}
    written.write_text("[bars]\na = { goal = 1 }\n")
    with pytest.raises(ValueError, match="goal"):
        load_bars(written)


def test_the_goal_of_ingest_is_in_force() -> None:
    assert load_bars()["pack_ingest"].limit <= 0.8


@pytest.mark.parametrize("part", ["figures", "growth"])
def test_the_page_takes_the_tables_of_a_run(part: str) -> None:
    page = PAGE.read_text()
    written = replace_between(page, part, "| these |")
    assert "| these |" in written
    assert replace_between(written, part, "| others |") == replace_between(page, part, "| others |")
    with pytest.raises(ValueError, match="no "):
        replace_between("nothing", part, "| these |")
