"""A running server for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.git import git
from tests.support.http_servers import Repository, new_repository
from tests.support.http_wire import RawConnection
from tests.support.repositories import commit_file
from tests.support.server import RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Two workers over a data folder of their own, shared by the tests of one module."""
    with RunningServer(tmp_path_factory.mktemp("served") / "data") as running:
        yield running


@pytest.fixture
def remote(server: RunningServer) -> str:
    """The URL, with its write token, of a fresh empty repository."""
    return str(server.create_repository()["remote"])


@pytest.fixture
def work(remote: str, tmp_path: Path) -> Path:
    """A clone of the fresh repository, with one commit pushed to main."""
    path = tmp_path / "work"
    git("init", "--quiet", "-b", "main", path)
    git("remote", "add", "origin", remote, cwd=path)
    commit_file(path, "README", b"a first line\n", "Begin")
    git("push", "--quiet", "origin", "main", cwd=path)
    return path


@pytest.fixture
def repository(server: RunningServer) -> Repository:
    """A fresh empty repository, and what its owner knows of it."""
    return new_repository(server)


@pytest.fixture
def connection(server: RunningServer) -> Iterator[RawConnection]:
    """A connection of HTTP/1.1 by hand."""
    with RawConnection(server.url) as opened:
        yield opened
