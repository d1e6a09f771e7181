"""Pushes at once by the null client, and whole repositories by real Git."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from benchmarks.support.crowd import answers_at_once
from benchmarks.support.null_client import Request
from benchmarks.support.served import Served, Urls
from benchmarks.support.sizes import LARGE, at
from benchmarks.support.small_requests import PreparedPush, small_pushes_to_branches
from benchmarks.support.versus import Step, Versus
from tests.support.git import git
from tests.support.wire_client import parse_push_report

AT_ONCE = 32
ROUNDS = 4
BRANCHES = [f"refs/heads/at-once-{number}" for number in range(AT_ONCE)]


class PushesAtOnce:
    """At each call 32 further pushes, all at the same time; none may be refused."""

    def __init__(self, pushes: Sequence[Sequence[PreparedPush]], urls: Sequence[str]) -> None:
        self._rounds: list[list[Request]] = [
            [push.to(url) for push, url in zip(round_, urls, strict=True)] for round_ in zip(*pushes, strict=True)
        ]
        self._following = iter(self._rounds)

    def __call__(self) -> None:
        """Raises AssertionError."""
        for body in answers_at_once(next(self._following), AT_ONCE):
            report = parse_push_report(body)
            assert report.unpack == b"ok", report
            assert set(report.refs.values()) == {None}, report


@at("40k")
def test_pushes_to_branches_at_once(versus: Versus, served: Served, tmp_path: Path) -> None:
    """32 clients, each with a branch of its own in one repository; the times are those of a push."""
    urls = served.copy("branches-at-once")
    pushes = _pushes(served, tmp_path)
    _compare(versus, pushes, [urls] * AT_ONCE)


@at("40k")
def test_pushes_to_repositories_at_once(versus: Versus, served: Served, tmp_path: Path) -> None:
    """32 clients, each with a repository of its own."""
    urls = [served.copy(f"at-once-{number}") for number in range(AT_ONCE)]
    pushes = _pushes(served, tmp_path)
    _compare(versus, pushes, urls)


@at("8k", "40k", LARGE)
def test_git_push_of_everything(versus: Versus, served: Served) -> None:
    """The first push of the whole repository, by real Git."""
    numbers = itertools.count()

    def push_ours() -> None:
        remote = served.server.create_repository(f"pushed-{served.size}-{next(numbers)}")["remote"]
        git("push", "--quiet", "--mirror", remote, cwd=served.repository)

    def push_rival() -> None:
        name = f"pushed-{next(numbers)}.git"
        git("init", "--quiet", "--bare", served.rival_root / name)
        git("push", "--quiet", "--mirror", f"{served.rival.rsplit('/', 1)[0]}/{name}", cwd=served.repository)

    versus(push_ours, {"http-backend": push_rival}, rounds=1 if served.size == LARGE else 3)


def _pushes(served: Served, scratch: Path) -> list[list[PreparedPush]]:
    work = scratch / "work.git"
    git("clone", "--quiet", "--mirror", served.repository, work)
    return small_pushes_to_branches(work, BRANCHES, ROUNDS + 1)


def _compare(versus: Versus, pushes: Sequence[Sequence[PreparedPush]], urls: Sequence[Urls]) -> None:
    ours, rival = (PushesAtOnce(pushes, side) for side in ([each.ours for each in urls], [each.rival for each in urls]))
    versus(Step(ours, units=AT_ONCE), {"http-backend": Step(rival, units=AT_ONCE)}, rounds=ROUNDS)
