"""What a user feels, by stock Git: beside http-backend, and beside the floor, which is the client's own work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.support.real_git import Pusher, clone_step, fetch_step
from benchmarks.support.served import Served
from benchmarks.support.versus import Step, Versus
from tests.support.git import git

ROUNDS: Mapping[str, int] = {"8k": 15, "40k": 11}
CLONE_ROUNDS: Mapping[str, int] = {"8k": 7, "40k": 5}
FEW_ROUNDS = 3


def test_git_clone_depth_1(versus: Versus, served: Served, tmp_path: Path) -> None:
    """`git clone --depth=1`."""
    steps = {
        side: clone_step(url, tmp_path / side, "--depth=1")
        for side, url in _sides(served, served.ours, served.rival).items()
    }
    _compare(versus, steps, ROUNDS.get(served.size, FEW_ROUNDS))


def test_git_clone(versus: Versus, served: Served, tmp_path: Path) -> None:
    """`git clone`."""
    sides = _sides(served, served.ours, served.rival)
    steps = {side: clone_step(url, tmp_path / side) for side, url in sides.items()}
    _compare(versus, steps, CLONE_ROUNDS.get(served.size, FEW_ROUNDS))


def test_git_fetch(versus: Versus, served: Served, tmp_path: Path) -> None:
    """`git fetch` of one new commit."""
    urls = served.copy("fetched")
    behind = tmp_path / "behind.git"
    git("clone", "--quiet", "--mirror", urls.ours, behind)
    Pusher(urls.ours, served.repository, tmp_path / "to-ours").push_once()
    Pusher(urls.rival, served.repository, tmp_path / "to-rival").push_once()
    sides = _sides(served, urls.ours, urls.rival)
    steps = {side: fetch_step(url, behind, tmp_path / f"{side}.git") for side, url in sides.items()}
    _compare(versus, steps, ROUNDS.get(served.size, FEW_ROUNDS))


def test_git_push(versus: Versus, served: Served, tmp_path: Path) -> None:
    """`git push` of one small commit. The floor has a repository of its own, which stays at the first of its pushes."""
    urls, forgetful = served.copy("pushed"), served.copy("pushed-once")
    sides = {"ours": urls.ours, "http-backend": urls.rival, "floor": served.floor.url_of(forgetful.ours)}
    steps = {
        side: Pusher(url, served.repository, tmp_path / side, does_restart=side == "floor").step()
        for side, url in sides.items()
    }
    _compare(versus, steps, 2 * ROUNDS.get(served.size, FEW_ROUNDS))


def _sides(served: Served, ours: str, rival: str) -> dict[str, str]:
    return {"ours": ours, "http-backend": rival, "floor": served.floor.url_of(ours)}


def _compare(versus: Versus, steps: Mapping[str, Step], rounds: int) -> None:
    versus(steps["ours"], {side: step for side, step in steps.items() if side != "ours"}, rounds=rounds)
