"""The floor of the benchmarks is one only if stock Git gets from it what it got from a server, without that server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.support.crowd import answers_at_once
from benchmarks.support.floor import Floor
from benchmarks.support.null_client import BadAnswer, clone, request
from benchmarks.support.real_git import Pusher
from tests.support.git import git, git_result, object_ids, refs
from tests.support.raw_packs import pack_of
from tests.support.repositories import mirror_clone
from tests.support.server import RunningServer
from tests.support.wire_client import parse_push_report, push_request


class Replayed:
    """A server, the floor before it, and the address of a repository by either way."""

    def __init__(self, server: RunningServer, floor: Floor, remote: str) -> None:
        self.server = server
        self.remote = remote
        self.address = floor.url_of(remote)


@pytest.fixture
def replayed(tmp_path: Path, small_repo: Path) -> Iterator[Replayed]:
    """With the small history."""
    with RunningServer(tmp_path / "data") as server, Floor(server.url) as floor:
        remote = server.create_repository("repository")["remote"]
        git("push", "--quiet", "--mirror", remote, cwd=small_repo)
        yield Replayed(server, floor, remote)


def test_a_clone_is_answered_again_when_the_server_is_gone(
    replayed: Replayed, small_repo: Path, tmp_path: Path
) -> None:
    mirror_clone(replayed.address, tmp_path / "first.git")
    replayed.server.stop()
    mirror_clone(replayed.address, tmp_path / "second.git")
    replayed.server.start()
    assert refs(tmp_path / "second.git") == refs(small_repo)
    assert object_ids(tmp_path / "second.git") == object_ids(small_repo)


def test_credentials_are_asked_for(replayed: Replayed, tmp_path: Path) -> None:
    mirror_clone(replayed.address, tmp_path / "first.git")
    without = replayed.address.replace(replayed.address.split("//")[1].split("@")[0] + "@", "")
    refused = git_result("ls-remote", without)
    assert b"could not read Username" in refused.stderr
    wrong = replayed.address.replace("x:", "x:not-", 1)
    assert b"Authentication failed" in git_result("ls-remote", wrong).stderr


def test_every_push_is_answered_like_the_first(replayed: Replayed, small_repo: Path, tmp_path: Path) -> None:
    pusher = Pusher(replayed.address, small_repo, tmp_path / "work", does_restart=True)
    pusher.push_once()
    pushed = git("ls-remote", replayed.remote, "HEAD")
    for _ in range(2):
        pusher.push_once()
    assert git("ls-remote", replayed.remote, "HEAD") == pushed != git("rev-parse", "HEAD", cwd=tmp_path / "work")


def test_many_null_clients_get_what_one_gets(replayed: Replayed, small_repo: Path) -> None:
    tip = git("rev-parse", "main", cwd=small_repo).decode().strip()
    answers = answers_at_once([clone(replayed.remote, [tip])] * 20, 6)
    assert len(answers) == 20
    assert all(answer.startswith(b"000dpackfile\n") for answer in answers)


def test_many_null_clients_see_reports_and_refuse_errors(replayed: Replayed, small_repo: Path) -> None:
    tip = bytes.fromhex(git("rev-parse", "main", cwd=small_repo).decode())
    headers = {"Content-Type": "application/x-git-receive-pack-request"}
    bodies = [push_request([(bytes(20), tip, b"refs/heads/new-%d" % number)], pack_of([])) for number in range(4)]
    url = f"{replayed.remote}/git-receive-pack"
    pushes = [request(url, method="POST", body=body, headers=headers) for body in bodies]
    reports = [parse_push_report(answer) for answer in answers_at_once(pushes, 4)]
    assert [report.refs for report in reports] == [{b"refs/heads/new-%d" % number: None} for number in range(4)]
    with pytest.raises(BadAnswer, match="403"):
        answers_at_once([request(replayed.remote.replace("repository", "another-one") + "/info/refs")], 1)
