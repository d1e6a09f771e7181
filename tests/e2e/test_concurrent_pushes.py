"""Law 6: pushes to one ref have exactly one winner; pushes to different refs never fail each other."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.git import git, git_result
from tests.support.repositories import commit_file

PUSHERS = 8


@pytest.fixture
def pushers(remote: str, work: Path, tmp_path: Path) -> list[Path]:
    """Clones of one repository, each with a commit of its own on top of the same main."""
    clones = []
    for number in range(PUSHERS):
        clone = tmp_path / f"pusher-{number}"
        git("clone", "--quiet", remote, clone)
        commit_file(clone, f"file-{number}", b"mine\n", f"From pusher {number}")
        clones.append(clone)
    return clones


def push_all(pushers: list[Path], refspecs: list[str]) -> list[subprocess.CompletedProcess[bytes]]:
    with ThreadPoolExecutor(PUSHERS) as pool:
        return list(
            pool.map(lambda p: git_result("push", "origin", p[1], cwd=p[0]), zip(pushers, refspecs, strict=True))
        )


def test_eight_pushes_to_one_ref_have_one_winner(remote: str, pushers: list[Path]) -> None:
    done = push_all(pushers, ["HEAD:refs/heads/main"] * PUSHERS)
    winners = [clone for clone, push in zip(pushers, done, strict=True) if push.returncode == 0]
    assert len(winners) == 1
    losers = [push.stderr.decode() for push in done if push.returncode]
    assert all(("rejected" in text and "non-fast-forward" in text) or "fetch first" in text for text in losers), losers
    tip = git("ls-remote", remote, "refs/heads/main").split()[0]
    assert tip == git("rev-parse", "HEAD", cwd=winners[0]).strip()


def test_eight_pushes_to_eight_refs_all_win(remote: str, pushers: list[Path]) -> None:
    done = push_all(pushers, [f"HEAD:refs/heads/topic-{number}" for number in range(PUSHERS)])
    assert [push.returncode for push in done] == [0] * PUSHERS, [push.stderr for push in done]
    listed = git("ls-remote", remote, "refs/heads/topic-*").decode().split()
    assert sorted(listed[::2]) == sorted(git("rev-parse", "HEAD", cwd=p).decode().strip() for p in pushers)


def test_a_force_push_that_saw_an_old_value_loses(remote: str, pushers: list[Path]) -> None:
    git("push", "--quiet", "origin", "HEAD:main", cwd=pushers[0])
    lost = git_result("push", "--force-with-lease=main", "origin", "HEAD:main", cwd=pushers[1])
    assert lost.returncode != 0
    assert b"stale info" in lost.stderr or b"rejected" in lost.stderr
