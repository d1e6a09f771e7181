"""Rotation, revocation, rates and quotas as clients of a server with two workers find them, stock Git among them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from tests.support.git import git, git_result
from tests.support.repositories import commit_file
from tests.support.server import RunningServer
from tests.support.web_tokens import SECRET, by_secret, token

ROUNDS = 8
"""Each request is a connection of its own, and goes to whichever worker takes it first."""


def by(subject: str, secret: bytes = SECRET) -> str:
    return token(by_secret(secret), {"sub": subject, "exp": time.time() + 3600})


def start(data_dir: Path) -> RunningServer:
    limits = ["--rate-token", "20/1h", "--max-repos-per-user", "3", "--max-repo-bytes", "100000"]
    environment = {"ARTIFACTS_JWT_SECRET": SECRET.decode()}
    return RunningServer(data_dir, workers=2, arguments=limits, environment=environment)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with start(tmp_path_factory.mktemp("server") / "data") as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RunningServer]:
    """For a test that changes its keys."""
    with start(tmp_path / "data") as running:
        yield running


def statuses(server: RunningServer, credentials: str, path: str = "/v1/repos") -> set[int]:
    return {server.rest("GET", path, token=credentials)[0] for _ in range(ROUNDS)}


def test_a_rotated_admin_token_counts_on_every_worker_at_once_and_after_a_restart(own_server: RunningServer) -> None:
    old = own_server.admin_token
    for _ in range(3):
        status, answer = own_server.rest("POST", "/v1/admin/token/rotate")
        assert status == 200
        assert statuses(own_server, own_server.admin_token) == {401}
        own_server.admin_token = answer["token"]
        assert statuses(own_server, own_server.admin_token) == {200}
    own_server.restart()  # with the token that was configured first
    assert statuses(own_server, old) == {401}
    assert statuses(own_server, own_server.admin_token) == {200}
    assert own_server.admin_token not in own_server.log


def test_a_rotated_jwt_key_counts_on_every_worker_at_once_and_after_a_restart(own_server: RunningServer) -> None:
    assert statuses(own_server, by("alice")) == {200}
    answer = own_server.rest("POST", "/v1/admin/jwt-key/rotate")[1]
    assert answer["persisted"] is True
    assert statuses(own_server, by("alice")) == {401}
    assert statuses(own_server, by("alice", answer["key"].encode())) == {200}
    own_server.restart()
    assert statuses(own_server, by("alice")) == {401}
    assert statuses(own_server, by("alice", answer["key"].encode())) == {200}
    assert answer["key"] not in own_server.log


def test_revoked_and_rotated_tokens_are_refused_by_git_at_once(server: RunningServer) -> None:
    made = server.create_repository("repo")
    assert git_result("ls-remote", made["remote"]).returncode == 0
    status, rotated = server.rest("POST", "/v1/repos/repo/tokens/rotate", {})
    assert (status, rotated["revoked"]) == (200, 1)
    for _ in range(ROUNDS):
        assert git_result("ls-remote", made["remote"]).returncode != 0
        assert git_result("ls-remote", rotated["remote"]).returncode == 0
    assert server.rest("POST", "/v1/tokens/revoke", {"token": rotated["token"]}) == (200, {"revoked": True})
    for _ in range(ROUNDS):
        assert git_result("ls-remote", rotated["remote"]).returncode != 0


def test_a_rate_is_one_for_all_workers(server: RunningServer) -> None:
    server.rest("POST", "/v1/repos", {"id": "alices"}, token=by("alice"))
    with ThreadPoolExecutor(8) as pool:
        credentials = by("alice")
        answers = list(pool.map(lambda _: server.rest("GET", "/v1/repos/alices/tokens", token=credentials), range(40)))
    assert [status for status, _ in answers].count(200) == 20
    limited = [answer["error"] for status, answer in answers if status == 429]
    assert len(limited) == 20
    assert {error["code"] for error in limited} == {"rate_limited"}
    assert statuses(server, server.admin_token, "/v1/repos/alices/tokens") == {200}


def test_no_race_of_workers_passes_a_quota(server: RunningServer) -> None:
    credentials = by("carol")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.rest("POST", "/v1/repos", {}, token=credentials), range(12)))
    assert [status for status, _ in answers].count(200) == 3
    refused = [answer["error"] for status, answer in answers if status != 200]
    assert {(error["code"], error["subject"], error["limit"]) for error in refused} == {("quota_exceeded", "carol", 3)}


def anonymous_url(server: RunningServer, repository_id: str) -> str:
    return f"{server.url}/git/{repository_id}.git"


def test_anybody_clones_what_is_public_and_nobody_pushes_to_it(server: RunningServer, tmp_path: Path) -> None:
    made = server.create_repository("open-one", visibility="public")
    work = tmp_path / "work"
    git("clone", "-q", made["remote"], work)
    commit_file(work, "file", b"content\n")
    git("push", "-q", "origin", "HEAD:refs/heads/main", cwd=work)

    url = anonymous_url(server, "open-one")
    git("clone", "-q", url, tmp_path / "clone")
    assert (tmp_path / "clone" / "file").read_bytes() == b"content\n"
    git("remote", "set-url", "origin", url, cwd=work)
    refused = git_result("push", "origin", "HEAD:refs/heads/other", cwd=work)
    assert refused.returncode != 0
    assert b"Username" in refused.stderr  # asked for credentials, which nobody gives

    assert server.rest("PATCH", "/v1/repos/open-one", {"visibility": "private"})[0] == 200
    for _ in range(ROUNDS):
        assert git_result("ls-remote", url).returncode != 0
    missing = git_result("ls-remote", anonymous_url(server, "missing"))
    assert missing.stderr.replace(b"missing", b"open-one") == git_result("ls-remote", url).stderr


def test_a_token_moves_the_refs_of_its_patterns_only(server: RunningServer, tmp_path: Path) -> None:
    made = server.create_repository("patterns")
    body = {"scope": "write", "refs": ["refs/heads/agent/*"]}
    agent = server.rest("POST", "/v1/repos/patterns/tokens", body)[1]
    work = tmp_path / "work"
    git("clone", "-q", made["remote"], work)
    commit_file(work, "file", b"content\n")
    git("push", "-q", "origin", "HEAD:refs/heads/main", cwd=work)

    commit_file(work, "file", b"more\n")
    both = git_result("push", agent["remote"], "HEAD:refs/heads/main", "HEAD:refs/heads/agent/one", cwd=work)
    assert both.returncode != 0
    assert b"[remote rejected] HEAD -> main" in both.stderr
    listed = git("ls-remote", made["remote"]).decode()
    assert "refs/heads/agent/one" in listed
    assert git("rev-parse", "HEAD~1", cwd=work).decode().strip() + "\trefs/heads/main" in listed


def test_a_push_that_makes_a_repository_too_large_is_refused_in_its_report(
    server: RunningServer, tmp_path: Path
) -> None:
    made = server.create_repository("too-large")
    work = tmp_path / "work"
    git("clone", "-q", made["remote"], work)
    commit_file(work, "small", b"content\n")
    git("push", "-q", "origin", "HEAD:refs/heads/main", cwd=work)
    commit_file(work, "large", _noise(150_000))

    refused = git_result("push", "origin", "HEAD:refs/heads/main", cwd=work)
    assert refused.returncode != 0
    assert b"[remote rejected] HEAD -> main (too-large would have " in refused.stderr
    assert b"bytes, the limit is 100000)" in refused.stderr
    assert server.rest("GET", "/v1/repos/too-large")[1]["sizeBytes"] < 1000
    git("push", "-q", "origin", "HEAD~1:refs/heads/still-fine", cwd=work)


def _noise(size_bytes: int) -> bytes:
    """What does not compress."""
    return Random(1).randbytes(size_bytes)
