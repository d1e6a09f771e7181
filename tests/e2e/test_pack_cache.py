"""The pack cache over two workers, with real Git: what is asked for twice is made once, and what is made is whole."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.gauges import settles
from tests.support.git import git, git_result, object_ids
from tests.support.repositories import assert_same_repository, commit_file, mirror_clone
from tests.support.server import RunningServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "served" / "data") as running:
        yield running


@pytest.fixture
def remote(server: RunningServer, medium_repo: Path) -> str:
    """The medium repository, pushed in two packs: what is one pack goes out as it is stored."""
    url = str(server.create_repository("project")["remote"])
    git("push", "--quiet", url, "main~1:refs/heads/main", cwd=medium_repo)
    git("push", "--quiet", "--mirror", url, cwd=medium_repo)
    return url


def uses(server: RunningServer) -> Counter[str]:
    """How packs came so far, by the log."""
    return Counter(re.findall(r" cache=(\w+)", server.log))


def all_at_once(work: Callable[[int], object], count: int) -> None:
    with ThreadPoolExecutor(count) as threads:
        list(threads.map(work, range(count)))


def entries(server: RunningServer) -> list[Path]:
    return sorted((server.data_dir / "derived" / "answers").glob("*/??/*"))


@pytest.mark.parametrize("options", [["--mirror"], ["--depth=1"]])
def test_ten_clones_at_once_are_made_once(
    server: RunningServer, remote: str, medium_repo: Path, tmp_path: Path, options: list[str]
) -> None:
    all_at_once(lambda number: git("clone", "--quiet", *options, remote, tmp_path / f"clone-{number}"), 10)
    assert settles(lambda: uses(server).total() >= 10)  # a line follows its answer
    counted = uses(server)
    assert counted["miss"] == 1
    assert counted["hit"] + counted["joined"] == counted.total() - 1 >= 9
    assert len(entries(server)) == 1
    wanted = object_ids(tmp_path / "clone-0")
    for number in range(10):
        git("fsck", "--strict", cwd=tmp_path / f"clone-{number}")
        assert object_ids(tmp_path / f"clone-{number}") == wanted
    if options == ["--mirror"]:
        assert_same_repository(medium_repo, tmp_path / "clone-9")


def test_forks_are_served_what_was_made_for_another(server: RunningServer, remote: str, tmp_path: Path) -> None:
    git("clone", "--quiet", "--depth=1", remote, tmp_path / "first")
    for number in range(5):
        status, fork = server.rest("POST", "/v1/repos/project/forks", {})
        assert status == 200
        git("clone", "--quiet", "--depth=1", fork["remote"], tmp_path / f"fork-{number}")
    assert settles(lambda: uses(server) == {"miss": 1, "hit": 5}), uses(server)
    assert len(entries(server)) == 1


def test_a_push_makes_the_next_fetch_a_miss_and_takes_nothing_away(
    server: RunningServer, remote: str, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    old_fork = server.rest("POST", "/v1/repos/project/forks", {})[1]["remote"]
    git("clone", "--quiet", "--depth=1", remote, work)
    tip = commit_file(work, "new-file", b"new\n")
    git("push", "--quiet", "origin", "HEAD", cwd=work)
    git("clone", "--quiet", "--depth=1", remote, tmp_path / "after")
    assert git("rev-parse", "HEAD", cwd=tmp_path / "after").decode().strip() == tip
    assert settles(lambda: uses(server) == {"miss": 2}), uses(server)
    git("clone", "--quiet", "--depth=1", old_fork, tmp_path / "before")
    assert settles(lambda: uses(server) == {"miss": 2, "hit": 1}), uses(server)


def test_entries_outlive_a_restart_and_are_rebuilt_when_they_rot(
    server: RunningServer, remote: str, medium_repo: Path, tmp_path: Path
) -> None:
    mirror_clone(remote, tmp_path / "first")
    server.restart()
    remote = moved(remote, server)
    mirror_clone(remote, tmp_path / "second")
    assert settles(lambda: uses(server) == {"miss": 1, "hit": 1}), uses(server)
    (path,) = entries(server)
    data = path.read_bytes()
    path.write_bytes(data[:1000] + b"rot" + data[1003:])
    assert_same_repository(medium_repo, mirror_clone(remote, tmp_path / "third"))
    assert settles(lambda: uses(server) == {"miss": 2, "hit": 1}), uses(server)
    assert "dropped a damaged answer" in server.log


def moved(remote: str, server: RunningServer) -> str:
    url = urlsplit(remote)
    return f"http://x:{url.password}@{urlsplit(server.url).netloc}{url.path}"


def test_what_is_one_stored_pack_is_sent_as_it_is_and_not_kept(
    server: RunningServer, medium_repo: Path, tmp_path: Path
) -> None:
    remote = server.create_repository("one-pack")["remote"]
    git("push", "--quiet", "--mirror", remote, cwd=medium_repo)
    for number in range(2):
        assert_same_repository(medium_repo, mirror_clone(remote, tmp_path / f"clone-{number}"))
    assert settles(lambda: uses(server) == {"whole": 2}), uses(server)
    assert entries(server) == []


def test_a_cache_of_no_bytes_is_none(tmp_path: Path, small_repo: Path) -> None:
    with RunningServer(tmp_path / "data", arguments=["--answer-cache-bytes", "0"]) as server:
        remote = server.create_repository()["remote"]
        git("push", "--quiet", "--mirror", remote, cwd=small_repo)
        git("clone", "--quiet", "--depth=1", remote, tmp_path / "clone")
        assert settles(lambda: uses(server) == {"off": 1}), uses(server)
        assert not (server.data_dir / "derived" / "answers").exists()


def test_clones_are_whole_or_fail_when_their_builder_is_killed(
    server: RunningServer, large_repo: Path, tmp_path: Path
) -> None:
    remote = server.create_repository("large")["remote"]
    git("push", "--quiet", "--mirror", remote, cwd=large_repo)

    def clone(number: int) -> bool:
        path = tmp_path / f"clone-{number}"
        done = git_result("clone", "--quiet", "--bare", "--depth=1", remote, path)
        if done.returncode == 0:
            git("fsck", "--strict", cwd=path)
        return done.returncode == 0

    with ThreadPoolExecutor(8) as threads:
        running = [threads.submit(clone, number) for number in range(8)]
        killed = builder(server)
        os.kill(killed, signal.SIGKILL)
        ended = [each.result() for each in running]
    assert len(ended) == 8  # which of them failed depends on the worker they were at, and on what they had got
    assert killed not in server.worker_pids()
    assert clone(8)
    assert clone(9)
    assert list(server.data_dir.glob("derived/answers/*/parts/*.part")) == []
    assert len(entries(server)) == 1


def builder(server: RunningServer) -> int:
    """The process that holds the lock of a part, as soon as there is one."""
    workers = set(server.worker_pids())
    for _ in range(1_000_000):
        for path in server.data_dir.glob("derived/answers/*/parts/*.part"):
            inode = path.stat().st_ino
            found = re.search(rf"FLOCK\s+ADVISORY\s+WRITE (\d+) \S+:{inode} ", Path("/proc/locks").read_text())
            if found and int(found[1]) in workers:
                return int(found[1])
        os.sched_yield()
    pytest.fail("nothing was built")
