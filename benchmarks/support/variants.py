"""Repositories that differ from another in one number only: of refs, of objects, of packs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from packengine.repository import Engine
from packengine.repository.progress import no_progress
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.git import git

MAIN = "refs/heads/main"


def with_refs(repository: Path, target: Path, count: int) -> Path:
    """A bare repository of so many refs, main among them, which take turns at its newest thousand commits."""
    commits = first_parents(repository)[:1000]
    names = [f"refs/heads/team-{number // 1000:04}/topic-{number % 1000:03}" for number in range(count - 1)]
    values = {name: commits[number % len(commits)] for number, name in enumerate(names)}
    return _with_values(repository, target, {**values, MAIN: commits[0]})


def at_commit(repository: Path, target: Path, commit: str) -> Path:
    """A bare repository with main at that commit, and no other ref."""
    return _with_values(repository, target, {MAIN: commit})


def first_parents(repository: Path) -> list[str]:
    """HEAD and its first parents, the newest first."""
    return git("rev-list", "--first-parent", "HEAD", cwd=repository).decode().split()


def import_into(data_dir: Path, repositories: Mapping[str, Path]) -> None:
    """Make a data directory with these repositories, by their ids: each has one pack of what its refs reach."""
    engine = Engine.open(data_dir)
    try:
        for repository_id, path in repositories.items():
            engine.import_repository(path, repository_id, ACTOR, progress=no_progress)
    finally:
        engine.close()


def push_one_by_one(data_dir: Path, repository_id: str, repository: Path, commits: Sequence[str]) -> None:
    """Push main from each of the commits to the next, in packs of their own that nobody merges."""
    engine = Engine.open(data_dir)
    try:
        for old, new in pairwise(commits):
            wanted = f"{new}\n^{old}\n".encode()
            pack = git("pack-objects", "--quiet", "--thin", "--stdout", "--revs", stdin=wanted, cwd=repository)
            command = (bytes.fromhex(old), bytes.fromhex(new), MAIN.encode())
            assert begin_push(engine, repository_id, [command], pack).finish().committed is not None
    finally:
        engine.close()


def _with_values(repository: Path, target: Path, values: Mapping[str, str]) -> Path:
    """The packs are the repository's own, through hard links. Returns `target`."""
    git("init", "--quiet", "--bare", "--initial-branch=main", target)
    shutil.copytree(repository / "objects", target / "objects", copy_function=os.link, dirs_exist_ok=True)
    lines = [f"{value} {name}\n" for name, value in sorted(values.items())]
    (target / "packed-refs").write_text("# pack-refs with: peeled fully-peeled sorted \n" + "".join(lines))
    return target
