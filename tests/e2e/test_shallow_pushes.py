"""Pushes from shallow clones (docs/pitfalls.md, 13): taken if what lies behind the boundary is here, else refused.

The clones are cut by stock Git from folders on disk; afterwards a full clone of what the server has must be whole.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.git import git, git_result
from tests.support.repositories import commit_file

HISTORY = 6
REFUSAL = "shallow update not allowed"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository on disk with a history of a merge and a few commits."""
    path = tmp_path / "source"
    git("init", "--quiet", "-b", "main", path)
    for at in range(HISTORY):
        commit_file(path, f"file-{at % 2}", b"line %d\n" % at * 50, f"Commit {at}")
    git("checkout", "--quiet", "-b", "side", "HEAD~3", cwd=path)
    commit_file(path, "beside", b"beside\n", "Beside")
    git("checkout", "--quiet", "main", cwd=path)
    git("merge", "--quiet", "--no-edit", "side", cwd=path)
    return path


def cut_clone(source: Path, path: Path, depth: int, remote: str) -> Path:
    """A clone of so many commits, which pushes to the server."""
    git("clone", "--quiet", "--depth", str(depth), "--no-single-branch", source.as_uri(), path)
    assert (path / ".git" / "shallow").exists()
    git("remote", "add", "server", remote, cwd=path)
    return path


def assert_whole(remote: str, path: Path, tip: str) -> None:
    """A full clone has all that it names, down to the first commit."""
    git("clone", "--quiet", "--mirror", remote, path)
    assert not (path / "shallow").exists()
    git("fsck", "--strict", "--full", cwd=path)
    assert git("rev-list", "--max-parents=0", tip, cwd=path).strip()
    assert git("rev-parse", "main", cwd=path).decode().strip() == tip


@pytest.fixture
def served(source: Path, remote: str) -> str:
    """The URL of a repository that has all of the source."""
    git("push", "--quiet", remote, "main", "side", cwd=source)
    return remote


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_new_commits_of_a_shallow_clone_are_taken(source: Path, served: str, tmp_path: Path, depth: int) -> None:
    clone = cut_clone(source, tmp_path / "clone", depth, served)
    for at in range(3):
        tip = commit_file(clone, "new", b"new %d\n" % at, f"New {at}")
    git("push", "--quiet", "server", "main", cwd=clone)
    assert_whole(served, tmp_path / "full", tip)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_shallow_clone_may_force_a_branch_and_push_tags(
    source: Path, served: str, tmp_path: Path, depth: int
) -> None:
    clone = cut_clone(source, tmp_path / "clone", depth, served)
    git("commit", "--quiet", "--amend", "-m", "Amended", cwd=clone)
    git("tag", "-a", "v1", "-m", "A release", cwd=clone)
    git("tag", "light", cwd=clone)
    git("push", "--quiet", "--force", "server", "main", "v1", "light", cwd=clone)
    assert_whole(served, tmp_path / "full", git("rev-parse", "HEAD", cwd=clone).decode().strip())
    tags = git("tag", cwd=tmp_path / "full").decode().split()
    assert tags == ["light", "v1"]


def test_a_shallow_clone_may_delete_and_create_in_one_push(source: Path, served: str, tmp_path: Path) -> None:
    clone = cut_clone(source, tmp_path / "clone", 1, served)
    tip = git("rev-parse", "HEAD", cwd=clone).decode().strip()
    commit_file(clone, "new", b"new\n")
    git("push", "--quiet", "--atomic", "server", ":side", "HEAD:refs/heads/born", cwd=clone)
    assert_whole(served, tmp_path / "full", tip)
    branches = git("for-each-ref", "--format=%(refname:short)", "refs/heads", cwd=tmp_path / "full").decode().split()
    assert branches == ["born", "main"]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_boundary_whose_parents_are_not_here_is_refused(
    source: Path, remote: str, tmp_path: Path, depth: int
) -> None:
    clone = cut_clone(source, tmp_path / "clone", depth, remote)
    commit_file(clone, "new", b"new\n")
    refused = git_result("push", "server", "main", cwd=clone)
    assert refused.returncode != 0
    assert REFUSAL in refused.stderr.decode()
    assert git("ls-remote", remote) == b""


def test_a_tag_of_a_cut_history_is_refused_beside_a_branch_that_is_taken(
    source: Path, remote: str, tmp_path: Path
) -> None:
    first = git("rev-list", "--max-parents=0", "HEAD", cwd=source).decode().strip()
    git("push", "--quiet", remote, f"{first}:refs/heads/main", cwd=source)
    clone = cut_clone(source, tmp_path / "clone", 1, remote)
    git("checkout", "--quiet", "--orphan", "other", cwd=clone)
    tip = commit_file(clone, "own", b"own\n", "A history of its own")
    refused = git_result("push", "server", "+other:main", "origin/main:refs/tags/cut", cwd=clone)
    assert refused.returncode != 0
    assert f"[remote rejected] origin/main -> cut ({REFUSAL})" in refused.stderr.decode()
    assert_whole(remote, tmp_path / "full", tip)


def test_an_atomic_push_of_a_cut_history_moves_nothing(source: Path, remote: str, tmp_path: Path) -> None:
    clone = cut_clone(source, tmp_path / "clone", 1, remote)
    git("checkout", "--quiet", "--orphan", "other", cwd=clone)
    commit_file(clone, "own", b"own\n", "A history of its own")
    refused = git_result("push", "--atomic", "server", "other", "origin/main:refs/heads/cut", cwd=clone)
    assert refused.returncode != 0
    assert git("ls-remote", remote) == b""


def test_after_a_refusal_an_unshallowed_clone_pushes(source: Path, remote: str, tmp_path: Path) -> None:
    clone = cut_clone(source, tmp_path / "clone", 1, remote)
    tip = commit_file(clone, "new", b"new\n")
    assert git_result("push", "server", "main", cwd=clone).returncode != 0
    git("fetch", "--quiet", "--unshallow", "origin", cwd=clone)
    git("push", "--quiet", "server", "main", cwd=clone)
    assert_whole(remote, tmp_path / "full", tip)
