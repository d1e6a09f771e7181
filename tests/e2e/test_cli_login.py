"""`packhouse login`: which place a command works on, and how the login is kept."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.cli import main
from tests.support.server import RunningServer

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command with a configuration folder of its own, in a folder without data."""
    monkeypatch.chdir(tmp_path)
    for name in ("PACKHOUSE_SERVER", "PACKHOUSE_TOKEN", "ARTIFACTS_DATA_DIR", "ARTIFACTS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return lambda *arguments, **options: CliRunner().invoke(main, arguments, **options)


def test_after_a_login_commands_work_on_that_server_and_say_so(run: Run, server: RunningServer, tmp_path: Path) -> None:
    ended = run("login", "--server", f"{server.url}/", "--token", "-", input=f"{server.admin_token}\n")
    assert ended.exit_code == 0, ended.output
    assert stat.S_IMODE((tmp_path / "config/packhouse/login.json").stat().st_mode) == 0o600
    made = run("repo", "create", "by-login")
    assert (made.exit_code, made.stderr) == (0, f"on {server.url}\n")
    assert server.rest("GET", "/v1/repos/by-login")[0] == 200
    assert not (tmp_path / "data").exists()
    assert run("logout").exit_code == 0
    after = run("repo", "list")
    assert (after.exit_code, after.stderr.splitlines()[0]) == (1, f"on {tmp_path / 'data'}")


def test_a_token_can_be_typed_without_being_shown(
    run: Run, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.cli.login._is_at_terminal", lambda: True)
    ended = run("login", "--server", server.url, input=f"{server.admin_token}\n")
    assert ended.exit_code == 0, ended.output
    assert "Token: " in ended.stderr
    assert server.admin_token not in ended.output


def test_without_a_terminal_the_token_is_read_and_not_asked_for(run: Run, server: RunningServer) -> None:
    ended = run("login", "--server", server.url, input=f"{server.admin_token}\n")
    assert (ended.exit_code, ended.stderr.count("\n")) == (0, 1), ended.output
    assert ended.stderr.startswith(f"logged in to {server.url}; ")


def test_a_token_that_the_server_does_not_take_is_not_kept(run: Run, server: RunningServer, tmp_path: Path) -> None:
    ended = run("login", "--server", server.url, "--token", "wrong")
    assert (ended.exit_code, ended.stderr) == (1, f"Error: {server.url} does not take this token\n")
    assert not (tmp_path / "config").exists()


def test_a_server_may_be_named_before_the_command_or_after_it(
    run: Run, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKHOUSE_TOKEN", server.admin_token)
    assert run("--server", server.url, "repo", "create", "before").stderr == ""
    assert run("repo", "show", "before", "--server", server.url).exit_code == 0
    monkeypatch.setenv("PACKHOUSE_SERVER", server.url)
    assert run("repo", "show", "before").exit_code == 0


def test_a_data_directory_that_is_named_comes_before_a_login(run: Run, server: RunningServer, tmp_path: Path) -> None:
    run("login", "--server", server.url, "--token", server.admin_token)
    assert run("repo", "create", "local-one", "--data-dir", str(tmp_path / "named")).exit_code == 0
    assert server.rest("GET", "/v1/repos/local-one")[0] == 404


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["repo", "list", "--server", "http://x", "--data-dir", "d"], "exclude each other"),
        (["--server", "http://x", "fsck"], "works on a data directory"),
        (["repo", "list", "--server", "x"], "a server is a URL"),
        (["repo", "import", "some", "https://h/r.git", "--data-dir", "d"], "a server does imports"),
        (["repo", "create", "--owner", "ann", "--server", "http://x"], "--owner is for --data-dir"),
        (["login"], "no server is named"),
        (["login", "--server", "http://x"], "no token on stdin"),
        (["cat", "some", "f", "--server", "http://x", "--range", "9-2"], "not of the form FIRST-LAST"),
        (["cat", "some", "f", "--server", "http://x", "--range", "abc"], "not of the form FIRST-LAST"),
        (["protect", "set", "some", "refs/heads/a", "--server", "http://x"], "say what to forbid"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_to_do(run: Run, arguments: list[str], said: str) -> None:
    ended = run(*arguments)
    assert ended.exit_code == 2
    assert said in ended.stderr


def test_no_answer_is_a_status_of_its_own(run: Run) -> None:
    ended = run("repo", "create", "--server", "http://127.0.0.1:1")
    assert ended.exit_code == 6
    assert "http://127.0.0.1:1" in ended.stderr


def test_a_token_that_is_refused_and_a_folder_that_is_not_there_say_what_to_do(run: Run, server: RunningServer) -> None:
    refused = run("repo", "list", "--server", server.url)
    assert (refused.exit_code, "packhouse login" in refused.stderr) == (1, True)
    nowhere = run("repo", "list")
    assert (nowhere.exit_code, "give --server or --data-dir, or run `packhouse login`" in nowhere.stderr) == (1, True)
