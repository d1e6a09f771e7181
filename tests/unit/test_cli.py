"""The commands on a data directory: what they do, what they print, how they end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from packengine.repository import Engine
from packengine.storage.ports import TokenScope
from server.auth import hash_token, token_id
from server.cli import main

Run = Callable[..., Result]
RunJson = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ARTIFACTS_ADMIN_TOKEN", "PACKHOUSE_SERVER", "PACKHOUSE_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(data_dir: Path) -> Run:
    """A command on the data directory."""

    def invoke(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(main, [*arguments, "--data-dir", str(data_dir)], input=stdin)

    return invoke


@pytest.fixture
def run_json(run: Run) -> RunJson:
    """A command that succeeds, and what it tells programs."""

    def invoke(*arguments: str, stdin: str | None = None) -> Any:
        result = run(*arguments, "--json", stdin=stdin)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return invoke


@pytest.fixture
def engine(data_dir: Path) -> Iterator[Engine]:
    engine = Engine.open(data_dir)
    yield engine
    engine.close()


def test_version_is_the_packages() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"packhouse, version {version('packhouse')}\n"


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["serve"],
        ["repo", "create"],
        ["repo", "fork"],
        ["repo", "list"],
        ["repo", "show"],
        ["repo", "delete"],
        ["token", "mint"],
        ["token", "list"],
        ["repo", "undelete"],
        ["repo", "update"],
        ["repo", "history"],
        ["repo", "restore"],
        ["repo", "import"],
        ["repo", "import-status"],
        ["repo", "purge"],
        ["repo", "purge-status"],
        ["token", "revoke"],
        ["token", "rotate"],
        ["commit"],
        ["log"],
        ["tree"],
        ["cat"],
        ["diff"],
        ["compare"],
        ["merge"],
        ["sync"],
        ["refs", "list"],
        ["refs", "move"],
        ["refs", "delete"],
        ["notes", "show"],
        ["notes", "write"],
        ["notes", "delete"],
        ["protect", "show"],
        ["protect", "set"],
        ["protect", "remove"],
        ["archive"],
        ["maintain"],
        ["fsck"],
        ["import"],
        ["export"],
    ],
)
def test_every_command_explains_itself(command: list[str]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])
    assert result.exit_code == 0
    if command:
        assert "--data-dir" in result.output


def test_created_repository_has_the_token_that_was_printed(run_json: RunJson, engine: Engine) -> None:
    made = run_json("repo", "create", "my-repo", "--owner", "alice", "--default-branch", "trunk")
    assert made["id"] == "my-repo"
    assert made["remote"] == f"http://x:{made['token']}@127.0.0.1:8787/git/my-repo.git"
    token = engine.catalog.token(hash_token(made["token"]))
    record = engine.catalog.repository("my-repo")
    assert token is not None
    assert record is not None
    assert (token.scope, token.repository_id, record.owner) == (TokenScope.WRITE, "my-repo", "alice")


def test_creation_prints_facts_for_people(run: Run) -> None:
    result = run("repo", "create")
    assert re.fullmatch(r"id +[a-z0-9]{24}\ntoken +\S{43}\nremote +http://x:\S+\n", result.stdout)


def test_fork_and_list_and_show(run: Run, run_json: RunJson) -> None:
    run_json("repo", "create", "source")
    fork = run_json("repo", "fork", "source", "fork", "--read-only")
    listed = run_json("repo", "list")
    assert [(item["id"], item.get("sourceId"), item["readOnly"]) for item in listed] == [
        ("fork", "source", True),
        ("source", None, False),
    ]
    assert run_json("repo", "show", "source")["forkCount"] == 1
    assert run_json("token", "list", "fork")[0]["scope"] == "read"
    assert fork["token"] not in run("token", "list", "fork").output
    assert run("repo", "list").output.splitlines()[1].split()[:3] == ["fork", "-", "source"]
    assert re.search(r"^forks +1$", run("repo", "show", "source").output, re.MULTILINE)


def test_empty_list_prints_nothing(run: Run, run_json: RunJson) -> None:
    run("repo", "create", "gone")
    run("repo", "delete", "gone")
    assert run("repo", "list").output == ""
    assert run_json("repo", "list") == []


def test_deletion_is_refused_while_forks_live(run: Run, run_json: RunJson) -> None:
    run_json("repo", "create", "source")
    run_json("repo", "fork", "source", "fork")
    refused = run("repo", "delete", "source")
    assert refused.exit_code == 1
    assert "source has 1 live fork" in refused.stderr
    assert run_json("repo", "delete", "source", "--cascade") == {"deleted": ["fork", "source"]}
    assert run_json("repo", "list") == []


def test_forced_deletion_leaves_forks(run: Run, run_json: RunJson) -> None:
    run_json("repo", "create", "source")
    run_json("repo", "fork", "source", "fork")
    assert run("repo", "delete", "source", "--force").output == "source\n"
    assert [item["id"] for item in run_json("repo", "list")] == ["fork"]


def test_force_and_cascade_exclude_each_other(run: Run) -> None:
    assert run("repo", "delete", "source", "--force", "--cascade").exit_code == 2


@pytest.mark.parametrize(
    "command",
    [
        ["repo", "show", "missing"],
        ["repo", "fork", "missing"],
        ["repo", "delete", "missing"],
        ["repo", "create", "NO"],
        ["repo", "create", "--default-branch", "a..b"],
        ["token", "list", "missing"],
        ["token", "mint", "missing"],
        ["token", "revoke", "missing", "x"],
        ["maintain", "missing"],
        ["fsck", "missing"],
        ["export", "missing", "nowhere"],
    ],
)
def test_failure_is_one_sentence_on_stderr_and_status_1(run: Run, command: list[str]) -> None:
    result = run(*command)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert re.fullmatch(r"Error: [^\n]+\n", result.stderr)


def test_minted_token_has_scope_expiry_and_label(run_json: RunJson) -> None:
    run_json("repo", "create", "repo")
    made = run_json("token", "mint", "repo", "--scope", "read", "--ttl-seconds", "60", "--label", "of ci")
    newest = run_json("token", "list", "repo")[0]
    assert (newest["scope"], newest["label"], newest["expires_at"]) == ("read", "of ci", made["expiresAt"])
    assert newest["expires_at"] == newest["created_at"] + 60


def test_token_is_revoked_by_its_id_by_itself_or_from_stdin(run: Run, run_json: RunJson) -> None:
    run_json("repo", "create", "repo")
    minted = [run_json("token", "mint", "repo")["token"] for _ in range(3)]
    assert run_json("token", "revoke", "repo", token_id(hash_token(minted[0]))) == {"revoked": True}
    assert run_json("token", "revoke", "repo", minted[1]) == {"revoked": True}
    assert run_json("token", "revoke", "repo", "-", stdin=f"{minted[2]}\n") == {"revoked": True}
    assert len(run_json("token", "list", "repo")) == 1
    again = run("token", "revoke", "repo", minted[1])
    assert (again.exit_code, again.stderr) == (1, "Error: repo has no live token of that name\n")


def test_token_of_another_repository_is_not_revoked(run: Run, run_json: RunJson) -> None:
    token = run_json("repo", "create", "mine")["token"]
    run_json("repo", "create", "other")
    assert run("token", "revoke", "other", token).exit_code == 1
    assert len(run_json("token", "list", "mine")) == 1


def test_data_directory_may_come_from_environment_or_file(tmp_path: Path) -> None:
    toml = tmp_path / "packhouse.toml"
    toml.write_text(f"data_dir = '{tmp_path}/from-file'\npublic_base_url = 'https://git.example.com'\n")
    made = CliRunner().invoke(main, ["repo", "create", "repo", "--config", str(toml), "--json"])
    assert json.loads(made.stdout)["remote"].endswith("@git.example.com/git/repo.git")
    environment = {"ARTIFACTS_DATA_DIR": f"{tmp_path}/from-file"}
    environment["ARTIFACTS_BIND"] = "0.0.0.0:8787"  # which concerns a server only
    listed = CliRunner().invoke(main, ["repo", "list", "--json"], env=environment)
    assert [item["id"] for item in json.loads(listed.stdout)] == ["repo"]


def test_unusable_setting_is_status_2(tmp_path: Path) -> None:
    toml = tmp_path / "packhouse.toml"
    toml.write_text("wrokers = 3")
    result = CliRunner().invoke(main, ["serve", "--config", str(toml)])
    assert result.exit_code == 2
    assert "unknown key 'wrokers'" in result.stderr


def test_bind_beyond_loopback_is_refused_by_serve() -> None:
    result = CliRunner().invoke(main, ["serve", "--bind", "0.0.0.0:0"])
    assert result.exit_code == 2
    assert "--allow-insecure" in result.stderr


def test_output_that_nobody_reads_is_no_error_to_speak_of(run_json: RunJson, data_dir: Path) -> None:
    run_json("repo", "create", "repo")
    nobody, output = os.pipe()
    os.close(nobody)
    command = [sys.executable, "-P", "-m", "server.cli", "repo", "list", "--data-dir", str(data_dir)]
    ended = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, check=False)
    os.close(output)
    assert ended.stderr == b""


def test_data_directory_that_is_a_file_is_status_1(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("")
    result = CliRunner().invoke(main, ["repo", "list", "--data-dir", str(taken)])
    assert result.exit_code == 1
    assert str(taken) in result.stderr
