"""Asking a server that keeps no answers, started for each kind of request, and watching its memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.growth.series import Line, Panel
from benchmarks.support.memory import watch
from benchmarks.support.null_client import Request, clone, read_to_end
from benchmarks.support.served import UNDISTURBED
from benchmarks.support.small_requests import depth_1_fetches, incremental_fetches, ls_refs, small_pushes
from benchmarks.support.variants import MAIN
from tests.support.git import git
from tests.support.server import RunningServer

ROUNDS = 15
ID = "repository"
_NO_CACHE = ("--answer-cache-bytes", "0")


@dataclass(frozen=True, slots=True)
class Subject:
    """One size: a data directory that holds a repository, and the same repository as Git has it."""

    size: int
    data_dir: Path
    repository: Path


Kind = Callable[[str, Subject, int], list[Request]]
"""From a URL, a subject and a number the requests of that kind, so many."""


def full(url: str, subject: Subject, count: int) -> list[Request]:
    """Everything that main reaches."""
    return [clone(url, [_tip(subject)])] * count


def depth_1(url: str, subject: Subject, count: int) -> list[Request]:
    """One commit with its files, each time another."""
    return depth_1_fetches(url, subject.repository, count)


def blob_none(url: str, subject: Subject, count: int) -> list[Request]:
    """Everything but files' contents."""
    return [clone(url, [_tip(subject)], filter_spec="blob:none")] * count


def incremental(url: str, subject: Subject, count: int) -> list[Request]:
    """One new commit, each time another."""
    return incremental_fetches(url, subject.repository, count)


def push(url: str, subject: Subject, count: int) -> list[Request]:
    """One commit on top of the last."""
    work = subject.data_dir.parent / f"work-{subject.size}.git"
    git("clone", "--quiet", "--bare", "--single-branch", subject.repository, work)
    return [push.to(url) for push in small_pushes(work, "refs/heads/growth", count)]


def one_ref(url: str, _subject: Subject, count: int) -> list[Request]:
    """Refs that a prefix names."""
    return [ls_refs(url)] * count


def all_refs(url: str, _subject: Subject, count: int) -> list[Request]:
    """The full list."""
    return [ls_refs(url, prefixes=())] * count


def panel(subject: str, subjects: Iterable[Subject], kinds: Mapping[str, Kind]) -> Panel:
    """Measure every kind at every size. What changes the repository comes last among the kinds."""
    listed, lines = list(subjects), {label: Line(label) for label in kinds}
    for each in listed:
        for label, kind in kinds.items():
            _measure(lines[label], each, kind)
    return Panel(subject, [each.size for each in listed], list(lines.values()))


def _measure(line: Line, subject: Subject, kind: Kind) -> None:
    with RunningServer(subject.data_dir, arguments=[*UNDISTURBED, *_NO_CACHE]) as server:
        first, *others = kind(url_of(server, ID), subject, ROUNDS + 1)
        line.memory_mib.append(watch(server, lambda: read_to_end(first)).peak_mib)
        line.times_ms.append(least_ms(others))


def least_ms(requests: Iterable[Request]) -> float:
    """The least time, which a machine that is busy with something else disturbs least."""
    return min(read_to_end(each).total_s for each in requests) * 1e3


def url_of(server: RunningServer, repository_id: str) -> str:
    """Where a client may read and write it, with a new token."""
    status, made = server.rest("POST", f"/v1/repos/{repository_id}/tokens", {"scope": "write"})
    assert status == 200, made
    address = server.url.replace("://", f"://x:{made['token']}@")
    return f"{address}/git/{repository_id}.git"


def _tip(subject: Subject) -> str:
    return git("rev-parse", MAIN, cwd=subject.repository).decode().strip()
