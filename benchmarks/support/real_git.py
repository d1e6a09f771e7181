"""Commands of stock Git that can be repeated: each prepares the same state of the client again before it is timed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from benchmarks.support.versus import Step
from tests.support.git import git
from tests.support.repositories import commit_file


def clone_step(url: str, target: Path, *options: str) -> Step:
    """`git clone` into a folder that is not there."""
    return Step(
        lambda: git("clone", "--quiet", *options, url, target),
        prepare=lambda: shutil.rmtree(target, ignore_errors=True),
    )


def fetch_step(url: str, behind: Path, target: Path) -> Step:
    """`git fetch` of what is new. behind: a bare clone that lacks it, which stays as it is."""

    def prepare() -> None:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(behind, target, copy_function=os.link)
        (target / "config").unlink()  # Git would write to the file that both share
        shutil.copyfile(behind / "config", target / "config")
        git("remote", "set-url", "origin", url, cwd=target)

    return Step(lambda: git("fetch", "--quiet", "origin", cwd=target), prepare=prepare)


class Pusher:
    """`git push` of one small commit to one branch.

    branch: None for the one that is checked out. does_restart: whether each push begins from the state before the
    first, for a server that forgets them.
    """

    def __init__(
        self, url: str, source: Path, work: Path, *, branch: str | None = None, does_restart: bool = False
    ) -> None:
        self._work = work
        self._refspec = "HEAD" if branch is None else f"HEAD:refs/heads/{branch}"
        self._does_restart = does_restart
        self._count = 0
        git("clone", "--quiet", "--no-tags", source, work)
        git("remote", "set-url", "origin", url, cwd=work)
        self._start = git("rev-parse", "HEAD", cwd=work).decode().strip()

    def step(self) -> Step:
        """One push; the commit is made before."""
        return Step(lambda: git("push", "--quiet", "origin", self._refspec, cwd=self._work), prepare=self._commit)

    def push_once(self) -> None:
        """One commit, pushed."""
        self.step().seconds()

    def _commit(self) -> None:
        if self._does_restart:
            git("reset", "--quiet", "--hard", self._start, cwd=self._work)
        self._count += 1
        commit_file(self._work, "benchmark", b"%d\n" % self._count)
