"""Repositories that differ in the number of their refs only."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from packengine.repository import Engine
from packengine.repository.progress import no_progress
from tests.support.engine_pushes import ACTOR
from tests.support.git import git


def with_refs(repository: Path, target: Path, count: int) -> Path:
    """A bare repository with HEAD's branch and so many refs in all, which take turns at its newest thousand commits.

    Its packs are `repository`'s, through hard links. Returns `target`.
    """
    head = git("symbolic-ref", "HEAD", cwd=repository).decode().strip()
    commits = git("rev-list", "--first-parent", "--max-count=1000", "HEAD", cwd=repository).decode().split()
    names = [(f"refs/heads/team-{number // 1000:04}/topic-{number % 1000:03}") for number in range(count - 1)]
    lines = [f"{commits[number % len(commits)]} {name}" for number, name in enumerate(names)] + [f"{commits[0]} {head}"]
    git("init", "--quiet", "--bare", f"--initial-branch={head.removeprefix('refs/heads/')}", target)
    shutil.copytree(repository / "objects", target / "objects", copy_function=os.link, dirs_exist_ok=True)
    header = "# pack-refs with: peeled fully-peeled sorted \n"
    listed = sorted(lines, key=lambda line: line.split(" ")[1])
    (target / "packed-refs").write_text(header + "".join(f"{line}\n" for line in listed))
    return target


def import_into(data_dir: Path, repositories: dict[str, Path]) -> None:
    """Make a data directory with these repositories, by their ids."""
    engine = Engine.open(data_dir)
    try:
        for repository_id, path in repositories.items():
            engine.import_repository(path, repository_id, ACTOR, progress=no_progress)
    finally:
        engine.close()
