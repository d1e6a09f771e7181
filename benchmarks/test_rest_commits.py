"""Commits over REST, beside `git push` of the same to the same server, and to trees of many files."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.support.real_git import Pusher
from benchmarks.support.rest_commits import CommitSeries
from benchmarks.support.served import UNDISTURBED, Served
from benchmarks.support.sizes import at
from benchmarks.support.versus import Step, Versus
from tests.support.server import RunningServer

AT_ONCE = 32
FEW_FILES = 10
MANY_FILES = 100_000
FILES_A_REQUEST = 5_000


@at("8k", "40k")
def test_rest_commit(versus: Versus, served: Served, tmp_path: Path) -> None:
    """One after the other."""
    urls = served.copy("committed")
    commits = CommitSeries(served.server, "committed", {"over-rest": served.tip()})
    push = Pusher(urls.ours, served.repository, tmp_path / "work")
    versus(commits.step(), {"git push": push.step()}, rounds=15)


@at("8k")
def test_rest_commits_at_once(versus: Versus, served: Served, tmp_path: Path) -> None:
    """32 clients, each with a branch of its own in one repository; the times are those of a commit."""
    urls = served.copy("committed-at-once")
    branches = [f"over-rest-{number}" for number in range(AT_ONCE)]
    commits = CommitSeries(served.server, "committed-at-once", dict.fromkeys(branches, served.tip()))
    pushers = [
        Pusher(urls.ours, served.repository, tmp_path / f"{number}", branch=f"pushed-{number}")
        for number in range(AT_ONCE)
    ]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        versus(commits.step(), {"git push": _together(pushers, threads)}, rounds=5)


def test_rest_commit_to_many_files(versus: Versus, tmp_path: Path) -> None:
    """To a branch with 100,000 files in folders of 100, beside one with 10 files in one."""
    with RunningServer(tmp_path / "data", arguments=UNDISTURBED) as server:
        few, many = (
            _filled(server, name, count) for name, count in (("few-files", FEW_FILES), ("many-files", MANY_FILES))
        )
        versus(many.step(), {"10 files": few.step()}, rounds=25)


def _together(pushers: list[Pusher], threads: ThreadPoolExecutor) -> Step:
    steps = [pusher.step() for pusher in pushers]

    def prepare() -> None:
        for step in steps:
            step.prepare()

    return Step(lambda: list(threads.map(lambda step: step.work(), steps)), prepare=prepare, units=len(steps))


def _filled(server: RunningServer, repository_id: str, file_count: int) -> CommitSeries:
    """A repository of so many files, made over REST, and the commits that follow."""
    server.create_repository(repository_id)
    parent = None
    for start in range(0, file_count, FILES_A_REQUEST):
        numbers = range(start, min(file_count, start + FILES_A_REQUEST))
        changes = [
            {"op": "write", "path": f"{number // 10_000}/{number // 100}/{number}", "content": f"{number}\n"}
            for number in numbers
        ]
        body = {"branch": "main", "parent": parent, "message": "Fill\n", "changes": changes}
        status, made = server.rest("POST", f"/v1/repos/{repository_id}/commits", body)
        assert status == 200, json.dumps(made)
        parent = made["commit"]
    assert parent is not None
    return CommitSeries(server, repository_id, {"main": parent})
