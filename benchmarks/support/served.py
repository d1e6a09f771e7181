"""The same repository behind our server and behind the rival, ready to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.support.rival import HttpBackend, prepare
from tests.support.git import git
from tests.support.server import RunningServer


@dataclass(frozen=True, slots=True)
class Served:
    """URLs of one repository, with credentials where they are asked for."""

    ours: str
    uncached: str
    """Another of our servers, whose pack cache is off: each answer is made anew."""

    rival: str
    server: RunningServer

    def wants(self) -> list[str]:
        """What `git clone --mirror` wants: every distinct ref value, in hexadecimal."""
        lines = git("ls-remote", self.ours).decode().splitlines()
        return list(dict.fromkeys(line.split("\t")[0] for line in lines if not line.endswith("^{}")))


@contextmanager
def serve_both(repository: Path, scratch: Path) -> Iterator[Served]:
    """Two workers of ours; nginx, fcgiwrap and http-backend over a copy that was repacked for it."""
    root = scratch / "rival"
    root.mkdir()
    copy = root / "repository.git"
    git("clone", "--quiet", "--mirror", repository, copy)
    prepare(copy)
    with (
        RunningServer(scratch / "data") as server,
        RunningServer(scratch / "uncached", arguments=["--answer-cache-bytes", "0"]) as uncached,
        HttpBackend(root) as rival,
    ):
        ours, anew = (str(each.create_repository("repository")["remote"]) for each in (server, uncached))
        for remote in (ours, anew):
            git("push", "--quiet", "--mirror", remote, cwd=repository)
        yield Served(ours, anew, f"{rival.url}/repository.git", server)
