"""Imports by a real server: with several workers, over a kill, and over a restart in order."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.gauges import settles
from tests.support.git import git, object_ids, refs
from tests.support.remotes import Exchange, http_backend, serving
from tests.support.repositories import mirror_clone
from tests.support.scripted_remote import script
from tests.support.server import RunningServer

ARGUMENTS = ("--import-allow-private", "true")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "data", arguments=ARGUMENTS) as running:
        yield running


def ask(server: RunningServer, url: str, **fields: object) -> None:
    status, told = server.rest("POST", "/v1/repos/repo/import", {"url": url, **fields})
    assert status == 200, told


def ended(server: RunningServer) -> Any:
    """The job, once it has."""

    def job() -> Any:
        return server.rest("GET", "/v1/repos/repo/import")[1]

    assert settles(lambda: job()["finishedAt"] is not None)
    return job()


def test_a_server_imports_from_stock_git(server: RunningServer, small_repo: Path, tmp_path: Path) -> None:
    served = tmp_path / "served"
    served.mkdir()
    mirror_clone(small_repo, served / "a.git")
    remote = server.create_repository("repo")["remote"]
    with http_backend(served) as origin:
        ask(server, f"{origin.url}/a.git", mirror=True)
        job = ended(server)
    assert (job["state"], job.get("error")) == ("done", None)
    ours = mirror_clone(remote, tmp_path / "ours")
    assert git("ls-remote", remote) == git("ls-remote", served / "a.git")
    assert refs(ours) == refs(served / "a.git")
    assert object_ids(ours) == object_ids(served / "a.git")


class Paused:
    """The first fetch waits until the test goes on; the later ones do not."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        if b"command=fetch" in exchange.body and not self.reached.is_set():
            self.reached.set()
            self.go_on.wait(60)
        script()(exchange)


def test_a_job_whose_server_was_killed_is_taken_up_again(server: RunningServer, tmp_path: Path) -> None:
    remote = server.create_repository("repo")["remote"]
    paused = Paused()
    with serving(paused) as origin:
        ask(server, f"{origin.url}/a", token="secret")
        assert paused.reached.wait(30)
        server.kill()
        paused.go_on.set()
        _let_time_pass(tmp_path / "data")
        server.start()
        job = ended(server)
    assert (job["state"], job["movedRefs"]) == ("done", 1)
    assert b"refs/tags/blob" in git("ls-remote", _moved(remote, server))
    fetches = [each for each in origin.requests if b"command=fetch" in each.body]
    assert len(fetches) == 2
    assert all("Authorization" in each.headers for each in fetches)


def test_a_job_is_given_back_when_its_server_stops_in_order(server: RunningServer) -> None:
    server.create_repository("repo")
    paused = Paused()
    with serving(paused) as origin:
        ask(server, f"{origin.url}/a")
        assert paused.reached.wait(30)
        assert server.stop() == 0
        paused.go_on.set()
        server.start()
        job = ended(server)
    assert job["state"] == "done"


def _let_time_pass(data_dir: Path) -> None:
    """As if the holder's time were over."""
    with closing(sqlite3.connect(data_dir / "catalog.sqlite")) as connection, connection:
        assert connection.execute("UPDATE job SET expires_at_ms = 0 WHERE state = 'running'").rowcount == 1


def _moved(remote: str, server: RunningServer) -> str:
    """The remote's URL at the port where the server listens now."""
    return remote[: remote.rindex("@") + 1] + server.url.removeprefix("http://") + remote[remote.index("/git/") :]
