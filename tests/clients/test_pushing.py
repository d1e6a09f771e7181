"""What every client pushes is there for stock Git, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.clients.client import Client, ClientFailed, Remote
from tests.support.clients.views import assert_pushed, public_refs
from tests.support.git import git, object_ids
from tests.support.repositories import commit_file, mirror_clone

MAIN = "refs/heads/main:refs/heads/main"


def server_refs(remote: Remote) -> dict[str, str]:
    lines = git("ls-remote", remote.with_token, "refs/*").decode().splitlines()
    return {name: oid for oid, _, name in (line.partition("\t") for line in lines) if not name.endswith("^{}")}


@pytest.mark.feature("push")
def test_pushes_make_a_branch_and_move_it(client: Client, empty: Remote, fresh: Path, tmp_path: Path) -> None:
    client.push(empty, fresh, MAIN)
    assert server_refs(empty) == public_refs(fresh)
    git("branch", "other", cwd=fresh)
    for number in range(3):
        commit_file(fresh, f"folder/file-{number}", b"content\n" * number)
    client.push(empty, fresh, MAIN, "refs/heads/other:refs/heads/other")
    assert_pushed(empty, fresh, tmp_path)


@pytest.mark.feature("push onto odd file names")
def test_a_push_into_a_real_history_adds_to_it(client: Client, stocked: Remote, work: Path, tmp_path: Path) -> None:
    before = server_refs(stocked)
    git("checkout", "--quiet", "--orphan", "unrelated", cwd=work)
    git("rm", "-r", "--quiet", "--cached", ".", cwd=work)
    first = commit_file(work, "added", b"added\n")
    tree = git("rev-parse", "HEAD^{tree}", cwd=work).decode().strip()
    merge = git("commit-tree", "-p", "origin/main", "-p", first, "-m", "Merge", tree, cwd=work).decode().strip()
    git("update-ref", "refs/heads/main", merge, cwd=work)
    client.push(stocked, work, MAIN)
    assert server_refs(stocked) == {**before, "refs/heads/main": merge}
    mirror = mirror_clone(stocked.with_token, tmp_path / "mirror")
    git("fsck", "--strict", cwd=mirror)
    assert object_ids(mirror) >= {merge, first, tree}


@pytest.mark.feature("force push")
def test_what_is_no_fast_forward_needs_force(client: Client, empty: Remote, fresh: Path, tmp_path: Path) -> None:
    commit_file(fresh, "file", b"first\n")
    client.push(empty, fresh, MAIN)
    before = server_refs(empty)
    git("commit", "--quiet", "--amend", "-m", "Another story", cwd=fresh)
    with pytest.raises(ClientFailed):
        client.push(empty, fresh, MAIN)
    assert server_refs(empty) == before
    client.push(empty, fresh, MAIN, force=True)
    assert_pushed(empty, fresh, tmp_path)


@pytest.mark.feature("delete")
def test_branches_and_tags_are_deleted(client: Client, empty: Remote, fresh: Path, tmp_path: Path) -> None:
    git("branch", "doomed", cwd=fresh)
    git("tag", "doomed", cwd=fresh)
    client.push(empty, fresh, MAIN, "refs/heads/doomed:refs/heads/doomed", "refs/tags/doomed:refs/tags/doomed")
    client.push(empty, fresh, ":refs/heads/doomed", ":refs/tags/doomed")
    git("branch", "-D", "doomed", cwd=fresh)
    git("tag", "-d", "doomed", cwd=fresh)
    assert_pushed(empty, fresh, tmp_path)


@pytest.mark.feature("tags")
def test_tags_are_pushed_and_listed(client: Client, empty: Remote, fresh: Path, tmp_path: Path) -> None:
    git("tag", "light", cwd=fresh)
    git("tag", "-a", "-m", "A tag", "annotated", cwd=fresh)
    git("tag", "-a", "-m", "A tag of a tag", "nested", "annotated", cwd=fresh)
    specs = [f"refs/tags/{name}:refs/tags/{name}" for name in ("light", "annotated", "nested")]
    client.push(empty, fresh, MAIN, *specs)
    assert_pushed(empty, fresh, tmp_path)
    assert client.list_refs(empty.url, token=empty.token) == public_refs(fresh)


@pytest.mark.feature("push from a shallow clone")
def test_a_shallow_clone_pushes_what_it_added(client: Client, empty: Remote, fresh: Path, tmp_path: Path) -> None:
    for number in range(3):
        commit_file(fresh, f"file-{number}", b"content\n" * number)
    git("push", "--quiet", empty.with_token, "main", cwd=fresh)
    shallow = tmp_path / "shallow"
    client.clone(empty, shallow, depth=1)
    git("checkout", "--quiet", "-B", "main", "origin/main", cwd=shallow)
    added = commit_file(shallow, "added", b"added\n")
    client.push(empty, shallow, MAIN)
    git("fetch", "--quiet", empty.with_token, "main", cwd=fresh)
    git("merge", "--quiet", "--ff-only", "FETCH_HEAD", cwd=fresh)
    assert git("rev-parse", "HEAD", cwd=fresh).decode().strip() == added
    assert_pushed(empty, fresh, tmp_path)
