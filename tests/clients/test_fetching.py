"""Every client gets what stock Git gets."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.support.clients.client import UNSHALLOW, Client, Remote
from tests.support.clients.views import assert_cloned, fetched_refs, history_length, public_refs
from tests.support.git import git
from tests.support.repositories import commit_file

LARGE_BYTES = 20 << 20
MANY_REFS = 3_000


@pytest.mark.feature("clone")
def test_a_clone_has_every_branch_and_tag_and_all_they_reach(
    client: Client, stocked: Remote, small_repo: Path, tmp_path: Path
) -> None:
    client.clone(stocked, tmp_path / "clone")
    assert_cloned(tmp_path / "clone", small_repo)


@pytest.mark.feature("fetch")
def test_a_fetch_brings_what_was_pushed_since(client: Client, stocked: Remote, work: Path, tmp_path: Path) -> None:
    client.clone(stocked, tmp_path / "clone")
    for number in range(3):
        _commit_onto(work, "main", f"added-{number}", b"content\n" * (number + 1))
        git("branch", f"added-{number}", "main", cwd=work)
        git("tag", "-a", "-m", "A tag", f"tagged-{number}", "main", cwd=work)
        git("push", "--quiet", stocked.with_token, "main", f"added-{number}", f"tagged-{number}", cwd=work)
        client.fetch(stocked, tmp_path / "clone")
        assert git("rev-parse", "origin/main", cwd=tmp_path / "clone") == git("rev-parse", "main", cwd=work)
    mirror = tmp_path / "mirror"
    git("clone", "--quiet", "--mirror", stocked.with_token, mirror)
    assert_cloned(tmp_path / "clone", mirror)


@pytest.fixture
def branched(empty: Remote, fresh: Path) -> Path:
    """A history of two branches, merged once, each with a tag at its end; `empty` has it too."""
    for number in range(10):
        if number == 4:
            git("checkout", "--quiet", "-b", "side", cwd=fresh)
        if number == 6:
            git("checkout", "--quiet", "main", cwd=fresh)
        commit_file(fresh, f"file-{number}", b"content\n" * number)
        if number == 7:
            git("merge", "--quiet", "-m", "Merge", "side", cwd=fresh)
    git("tag", "-a", "-m", "A tag", "tag-of-main", "main", cwd=fresh)
    git("tag", "tag-of-side", "side", cwd=fresh)
    git("push", "--quiet", "--mirror", empty.with_token, cwd=fresh)
    return fresh


@pytest.mark.feature("shallow clone")
def test_a_shallow_clone_ends_where_it_was_asked_to(
    client: Client, empty: Remote, branched: Path, tmp_path: Path
) -> None:
    client.clone(empty, tmp_path / "clone", depth=1)
    assert history_length(tmp_path / "clone", "origin/main") == 1
    _assert_shallow_as_in_stock_git(empty, tmp_path, depth=1)


@pytest.mark.feature("deepen")
def test_a_shallow_clone_can_be_deepened(client: Client, empty: Remote, branched: Path, tmp_path: Path) -> None:
    client.clone(empty, tmp_path / "clone", depth=1)
    client.fetch(empty, tmp_path / "clone", depth=3)
    _assert_shallow_as_in_stock_git(empty, tmp_path, depth=3)


@pytest.mark.feature("unshallow")
def test_a_shallow_clone_can_be_completed(client: Client, empty: Remote, branched: Path, tmp_path: Path) -> None:
    client.clone(empty, tmp_path / "clone", depth=2)
    client.fetch(empty, tmp_path / "clone", depth=UNSHALLOW)
    assert_cloned(tmp_path / "clone", branched)
    assert not _boundary(tmp_path / "clone")


@pytest.mark.feature("empty repository")
def test_an_empty_repository_is_cloned_and_then_gets_its_first_push(
    client: Client, empty: Remote, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    client.clone(empty, clone)
    assert fetched_refs(clone) == {}
    git("symbolic-ref", "HEAD", "refs/heads/main", cwd=clone)
    first = commit_file(clone, "README", b"a first line\n")
    client.push(empty, clone, "refs/heads/main:refs/heads/main")
    assert client.list_refs(empty.url, token=empty.token) == {"refs/heads/main": first}


@pytest.mark.feature("large file")
def test_a_large_file_goes_in_and_comes_out(client: Client, empty: Remote, fresh: Path, tmp_path: Path) -> None:
    content = secrets.token_bytes(LARGE_BYTES)
    commit_file(fresh, "large", content)
    client.push(empty, fresh, "refs/heads/main:refs/heads/main")
    client.clone(empty, tmp_path / "clone")
    assert_cloned(tmp_path / "clone", fresh)
    assert git("cat-file", "blob", "origin/main:large", cwd=tmp_path / "clone") == content


@pytest.mark.feature("many refs")
def test_many_refs_are_listed_cloned_and_fetched(client: Client, empty: Remote, fresh: Path, tmp_path: Path) -> None:
    _make_branches(fresh, range(MANY_REFS - 1), git("rev-parse", "main", cwd=fresh))
    git("push", "--quiet", "--all", empty.with_token, cwd=fresh)
    assert client.list_refs(empty.url, token=empty.token) == public_refs(fresh)
    client.clone(empty, tmp_path / "clone")
    assert_cloned(tmp_path / "clone", fresh)
    commit_file(fresh, "later", b"later\n")
    git("push", "--quiet", empty.with_token, "main", cwd=fresh)
    client.fetch(empty, tmp_path / "clone")
    assert_cloned(tmp_path / "clone", fresh)


def _make_branches(repository: Path, numbers: range, target: bytes) -> None:
    commands = [b"create refs/heads/many/%05d %s" % (number, target) for number in numbers]
    git("update-ref", "--stdin", cwd=repository, stdin=b"".join(commands))


def _commit_onto(work: Path, branch: str, name: str, content: bytes) -> None:
    """A commit made without a work tree."""
    blob = git("hash-object", "-w", "--stdin", cwd=work, stdin=content).strip()
    listing = git("ls-tree", "-z", branch, cwd=work) + b"100644 blob %s\t%s\0" % (blob, name.encode())
    tree = git("mktree", "-z", cwd=work, stdin=listing).decode().strip()
    commit = git("commit-tree", "-p", branch, "-m", f"Add {name}", tree, cwd=work).decode().strip()
    git("update-ref", f"refs/heads/{branch}", commit, cwd=work)


def _assert_shallow_as_in_stock_git(remote: Remote, scratch: Path, *, depth: int) -> None:
    """The branches, and the commits that they reach, of a clone that stock Git made of all branches."""
    expected = scratch / "expected"
    git("clone", "--quiet", "--no-checkout", "--no-single-branch", f"--depth={depth}", remote.with_token, expected)
    assert _branches(scratch / "clone") == _branches(expected)
    assert _commits(scratch / "clone") == _commits(expected)
    git("fsck", "--strict", cwd=scratch / "clone")


def _branches(work: Path) -> dict[str, str]:
    return {name: oid for name, oid in fetched_refs(work).items() if name.startswith("refs/heads/")}


def _boundary(work: Path) -> set[str]:
    path = work / ".git" / "shallow"
    return set(path.read_text(encoding="ascii").split()) if path.exists() else set()


def _commits(work: Path) -> set[str]:
    return set(git("rev-list", "--remotes", cwd=work).decode().split())
