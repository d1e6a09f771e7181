"""What the import linter cannot see: the Cython sources, and that the product never runs another program's Git."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CYTHON_IMPORT = re.compile(r"^\s*(?:from|cimport|import)\s+([\w.]+)", re.MULTILINE)
RUST_TESTS = "#[cfg(test)]"

SPAWNERS = {"server/process/child.py"}
"""Modules that may start processes: workers, which are this very program."""

SPAWNING_MODULES = {"subprocess", "multiprocessing", "pty"}
SPAWNING_FUNCTIONS = re.compile(
    r"(exec[lv]p?e?|spawn[lv]p?e?|posix_spawnp?|system|popen|run_process|open_process|create_subprocess_(exec|shell))"
)


def contract(name: str) -> list[str]:
    """The layers of one of the linter's contracts, highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers: list[str] = next(found["layers"] for found in contracts if name in found["name"])
    return layers


def ranks() -> dict[str, int]:
    """The height of each of our packages and modules: an import may only go to a smaller number."""
    outer, inner = contract("server, packengine, core_ext"), contract("Inside packengine")
    assert outer == ["server", "packengine", "core_ext"]
    levels = [["server"], *([f"packengine.{name.strip('() ')}" for name in layer.split("|")] for layer in inner)]
    return {name: len(levels) - height for height, names in enumerate([*levels, ["core_ext"]]) for name in names}


def cython_sources() -> list[Path]:
    return sorted([*ROOT.glob("packengine/**/*.pyx"), *ROOT.glob("packengine/**/*.pxd"), *ROOT.glob("server/**/*.pyx")])


def module_of(path: Path) -> str:
    """The name that `ranks` knows: the layer within packengine."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts[:2])


def upward_imports(module: str, source: str) -> list[str]:
    """Our own modules that are imported from a layer at the same height or above."""
    heights = ranks()
    targets = [".".join(name.split(".")[:2]) for name in CYTHON_IMPORT.findall(source)]
    return [name for name in targets if name != module and heights.get(name, -1) >= heights[module]]


def test_there_are_cython_sources_to_look_at() -> None:
    assert {path.name for path in cython_sources()} >= {"pktline.pyx", "sideband.pyx"}


@pytest.mark.parametrize("path", cython_sources(), ids=lambda path: path.name)
def test_cython_imports_point_down(path: Path) -> None:
    assert upward_imports(module_of(path), path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    ["from packengine.storage.ports import Digest", "import server", "    from packengine.repository cimport x"],
)
def test_an_import_that_points_up_is_found(line: str) -> None:
    assert upward_imports("packengine.pktline", f"import cython\n{line}\n")


def python_sources() -> Iterator[Path]:
    for package in ("packengine", "server", "core_ext/python", "client/src"):
        yield from (ROOT / package).rglob("*.py")


def spawns(tree: ast.AST) -> list[str]:
    """What in a module can start a program."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name.split(".")[0] in SPAWNING_MODULES]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(name.name for name in node.names)]
            found += [name for name in names if name in SPAWNING_MODULES or SPAWNING_FUNCTIONS.fullmatch(name)]
        elif isinstance(node, ast.Attribute) and SPAWNING_FUNCTIONS.fullmatch(node.attr):
            found.append(node.attr)
    return found


def test_only_the_supervisor_starts_processes() -> None:
    sources = {path.relative_to(ROOT).as_posix(): path.read_text() for path in python_sources()}
    assert "packengine/__init__.py" in sources
    offenders = {path: found for path, source in sources.items() if (found := spawns(ast.parse(source)))}
    assert offenders.keys() <= SPAWNERS


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "from os import execvp",
        "os.posix_spawn('git')",
        "from trio import run_process",
        "os.popen('x')",
    ],
)
def test_a_started_program_is_found(source: str) -> None:
    assert spawns(ast.parse(source))


def test_the_supervisor_starts_nothing_called_git() -> None:
    for path in SPAWNERS:
        tree = ast.parse((ROOT / path).read_text())
        words = {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
        assert not [word for word in words if re.match(r"(.*/)?git\b", word)]


def test_the_compiled_core_starts_no_process() -> None:
    sources = [*ROOT.glob("core_ext/src/**/*.rs"), *ROOT.glob("core_ext/crates/*/src/**/*.rs")]
    assert sources
    product = {path: path.read_text().split(RUST_TESTS)[0] for path in sources if path.name != "tests.rs"}
    assert [
        path for path, source in product.items() if re.search(r"process::Command|Command::new|libc::exec", source)
    ] == []
