"""`packhouse repo import`: a repository filled from another server's, watched until it is done."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from tests.support.git import refs
from tests.support.remotes import http_backend
from tests.support.repositories import mirror_clone
from tests.support.server import RunningServer

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data_dir = tmp_path_factory.mktemp("served") / "data"
    with RunningServer(data_dir, workers=1, arguments=("--import-allow-private", "true")) as running:
        yield running


@pytest.fixture
def run(server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PACKHOUSE_TOKEN", server.admin_token)
    return lambda *words: CliRunner().invoke(main, ["--server", server.url, "repo", *words])


@pytest.fixture
def origin(small_repo: Path, tmp_path: Path) -> Iterator[str]:
    served = tmp_path / "served"
    served.mkdir()
    mirror_clone(small_repo, served / "a.git")
    with http_backend(served) as running:
        yield f"{running.url}/a.git"


def test_an_import_makes_the_repository_and_shows_how_far_it_is(
    run: Run, origin: str, tmp_path: Path, server: RunningServer
) -> None:
    ended = run("import", "imported", origin, "--mirror")
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.startswith("done: ")
    assert "objects" in ended.stderr
    shown = server.rest("GET", "/v1/repos/imported")[1]["refs"]
    assert {ref["name"] for ref in shown} == set(refs(tmp_path / "served/a.git")) - {"HEAD"}
    again = json.loads(run("import-status", "imported", "--json").stdout)
    assert (again["state"], again["url"]) == ("done", origin)


def test_an_import_that_fails_says_why(run: Run, origin: str) -> None:
    ended = run("import", "nothing-there", origin.replace("a.git", "b.git"))
    assert ended.exit_code == 1
    assert ended.stderr.splitlines()[-1].startswith(f"Error: the import of {origin.replace('a.git', 'b.git')} failed: ")


def test_an_import_can_be_asked_for_and_not_waited_for(run: Run, origin: str) -> None:
    ended = run("import", "later", origin, "--no-wait", "--json")
    assert json.loads(ended.stdout)["state"] in {"queued", "running", "done"}


def test_an_import_that_is_refused_leaves_no_repository_that_was_made_for_it(run: Run, server: RunningServer) -> None:
    ended = run("import", "made-for-it", "git@example.com:a.git")
    assert (ended.exit_code, ended.stderr.startswith("Error: url: ")) == (1, True), ended.stderr
    assert server.rest("GET", "/v1/repos/made-for-it")[0] == 404
    server.rest("POST", "/v1/repos", {"id": "was-there"})
    assert run("import", "was-there", "git@example.com:a.git").exit_code == 1
    assert server.rest("GET", "/v1/repos/was-there")[0] == 200


def test_ctrl_c_stops_waiting_and_says_that_the_import_goes_on(
    run: Run, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("server.cli.repo_import.time.sleep", interrupted)
    ended = run("import", "waited-for", origin)
    assert (ended.exit_code, "the import goes on" in ended.stderr) == (130, True), ended.output
    assert run("import-status", "waited-for").exit_code == 0
