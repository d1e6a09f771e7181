"""One server for all clients, and each client once for every test."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.clients.builds import ToolMissing
from tests.support.clients.client import Client, ClientFailed, Remote
from tests.support.clients.forks import fork_of, remote_of
from tests.support.clients.limits import FEATURES, LIMITS, Limit
from tests.support.clients.matrix import NAMES, find_client
from tests.support.git import git
from tests.support.repositories import commit_file
from tests.support.server import RunningServer


@pytest.fixture(scope="session", params=NAMES)
def client(request: pytest.FixtureRequest) -> Client:
    """Each client in turn. One that the machine lacks is skipped, unless PACKHOUSE_REQUIRE_CLIENTS is set."""
    try:
        return find_client(request.param)
    except ToolMissing as error:
        if os.environ.get("PACKHOUSE_REQUIRE_CLIENTS"):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Two workers."""
    with RunningServer(tmp_path_factory.mktemp("served") / "data") as running:
        yield running


@pytest.fixture
def empty(server: RunningServer) -> Remote:
    """A repository without a ref."""
    return remote_of(server.create_repository())


@pytest.fixture(scope="session")
def source_id(server: RunningServer, small_repo: Path) -> str:
    """The repository on the server that has all of `small_repo`."""
    created = server.create_repository()
    git("push", "--quiet", "--mirror", created["remote"], cwd=small_repo)
    return str(created["id"])


@pytest.fixture
def stocked(server: RunningServer, source_id: str) -> Remote:
    """A repository of the test's own, with all of `small_repo` in it."""
    return fork_of(server, source_id)


@pytest.fixture
def work(stocked: Remote, tmp_path: Path) -> Path:
    """A clone of `stocked` that stock Git made, its remote without credentials."""
    path = tmp_path / "work"
    git("clone", "--quiet", "--no-checkout", stocked.with_token, path)
    git("remote", "set-url", "origin", stocked.url, cwd=path)
    return path


@pytest.fixture
def fresh(empty: Remote, tmp_path: Path) -> Path:
    """A repository of one commit on main whose origin is `empty`."""
    path = tmp_path / "fresh"
    git("init", "--quiet", "-b", "main", path)
    git("remote", "add", "origin", empty.url, cwd=path)
    commit_file(path, "README", b"a first line\n", "Begin")
    return path


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Where a client has a limit the test of the feature must fail, and in the way that the limit says."""
    limit = _limit(pyfuncitem)
    if limit is None:
        return (yield)
    with pytest.raises((ClientFailed, AssertionError), match=limit.says):
        yield
    return True


def _limit(test: pytest.Function) -> Limit | None:
    client, feature = test.funcargs["client"], _feature(test)
    assert isinstance(client, Client)
    return LIMITS.get((client.name, feature))


def _feature(test: pytest.Function) -> str:
    """The row of docs/clients.md, which must name this test."""
    mark = test.get_closest_marker("feature")
    assert mark is not None, "a test of the matrix says which feature it backs"
    assert FEATURES[mark.args[0]] == f"{test.path.name}::{test.originalname}"
    return str(mark.args[0])
