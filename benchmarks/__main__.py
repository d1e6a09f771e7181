"""Run the benchmarks, print the table, and fail if a ratio is beyond its bar: `python -m benchmarks [-k WORDS]`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.gate import load_bars, load_report, problems, read_results, table
from server.process.child import MALLOC_SETTINGS

_FOLDER = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Arguments go to pytest. With any of them only a part may have run, and bars without a benchmark pass."""
    with tempfile.TemporaryDirectory() as scratch:
        report_path = Path(scratch) / "report.json"
        status = _run_pytest(report_path, arguments)
        if status != 0:
            return status
        bars = load_bars()
        results = read_results(load_report(report_path), bars)
    print(table(results))  # noqa: T201  # the table is what this program is for
    if arguments:
        bars = {result.name: bars[result.name] for result in results if result.name in bars}
    missed = problems(results, bars)
    for problem in missed:
        print(f"gate: {problem}", file=sys.stderr)  # noqa: T201  # the same
    return 1 if missed else 0


def _run_pytest(report_path: Path, arguments: list[str]) -> int:
    """In a process whose allocator is set as a worker's."""
    options = ["-q", "-s", "--benchmark-quiet", f"--benchmark-json={report_path}", "--timeout=1800"]
    command = [sys.executable, "-m", "pytest", str(_FOLDER), *options, *arguments]
    return subprocess.run(command, env={**MALLOC_SETTINGS, **os.environ}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
