"""What a push may use, each by stock Git or as an old client would: words, silence, packs that are none, mixtures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.git import git, git_result
from tests.support.repositories import assert_same_repository, commit_file, mirror_clone
from tests.support.server import RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One that logs JSON."""
    with RunningServer(tmp_path_factory.mktemp("served") / "data", arguments=["--log-format", "json"]) as running:
        yield running


def entries(server: RunningServer, event: str) -> list[dict[str, Any]]:
    """What the log says of an event, in order."""
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def listed(remote: str) -> dict[str, str]:
    words = git("ls-remote", remote).decode().split()
    return dict(zip(words[1::2], words[::2], strict=True))


def test_people_see_the_deltas_of_a_large_pack_being_resolved(remote: str, medium_repo: Path, tmp_path: Path) -> None:
    pushed = git_result("push", "--progress", "--mirror", remote, cwd=medium_repo)
    assert pushed.returncode == 0
    lines = [line for line in re.split(r"[\r\n]+", pushed.stderr.decode()) if line.startswith("remote: ")]
    resolved = [re.fullmatch(r"remote: Resolving deltas: +(\d+)% \((\d+)/(\d+)\)(, done\.)? *", line) for line in lines]
    assert resolved
    assert all(resolved)
    assert [found[4] is not None for found in resolved if found] == [False] * (len(lines) - 1) + [True]
    percent, done, total = (int(resolved[-1][group]) for group in (1, 2, 3)) if resolved[-1] else (0, 0, 0)
    assert (percent, done) == (100, total)
    assert total > 100
    assert_same_repository(medium_repo, mirror_clone(remote, tmp_path / "back"))


def test_people_see_how_many_objects_completed_a_thin_pack(work: Path) -> None:
    for at in range(2):
        text = "".join(f"line {number}{'!' * at if number == 7 else ''}\n" for number in range(2000))
        commit_file(work, "text", text.encode())
        pushed = git_result("push", "--progress", "origin", "main", cwd=work)
    assert re.search(rb"remote: Resolving deltas: 100% \(\d+/\d+\), completed with \d+ local objects?\.", pushed.stderr)


def test_quiet_clients_hear_nothing(remote: str, medium_repo: Path) -> None:
    assert git_result("push", "--quiet", "--mirror", remote, cwd=medium_repo).stderr == b""


def test_branch_at_a_stored_commit_needs_no_objects(work: Path, remote: str) -> None:
    git("push", "--quiet", "origin", "main:refs/heads/again", "main:refs/tags/v1", cwd=work)
    assert len(set(listed(remote).values())) == 1
    assert set(listed(remote)) == {"HEAD", "refs/heads/main", "refs/heads/again", "refs/tags/v1"}


def test_deletion_alone_sends_no_pack(work: Path, remote: str) -> None:
    git("push", "--quiet", "origin", "main:refs/heads/old", cwd=work)
    git("push", "--quiet", "origin", ":refs/heads/old", cwd=work)
    assert set(listed(remote)) == {"HEAD", "refs/heads/main"}


@pytest.mark.parametrize("atomic", [[], ["--atomic"]], ids=["each for itself", "atomic"])
def test_creation_update_deletion_and_force_in_one_push(work: Path, remote: str, atomic: list[str]) -> None:
    commit_file(work, "second", b"second\n")
    git("push", "--quiet", "origin", "main", "main:refs/heads/forced", "main:refs/heads/gone", cwd=work)
    new = commit_file(work, "third", b"third\n")
    old = git("rev-parse", "HEAD~2", cwd=work).decode().strip()
    refspecs = ["main", "main:refs/heads/born", "+HEAD~2:refs/heads/forced", ":refs/heads/gone"]
    git("push", "--quiet", *atomic, "origin", *refspecs, cwd=work)
    assert listed(remote) == {
        "HEAD": new,
        "refs/heads/main": new,
        "refs/heads/born": new,
        "refs/heads/forced": old,
    }


def test_without_atomic_one_refusal_holds_up_nothing_else(work: Path, remote: str) -> None:
    new = commit_file(work, "second", b"second\n")
    pushed = git_result("push", "origin", "main:refs/heads/born", ":refs/heads/main", cwd=work)
    assert pushed.returncode
    assert b"deletion of the current branch prohibited" in pushed.stderr
    assert listed(remote)["refs/heads/born"] == new


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_clients_of_every_protocol_version_push(work: Path, remote: str, version: str) -> None:
    tip = commit_file(work, "second", b"second\n")
    git("-c", f"protocol.version={version}", "push", "--quiet", "origin", "main", cwd=work)
    assert listed(remote)["refs/heads/main"] == tip


def test_push_options_are_told_in_the_log_and_not_interpreted(server: RunningServer, work: Path) -> None:
    options = ["ci.skip", "title=Two words; and $HOME", ""]
    words = [word for option in options for word in ("-o", option)]
    git("push", "--quiet", *words, "origin", "main:refs/heads/with-options", cwd=work)
    assert entries(server, "published")[-1]["push_options"] == options


def test_a_push_without_options_tells_of_none(server: RunningServer, work: Path) -> None:
    git("push", "--quiet", "origin", "main:refs/heads/bare", cwd=work)
    assert "push_options" not in entries(server, "published")[-1]


def test_session_id_of_the_client_is_in_the_log(small_repo: Path, tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", workers=1, arguments=["--log-format", "json"]) as server:
        remote = str(server.create_repository()["remote"])
        git("-c", "transfer.advertiseSID=true", "push", "--quiet", remote, "HEAD:refs/heads/main", cwd=small_repo)
    [request] = [entry for entry in entries(server, "request") if entry["method"] == "POST" and "agent" in entry]
    assert request["session_id"]
    assert request["agent"].startswith("git/")
