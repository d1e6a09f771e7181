"""Run the benchmarks, print the tables, and fail if a figure is beyond its bar: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks.bars import Bar, load_bars
from benchmarks.document import write_part
from benchmarks.gate import problems
from benchmarks.results import Result, load_report, read_results
from benchmarks.support.sizes import LARGE, LARGE_REPOSITORY
from benchmarks.tables import tables
from server.process.child import MALLOC_SETTINGS

_FOLDER = Path(__file__).parent
_DESCRIPTION = """\
Times Packhouse beside its rivals, in turn, on the same repositories, and prints two Markdown tables: ratios, and
quantities such as memory. Exits with 1 if a figure is beyond its bar (benchmarks/bars.toml), and is so again when it is
measured once more. Needs git, nginx and fcgiwrap."""
_EXAMPLES = """\
examples:
  python -m benchmarks                                      all that CI runs
  python -m benchmarks -k warm                              the benchmarks whose names contain a word
  python -m benchmarks -k 'pushes and 40k'                  words as pytest's -k combines them
  python -m benchmarks --large-repository ~/src/linux.git   a third size, besides some 8,000 and 40,000 objects
  python -m benchmarks.growth                               the plot of docs/performance.md"""


_FURTHER_TRIES = 3
"""For benchmarks that fail, rather than measure something."""


def main(arguments: Sequence[str]) -> int:
    """With -k only a part may have run, and bars without a benchmark pass.

    What is beyond its bar is measured once more: a machine that somebody else kept busy is no regression.
    """
    options = _parse(arguments)
    if options.large_repository is not None:
        os.environ[LARGE_REPOSITORY] = str(options.large_repository.resolve())
    bars = load_bars()
    selected = [] if options.words is None else ["-k", options.words]
    status, results = _measure(selected, bars)
    for _ in range(_FURTHER_TRIES):
        if status != pytest.ExitCode.TESTS_FAILED:
            break
        # Under pushes at once the rival hangs now and then, in fcgiwrap, and sometimes twice running.
        print("benchmarks that failed are tried once more", file=sys.stderr)  # noqa: T201  # the same as below
        status, again = _measure([*selected, "--last-failed", "--last-failed-no-failures=none"], bars)
        results = [*results, *again]
    if missed := [result for result in results if result.bar is not None and not result.passes]:
        again_status, again = _measure(["-k", _words_for(missed)], bars)
        status = status or again_status
        results = _replaced(results, again)
    print(tables(results))  # noqa: T201  # the tables are what this program is for
    if options.write:
        write_part("figures", tables(results))
    found = problems(results, _due(bars, results, is_part=options.words is not None))
    for problem in found:
        print(f"gate: {problem}", file=sys.stderr)  # noqa: T201  # the same
    return status or (1 if found else 0)


def _replaced(results: Sequence[Result], again: Sequence[Result]) -> list[Result]:
    """Those of the second measurement in the places of the first's that were beyond their bars."""
    newer = {result.name: result for result in again}
    return [result if result.passes else newer.get(result.name, result) for result in results]


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-k", dest="words", help="run only benchmarks that match, as pytest's -k does")
    parser.add_argument(
        "--large-repository",
        type=Path,
        metavar="PATH",
        help=f"a bare repository to measure as well, of some 400,000 objects, say (or set {LARGE_REPOSITORY})",
    )
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md as well")
    return parser.parse_args(arguments)


def _due(bars: Mapping[str, Bar], results: Sequence[Result], *, is_part: bool) -> dict[str, Bar]:
    """The bars whose benchmarks must have run."""
    if is_part:
        return {result.name: bars[result.name] for result in results if result.name in bars}
    is_given = LARGE_REPOSITORY in os.environ
    return {name: bar for name, bar in bars.items() if is_given or f"{LARGE}]" not in name}


def _words_for(results: Sequence[Result]) -> str:
    return " or ".join(dict.fromkeys(f"test_{result.name.partition('/')[0]}" for result in results))


def _measure(arguments: Sequence[str], bars: Mapping[str, Bar]) -> tuple[int, list[Result]]:
    """The exit status of pytest, and what could be measured."""
    with tempfile.TemporaryDirectory() as scratch:
        report_path = Path(scratch) / "report.json"
        status = _run_pytest(report_path, arguments)
        has_report = report_path.exists() and report_path.stat().st_size > 0
        return status, read_results(load_report(report_path), bars) if has_report else []


def _run_pytest(report_path: Path, arguments: Sequence[str]) -> int:
    """In a process whose allocator is set as a worker's."""
    options = ["-q", "-s", "--benchmark-quiet", f"--benchmark-json={report_path}", "--timeout=1800", "--durations=10"]
    options += ["-W", "ignore::pytest_benchmark.logger.PytestBenchmarkWarning"]  # "no benchmarks have been run"
    command = [sys.executable, "-m", "pytest", str(_FOLDER), *options, *arguments]
    return subprocess.run(command, env={**MALLOC_SETTINGS, **os.environ}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
