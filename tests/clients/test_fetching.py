"""Every client gets what stock Git gets."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.support.clients.client import UNSHALLOW, Client, Remote
from tests.support.clients.forks import fork_of
from tests.support.clients.views import assert_cloned, fetched_refs, history_length, public_refs
from tests.support.git import git
from tests.support.repositories import commit_file, mirror_clone
from tests.support.server import RunningServer

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
    assert_cloned(tmp_path / "clone", mirror_clone(stocked.with_token, tmp_path / "mirror"))


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
    assert not _boundary(tmp_path / "clone"), "a boundary is left"
    assert_cloned(tmp_path / "clone", branched)


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


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a large file that nothing can compress. Not to be changed."""
    path = tmp_path_factory.mktemp("large")
    git("init", "--quiet", "-b", "main", path)
    commit_file(path, "large", secrets.token_bytes(LARGE_BYTES))
    return path


@pytest.mark.feature("large file")
def test_a_large_file_goes_in_and_comes_out(client: Client, empty: Remote, large: Path, tmp_path: Path) -> None:
    git("clone", "--quiet", "--no-checkout", large, tmp_path / "work")
    git("remote", "set-url", "origin", empty.url, cwd=tmp_path / "work")
    client.push(empty, tmp_path / "work", "refs/heads/main:refs/heads/main")
    client.clone(empty, tmp_path / "clone")
    assert_cloned(tmp_path / "clone", large)


@pytest.fixture(scope="session")
def crowded(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The id of a repository on the server with many refs, and the same here. Not to be changed."""
    path = tmp_path_factory.mktemp("crowded")
    git("init", "--quiet", "-b", "main", path)
    tip = commit_file(path, "README", b"a first line\n").encode()
    creations = [b"create refs/heads/many/%05d %s\n" % (number, tip) for number in range(MANY_REFS - 1)]
    git("update-ref", "--stdin", cwd=path, stdin=b"".join(creations))
    git("pack-refs", "--all", cwd=path)
    created = server.create_repository()
    git("push", "--quiet", "--mirror", created["remote"], cwd=path)
    return str(created["id"]), path


@pytest.mark.feature("many refs")
def test_many_refs_are_listed_cloned_and_fetched(
    client: Client, server: RunningServer, crowded: tuple[str, Path], tmp_path: Path
) -> None:
    source_id, source = crowded
    remote = fork_of(server, source_id)
    assert client.list_refs(remote.url, token=remote.token) == public_refs(source)
    client.clone(remote, tmp_path / "clone")
    later = git("commit-tree", "-p", "main", "-m", "Later", "main^{tree}", cwd=source).decode().strip()
    git("push", "--quiet", remote.with_token, f"{later}:refs/heads/main", cwd=source)
    client.fetch(remote, tmp_path / "clone")
    assert_cloned(tmp_path / "clone", mirror_clone(remote.with_token, tmp_path / "mirror"))


def _commit_onto(work: Path, branch: str, name: str, content: bytes) -> None:
    """A commit made without a work tree."""
    blob = git("hash-object", "-w", "--stdin", cwd=work, stdin=content).strip()
    listing = git("ls-tree", "-z", branch, cwd=work) + b"100644 blob %s\t%s\0" % (blob, name.encode())
    tree = git("mktree", "-z", cwd=work, stdin=listing).decode().strip()
    commit = git("commit-tree", "-p", branch, "-m", f"Add {name}", tree, cwd=work).decode().strip()
    git("update-ref", f"refs/heads/{branch}", commit, cwd=work)


def _assert_shallow_as_in_stock_git(remote: Remote, scratch: Path, *, depth: int) -> None:
    """Boundary, branches, and the commits that they reach, of a clone that stock Git made of all branches."""
    expected = scratch / "expected"
    git("clone", "--quiet", "--no-checkout", "--no-single-branch", f"--depth={depth}", remote.with_token, expected)
    assert _boundary(scratch / "clone") == _boundary(expected), "another boundary"
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
