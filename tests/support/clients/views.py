"""Repositories as stock Git sees them, whoever wrote them."""

from __future__ import annotations

from pathlib import Path

from tests.support.clients.client import Remote
from tests.support.git import git
from tests.support.repositories import assert_same_repository, mirror_clone

_PUBLIC = ("refs/heads/", "refs/tags/")


def assert_cloned(work: Path, source: Path) -> None:
    """The clone has all branches and tags of the source and what they reach, and nothing that is damaged."""
    assert fetched_refs(work) == public_refs(source)
    assert _objects(work, "--remotes", "--tags") == _objects(source, "--branches", "--tags")
    git("fsck", "--strict", cwd=work)


def assert_pushed(remote: Remote, source: Path, scratch: Path) -> None:
    """The server has the branches and tags of the source, what they reach, and nothing else."""
    mirror = mirror_clone(remote.with_token, scratch / "seen-by-stock-git")
    local = scratch / "pushed"
    git("clone", "--quiet", "--mirror", "--no-local", source, local)
    for name in git("for-each-ref", "--format=%(refname)", "refs/remotes", cwd=local).decode().split():
        git("update-ref", "-d", name, cwd=local)
    assert_same_repository(local, mirror)


def public_refs(repository: Path) -> dict[str, str]:
    """Branches and tags."""
    return {name: oid for name, oid in _all_refs(repository).items() if name.startswith(_PUBLIC)}


def fetched_refs(work: Path) -> dict[str, str]:
    """Branches as they were fetched from origin, under the names they have there, and tags."""
    found = {}
    for name, oid in _all_refs(work).items():
        if name.startswith("refs/tags/"):
            found[name] = oid
        elif name.startswith("refs/remotes/origin/") and name != "refs/remotes/origin/HEAD":
            found[name.replace("refs/remotes/origin/", "refs/heads/", 1)] = oid
    return found


def history_length(work: Path, revision: str) -> int:
    """How many commits there are down from it."""
    return int(git("rev-list", "--count", revision, cwd=work))


def _all_refs(repository: Path) -> dict[str, str]:
    lines = git("for-each-ref", "--format=%(refname) %(objectname)", cwd=repository).decode().splitlines()
    return dict(line.split(" ", 1) for line in lines)


def _objects(repository: Path, *which: str) -> set[str]:
    return set(git("rev-list", "--objects", "--no-object-names", *which, cwd=repository).decode().split())
