"""Purges by a real server, seen by stock git: what is gone is gone from history, forks and the past."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from server.cli import main
from tests.support.gauges import settles
from tests.support.git import git, git_result
from tests.support.repositories import commit_file, mirror_clone, work_clone
from tests.support.server import RunningServer

SECRET = b"password: hunter2\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("purges") / "data") as running:
        yield running


def purge(server: RunningServer, name: str, **target: str) -> Any:
    """Ask for it and wait for its end."""
    status, told = server.rest("POST", f"/v1/repos/{name}/purge", target)
    assert status == 200, told
    return ended(server, name)


def ended(server: RunningServer, name: str) -> Any:
    def job() -> Any:
        return server.rest("GET", f"/v1/repos/{name}/purge")[1]

    assert settles(lambda: job()["finishedAt"] is not None)
    return job()


class Pushed:
    """A repository with a secret in the middle of its history, under two names, and an annotated tag above it."""

    def __init__(self, server: RunningServer, name: str, path: Path) -> None:
        self.server, self.name = server, name
        self.remote = server.create_repository(name)["remote"]
        self.work = work_clone(self.remote, path / name)
        self.first = commit_file(self.work, "README", b"hello\n")
        commit_file(self.work, "config/secret", SECRET)
        git("mv", "config/secret", "moved", cwd=self.work)
        self.leaked = commit_file(self.work, "other", b"other\n")
        git("tag", "-a", "-m", "v1", "v1", cwd=self.work)
        git("rm", "-q", "moved", cwd=self.work)
        self.tip = commit_file(self.work, "README", b"hello again\n")
        git("push", "-q", "origin", "HEAD:refs/heads/main", "v1", f"{self.first}:refs/heads/first", cwd=self.work)
        self.blob = git("hash-object", "--stdin", cwd=self.work, stdin=SECRET).decode().strip()


def assert_clean(remote: str, path: Path, *gone: str) -> Path:
    """A clone is whole and has none of these objects."""
    clone = mirror_clone(remote, path)
    git("fsck", "--strict", "--full", cwd=clone)
    for oid in gone:
        assert git_result("cat-file", "-e", oid, cwd=clone).returncode
    return clone


@pytest.mark.parametrize("by", ["sha", "path"])
def test_a_purged_blob_is_gone_from_the_history(server: RunningServer, tmp_path: Path, by: str) -> None:
    pushed = Pushed(server, f"gone-{by}", tmp_path)
    job = purge(server, pushed.name, **({"sha": pushed.blob} if by == "sha" else {"path": "config/secret"}))
    assert (job["state"], job.get("error"), job["blobs"]) == ("done", None, 1)
    assert (job["rewrittenCommits"], job["rewrittenTags"]) == (3, 1)
    assert [each["ref"] for each in job["movedRefs"]] == ["refs/heads/main", "refs/tags/v1"]
    clone = assert_clean(pushed.remote, tmp_path / "clone", pushed.blob, pushed.leaked, pushed.tip)
    assert git("rev-parse", "refs/heads/first", cwd=clone).decode().strip() == pushed.first
    assert git("log", "--format=%s", "main", cwd=clone).split(b"\n")[:-1] == [b"Change a file"] * 4
    assert git("ls-tree", "-r", "--name-only", "v1", cwd=clone) == b"README\nother\n"


def test_nothing_leads_to_what_was_before_a_purge(server: RunningServer, tmp_path: Path) -> None:
    pushed = Pushed(server, "past", tmp_path)
    before = server.rest("GET", "/v1/repos/past/history")[1]
    reads = (f"commits?ref={pushed.tip}", f"tree?ref={pushed.leaked}", f"blob?sha={pushed.blob}")
    assert [server.rest("GET", f"/v1/repos/past/{read}")[0] for read in reads[:2]] == [200, 200]
    assert purge(server, "past", sha=pushed.blob)["state"] == "done"
    assert all(server.rest("GET", f"/v1/repos/past/{read}")[0] in {400, 404} for read in reads)
    history = server.rest("GET", "/v1/repos/past/history")[1]
    assert [each["kind"] for each in history] == ["purge"]
    for past in before:
        status, told = server.rest("POST", "/v1/repos/past/restore", {"manifest": past["manifest"]})
        assert (status, told["error"]["code"]) == (409, "state_gone")
    mirror = tmp_path / "wanting"
    git("init", "-q", "--bare", mirror)
    for oid in (pushed.blob, pushed.leaked, pushed.tip):
        assert git_result("fetch", "-q", pushed.remote, oid, cwd=mirror).returncode


def test_forks_and_sources_go_along(server: RunningServer, tmp_path: Path) -> None:
    pushed = Pushed(server, "source", tmp_path)
    for source, fork in (("source", "fork-one"), ("fork-one", "fork-two")):
        status, told = server.rest("POST", f"/v1/repos/{source}/forks", {"id": fork})
        assert status == 200, told
    status, minted = server.rest("POST", "/v1/repos/fork-two/tokens", {"scope": "write"})
    assert status == 200, minted
    job = purge(server, "fork-one", path="moved")
    assert (job["state"], job["purgedRepositories"]) == ("done", 3)
    assert job["stillHeld"]["repositories"] == []
    assert job["stillHeld"]["formerPacks"] >= 3
    remote = f"http://x:{minted['token']}@{pushed.remote.partition('@')[2].partition('/')[0]}/git/fork-two.git"
    assert_clean(remote, tmp_path / "two", pushed.blob, pushed.leaked)
    assert_clean(pushed.remote, tmp_path / "source-clone", pushed.blob, pushed.leaked)


def test_a_push_that_was_made_before_brings_nothing_back_unless_it_has_the_objects(
    server: RunningServer, tmp_path: Path
) -> None:
    pushed = Pushed(server, "late", tmp_path)
    assert purge(server, "late", sha=pushed.blob)["state"] == "done"
    git("fetch", "-q", "origin", cwd=pushed.work)
    git("reset", "-q", "--hard", "origin/main", cwd=pushed.work)
    commit_file(pushed.work, "after", b"after\n")
    git("push", "-q", "origin", "HEAD:main", cwd=pushed.work)
    assert_clean(pushed.remote, tmp_path / "clone", pushed.blob)


def test_a_purge_whose_server_was_killed_is_made_by_the_next(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        pushed = Pushed(server, "killed", tmp_path)
        status, told = server.rest("POST", "/v1/repos/killed/purge", {"path": "moved"})
        assert status == 200, told
        server.kill()
        with closing(sqlite3.connect(tmp_path / "data" / "catalog.sqlite")) as connection, connection:
            connection.execute("UPDATE job SET expires_at_ms = 0 WHERE state = 'running'")
        server.start()
        assert ended(server, "killed")["state"] == "done"
        remote = pushed.remote[: pushed.remote.rindex("@") + 1] + server.url.removeprefix("http://") + "/git/killed.git"
        assert_clean(remote, tmp_path / "clone", pushed.blob, pushed.leaked)


def test_the_command_line_purges_and_tells_what_is_held_still(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PACKHOUSE_TOKEN", server.admin_token)
    pushed = Pushed(server, "command", tmp_path)

    def run(*words: str) -> Any:
        return CliRunner().invoke(main, ["--server", server.url, "repo", *words])

    ended = run("purge", "command", "--path", "moved")
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.startswith("done: 1 contents, 3 commits, 2 refs moved")
    assert "Backups hold" in run("purge-status", "command").stdout
    assert run("purge", "command").exit_code == 2
    failed = run("purge", "command", "--path", "moved")
    assert (failed.exit_code, "no commit has a file" in failed.output) == (1, True)
    assert_clean(pushed.remote, tmp_path / "clone", pushed.blob)
