"""Law 10: a server killed in the middle of a push comes back with the last published state, and it clones."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
from base64 import b64encode
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.git import git
from tests.support.raw_packs import NULL
from tests.support.repositories import assert_same_repository, commit_file, mirror_clone, stored_files
from tests.support.server import RunningServer
from tests.support.wire_client import push_request


def moved(remote: str, server: RunningServer) -> str:
    """The same remote at the port of the newest start."""
    url = urlsplit(remote)
    return f"http://x:{url.password}@{urlsplit(server.url).netloc}{url.path}"


def half_a_push(remote: str, commands: bytes, pack: bytes) -> http.client.HTTPConnection:
    """A push that stops in the middle of its pack, its connection still open."""
    url = urlsplit(remote)
    assert url.hostname is not None
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    connection.putrequest("POST", f"{url.path}/git-receive-pack")
    connection.putheader("Authorization", "Basic " + b64encode(f"x:{url.password}".encode()).decode())
    connection.putheader("Content-Type", "application/x-git-receive-pack-request")
    connection.putheader("Content-Length", str(len(commands) + len(pack)))
    connection.endheaders(commands + pack[: len(pack) * 9 // 10])
    return connection


def test_a_server_killed_in_the_middle_of_a_push_comes_back_as_it_was(
    small_repo: Path, medium_repo: Path, tmp_path: Path
) -> None:
    with RunningServer(tmp_path / "data") as server:
        remote = server.create_repository()["remote"]
        git("push", "--quiet", "--mirror", remote, cwd=small_repo)
        before = stored_files(server.data_dir)
        pack = next((medium_repo / "objects" / "pack").glob("*.pack")).read_bytes()
        tip = bytes.fromhex(git("rev-parse", "HEAD", cwd=medium_repo).decode().strip())
        connection = half_a_push(remote, push_request([(NULL, tip, b"refs/heads/new")]), pack)
        wait_for_quarantine(server.data_dir)
        server.kill()
        connection.close()
        server.start()
        assert stored_files(server.data_dir) == before
        remote = moved(remote, server)
        assert_same_repository(small_repo, mirror_clone(remote, tmp_path / "clone"))
        git("push", "--quiet", remote, "HEAD:refs/heads/new", cwd=medium_repo)
        status, _ = server.rest("GET", f"/v1/repos/{urlsplit(remote).path.split('/')[2].removesuffix('.git')}")
        assert status == 200


def wait_for_quarantine(data_dir: Path) -> None:
    """Until the server has begun to write the pack: it has, once the file is there."""
    for _ in range(10_000):
        if any((data_dir / "quarantine").iterdir()):
            return
        os.sched_yield()
    pytest.fail("nothing came into quarantine")


def test_no_acknowledged_push_is_lost_when_workers_are_killed(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        remote = server.create_repository()["remote"]
        work = tmp_path / "work"
        git("init", "--quiet", "-b", "main", work)
        for number in range(6):
            acknowledged = commit_file(work, "file", b"%d\n" % number)
            git("push", "--quiet", moved(remote, server), "main", cwd=work)
            server.kill()
            server.start()
            listed = git("ls-remote", moved(remote, server), "refs/heads/main").decode()
            assert listed.startswith(acknowledged)


def test_a_push_goes_through_although_the_other_worker_dies(tmp_path: Path, small_repo: Path) -> None:
    with RunningServer(tmp_path / "data") as server:
        remote = server.create_repository()["remote"]
        os.kill(server.worker_pids()[0], signal.SIGKILL)
        copy = shutil.copytree(small_repo, tmp_path / "copy")
        git("push", "--quiet", "--mirror", remote, cwd=copy)
        assert_same_repository(small_repo, mirror_clone(remote, tmp_path / "clone"))
