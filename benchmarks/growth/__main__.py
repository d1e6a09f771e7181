"""Measure growth, draw it and print the slopes: `python -m benchmarks.growth --help`."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.document import write_part
from benchmarks.growth.panels import forks, objects, packs, refs
from benchmarks.growth.plot import write_svg
from benchmarks.growth.series import Panel, exponent, last_step
from benchmarks.support.sizes import LARGE, LARGE_REPOSITORY, repository_of
from server.process.child import MALLOC_SETTINGS

_SVG = Path(__file__).parents[2] / "docs" / "growth.svg"
_PANELS: dict[str, Callable[[Path, Path], Panel]] = {"objects": objects, "refs": refs, "packs": packs, "forks": forks}
_HEAD = ("| growing | asked | ms | MiB | slope of time | its last step |", "|---|---|---|---|---:|---:|")


def main() -> None:
    """Measure, draw, print."""
    options = _parse()
    os.environ.update({name: value for name, value in MALLOC_SETTINGS.items() if name not in os.environ})
    if options.large_repository is not None:
        os.environ[LARGE_REPOSITORY] = str(options.large_repository.resolve())
    with tempfile.TemporaryDirectory(prefix="growth-") as scratch:
        panels = [measure(_repository(name), Path(scratch)) for name, measure in _PANELS.items()]
    write_svg(panels, options.output)
    print(table(panels))  # noqa: T201  # what this program is for
    if options.write:
        write_part("growth", table(panels))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--output", type=Path, default=_SVG, help="the SVG to write  [default: docs/growth.svg]")
    parser.add_argument(
        "--large-repository", type=Path, metavar="PATH", help="a bare repository whose beginnings are the sizes"
    )
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md as well")
    return parser.parse_args()


def _repository(name: str) -> Path:
    """Objects grow in the largest there is; the rest does not depend on how many there are."""
    if name == "objects":
        return repository_of(LARGE if LARGE_REPOSITORY in os.environ else "40k")
    return repository_of("8k")


def table(panels: Sequence[Panel]) -> str:
    """All figures, as Markdown."""
    rows = [
        f"| {'; '.join(f'{size:,}' for size in panel.sizes)} {panel.subject} | {line.label} "
        f"| {_joined(line.times_ms)} | {_joined(line.memory_mib)} "
        f"| {exponent(panel.sizes, line.times_ms):.2f} | {last_step(panel.sizes, line.times_ms):.2f} |"
        for panel in panels
        for line in panel.lines
    ]
    return "\n".join([*_HEAD, *rows])


def _joined(figures: Sequence[float]) -> str:
    return "; ".join(f"{figure:.3g}" for figure in figures)


if __name__ == "__main__":
    main()
