"""The same repository behind our server and behind the rival, ready to be asked."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.floor import Floor
from benchmarks.support.rival import HttpBackend, prepare
from tests.support.git import git
from tests.support.server import RunningServer

UNDISTURBED = ("--maintenance", "off")
"""Maintenance is done before anything is measured, as the rival's repacking is, and not in between."""

_ID = "repository"
_IMMUTABLE = ("/objects/pack/", "/blobs/", "/derived/")


@dataclass(frozen=True, slots=True)
class Urls:
    """One repository on both sides, with credentials where they are asked for."""

    ours: str
    rival: str


@dataclass(frozen=True, slots=True)
class Served:
    """URLs of one repository, with credentials where they are asked for, and the servers."""

    size: str
    repository: Path
    """Where the same lies as a bare repository. Not to be changed."""

    ours: str
    uncached: str
    """Another of our servers, whose pack cache is off: each answer is made anew."""

    rival: str
    server: RunningServer
    floor: Floor
    """Before `server`."""

    rival_root: Path
    filled: Path
    """A data directory that holds the repository, and that nobody serves."""

    token: str
    """For the repository in `filled`."""

    def wants(self) -> list[str]:
        """What `git clone --mirror` wants: every distinct ref value, in hexadecimal."""
        lines = git("ls-remote", self.rival).decode().splitlines()
        return list(dict.fromkeys(line.split("\t")[0] for line in lines if not line.endswith("^{}")))

    def tip(self) -> str:
        """HEAD's commit."""
        return git("rev-parse", "HEAD", cwd=self.repository).decode().strip()

    def branch(self) -> str:
        """HEAD's branch, as a full name."""
        return git("symbolic-ref", "HEAD", cwd=self.repository).decode().strip()

    def copy(self, name: str) -> Urls:
        """A repository of its own to push to: ours is a fork, the rival's shares its packs through hard links."""
        status, made = self.server.rest("POST", f"/v1/repos/{_ID}/forks", {"id": name})
        assert status == 200, made
        target = self.rival_root / f"{name}.git"
        shutil.copytree(self.rival_root / f"{_ID}.git", target, copy_function=_link_immutable_or_copy)
        return Urls(made["remote"], f"{self.rival.rsplit('/', 1)[0]}/{name}.git")


@contextmanager
def serve_both(size: str, repository: Path, scratch: Path) -> Iterator[Served]:
    """Two workers of ours; nginx, fcgiwrap and http-backend over a copy that was repacked for it."""
    root = scratch / "rival"
    root.mkdir()
    copy = root / f"{_ID}.git"
    git("clone", "--quiet", "--mirror", repository, copy)
    prepare(copy, multi_pack_index=True)
    filled = scratch / "filled"
    token = fill(filled, repository)
    copy_data(filled, scratch / "data")
    copy_data(filled, scratch / "uncached")
    with (
        RunningServer(scratch / "data", arguments=UNDISTURBED) as server,
        RunningServer(scratch / "uncached", arguments=[*UNDISTURBED, "--answer-cache-bytes", "0"]) as uncached,
        HttpBackend(root) as rival,
        Floor(server.url) as floor,
    ):
        ours, anew = (repository_url(each, token) for each in (server, uncached))
        yield Served(size, repository, ours, anew, f"{rival.url}/{_ID}.git", server, floor, root, filled, token)


def fill(data_dir: Path, repository: Path) -> str:
    """Push everything to a new data directory, and let it be maintained. Returns the token."""
    with RunningServer(data_dir, arguments=UNDISTURBED) as server:
        made = server.create_repository(_ID)
        git("push", "--quiet", "--mirror", made["remote"], cwd=repository)
    maintain(data_dir)
    return str(made["token"])


def maintain(data_dir: Path) -> None:
    """As an operator does it by hand."""
    command = [sys.executable, "-P", "-m", "server.cli", "maintain", "--all", "--data-dir", str(data_dir)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def copy_data(source: Path, target: Path) -> Path:
    """A data directory of its own with the same content; what is never written to again is shared. Returns `target`."""
    shutil.copytree(source, target, copy_function=_link_immutable_or_copy)
    return target


def repository_url(server: RunningServer, token: str) -> str:
    """Where a server that was started on filled data has the repository."""
    return f"{server.url.replace('://', f'://x:{token}@')}/git/{_ID}.git"


def _link_immutable_or_copy(source: str, target: str) -> None:
    """Packs and what belongs to them, Git's and ours."""
    if any(folder in source for folder in _IMMUTABLE):
        os.link(source, target)
    else:
        shutil.copy2(source, target)
