"""Clones and pushes over HTTP: ours beside `git http-backend` behind nginx and fcgiwrap."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

from benchmarks.support.null_client import clone, read_to_end
from benchmarks.support.served import Served
from benchmarks.support.versus import Versus
from tests.support.git import git
from tests.support.repositories import commit_file


def test_full_clone_answer(versus: Versus, served: Served) -> None:
    """The whole repository, made anew, to a client that keeps nothing: the server's own price."""
    ours, rival = (clone(url, served.wants()) for url in (served.uncached, served.rival))
    assert read_to_end(ours).body_bytes > 15_000_000
    versus(lambda: read_to_end(ours), lambda: read_to_end(rival), rounds=15)


def test_warm_full_clone_answer(versus: Versus, served: Served) -> None:
    """The same from the pack cache."""
    ours, rival = (clone(url, served.wants()) for url in (served.ours, served.rival))
    assert read_to_end(ours).body_bytes > 15_000_000
    versus(lambda: read_to_end(ours), lambda: read_to_end(rival), rounds=15)
    assert "cache=hit" in served.server.log


def test_warm_depth_1_clone_answer(versus: Versus, served: Served) -> None:
    """One commit with all its files, from the pack cache, one request after the other."""
    ours, rival = (clone(url, [_tip(served)], depth=1) for url in (served.ours, served.rival))
    versus(lambda: read_to_end(ours), lambda: read_to_end(rival), rounds=15)
    assert "cache=hit" in served.server.log


def test_one_branch_clone_answer(versus: Versus, served: Served) -> None:
    """One branch and what it reaches, made anew, which is not all of the packs: the walk is paid."""
    ours, rival = (clone(url, [_tip(served)]) for url in (served.uncached, served.rival))
    versus(lambda: read_to_end(ours), lambda: read_to_end(rival), rounds=7)


def test_git_clone(versus: Versus, served: Served, tmp_path: Path) -> None:
    """What a user feels: most of it is the client's own work."""

    def clone_into(url: str) -> None:
        target = tmp_path / "clone"
        git("clone", "--quiet", "--mirror", url, target)
        shutil.rmtree(target)

    versus(lambda: clone_into(served.ours), lambda: clone_into(served.rival), rounds=5)


def test_git_push_of_one_commit(versus: Versus, served: Served, tmp_path: Path) -> None:
    """One small commit to a branch of the large repository, again and again."""
    numbers = itertools.count()
    works = {}
    for name, url in (("ours", served.ours), ("rival", served.rival)):
        works[name] = tmp_path / name
        git("clone", "--quiet", "--depth=1", "--no-tags", served.rival, works[name])
        git("fetch", "--quiet", "--unshallow", cwd=works[name])
        git("remote", "set-url", "origin", url, cwd=works[name])

    def push(work: Path) -> None:
        commit_file(work, "benchmark", b"%d\n" % next(numbers))
        git("push", "--quiet", "origin", f"HEAD:refs/heads/{work.name}", cwd=work)

    versus(lambda: push(works["ours"]), lambda: push(works["rival"]), rounds=10)


def test_git_push_of_everything(versus: Versus, served: Served, large_repo: Path, tmp_path: Path) -> None:
    """The first push of the whole repository."""
    numbers = itertools.count()

    def push_ours() -> None:
        remote = served.server.create_repository(f"pushed-{next(numbers)}")["remote"]
        git("push", "--quiet", "--mirror", remote, cwd=large_repo)

    def push_rival() -> None:
        name = f"pushed-{next(numbers)}.git"
        path = tmp_path / name
        git("init", "--quiet", "--bare", path)
        git("config", "http.receivepack", "true", cwd=path)
        root = next(tmp_path.parent.glob("served*/rival"))
        path.rename(root / name)
        url = f"{served.rival.rsplit('/', 1)[0]}/{name}"
        git("push", "--quiet", "--mirror", url, cwd=large_repo)

    versus(push_ours, push_rival, rounds=3)


def _tip(served: Served) -> str:
    return git("ls-remote", served.ours, "HEAD").decode().split()[0]
