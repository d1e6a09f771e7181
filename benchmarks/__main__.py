"""Run the benchmarks, print the table, and fail if a ratio is beyond its bar: `python -m benchmarks [-k WORDS]`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks.gate import Result, load_bars, load_report, problems, read_results, table
from server.process.child import MALLOC_SETTINGS

_FOLDER = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Arguments go to pytest. With any of them only a part may have run, and bars without a benchmark pass.

    What is beyond its bar is measured once more: a machine that somebody else kept busy is no regression.
    """
    bars = load_bars()
    try:
        results = _measure(arguments, bars)
        slow = [f"test_{result.name}" for result in results if result.bar is not None and not result.passes]
        if slow:
            again = {result.name: result for result in _measure(["-k", " or ".join(slow)], bars)}
            results = [again.get(result.name, result) for result in results]
    except subprocess.CalledProcessError as error:
        return error.returncode
    print(table(results))  # noqa: T201  # the table is what this program is for
    if arguments:
        bars = {result.name: bars[result.name] for result in results if result.name in bars}
    missed = problems(results, bars)
    for problem in missed:
        print(f"gate: {problem}", file=sys.stderr)  # noqa: T201  # the same
    return 1 if missed else 0


def _measure(arguments: list[str], bars: Mapping[str, float]) -> list[Result]:
    with tempfile.TemporaryDirectory() as scratch:
        report_path = Path(scratch) / "report.json"
        _run_pytest(report_path, arguments)
        return read_results(load_report(report_path), bars)


def _run_pytest(report_path: Path, arguments: list[str]) -> None:
    """In a process whose allocator is set as a worker's. Raises CalledProcessError."""
    options = ["-q", "-s", "--benchmark-quiet", f"--benchmark-json={report_path}", "--timeout=1800"]
    command = [sys.executable, "-m", "pytest", str(_FOLDER), *options, *arguments]
    subprocess.run(command, env={**MALLOC_SETTINGS, **os.environ}, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
