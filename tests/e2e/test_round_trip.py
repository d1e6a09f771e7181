"""A real repository goes in by push and comes out by clone, bit for bit; then life goes on."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.support.git import git, object_ids, refs
from tests.support.repositories import assert_same_repository, commit_file, mirror_clone, work_clone
from tests.support.server import RunningServer


@pytest.fixture(scope="module")
def pushed(server: RunningServer, large_repo: Path) -> dict[str, str]:
    """The large repository, pushed with --mirror: id, remote and token."""
    created: dict[str, str] = server.create_repository("large-one")
    git("push", "--quiet", "--mirror", created["remote"], cwd=large_repo)
    return created


def fork_of(server: RunningServer, repository_id: str) -> dict[str, str]:
    status, fork = server.rest("POST", f"/v1/repos/{repository_id}/forks", {})
    assert status == 200, fork
    return dict(fork)


def exercise(remote: str, scratch: Path) -> None:
    """Incremental push and fetch, force push, new and deleted tag and branch; the server and a fresh clone agree."""
    work = work_clone(remote, scratch / "work")
    other = work_clone(remote, scratch / "other")
    first = commit_file(work, "added/first.txt", b"one\n" * 1000)
    git("push", "--quiet", "origin", "HEAD", cwd=work)
    git("fetch", "--quiet", cwd=other)
    assert git("rev-parse", "origin/HEAD", cwd=other).decode().strip() == first

    git("commit", "--quiet", "--amend", "-m", "Another story", cwd=work)
    with pytest.raises(Exception, match="rejected"):
        git("push", "origin", "HEAD", cwd=work)
    git("push", "--quiet", "--force", "origin", "HEAD", cwd=work)
    git("tag", "-a", "-m", "A tag", "exercise-1", cwd=work)
    git("branch", "exercise-branch", "HEAD~1", cwd=work)
    git("push", "--quiet", "origin", "exercise-1", "exercise-branch", cwd=work)
    assert {"refs/tags/exercise-1", "refs/heads/exercise-branch"} <= remote_refs(remote).keys()
    git("push", "--quiet", "origin", ":exercise-1", ":exercise-branch", cwd=work)
    assert not {"refs/tags/exercise-1", "refs/heads/exercise-branch"} & remote_refs(remote).keys()
    git("fetch", "--quiet", "--prune", cwd=other)
    assert git("rev-parse", "origin/HEAD", cwd=other) == git("rev-parse", "HEAD", cwd=work)
    mirror = mirror_clone(remote, scratch / "mirror")
    git("fsck", "--strict", cwd=mirror)
    assert git("rev-parse", "HEAD", cwd=mirror) == git("rev-parse", "HEAD", cwd=work)


def remote_refs(remote: str) -> dict[str, str]:
    lines = git("ls-remote", remote).decode().splitlines()
    return {name: oid for oid, _, name in (line.partition("\t") for line in lines)}


def test_a_mirror_of_40000_objects_comes_back_bit_for_bit(
    pushed: dict[str, str], large_repo: Path, tmp_path: Path
) -> None:
    assert len(object_ids(large_repo)) >= 40_000
    assert_same_repository(large_repo, mirror_clone(pushed["remote"], tmp_path / "clone"))


def test_a_clone_satisfies_a_client_that_checks_every_object(pushed: dict[str, str], tmp_path: Path) -> None:
    clone = mirror_clone(pushed["remote"], tmp_path / "clone", fetch_fsckObjects="true")
    git("fsck", "--strict", cwd=clone)


def test_a_fork_equals_its_source_adds_no_blob_and_lives_its_own_life(
    server: RunningServer, pushed: dict[str, str], large_repo: Path, tmp_path: Path
) -> None:
    blobs = sorted((server.data_dir / "blobs").rglob("*"))
    fork = fork_of(server, pushed["id"])
    assert sorted((server.data_dir / "blobs").rglob("*")) == blobs
    assert_same_repository(large_repo, mirror_clone(fork["remote"], tmp_path / "clone"))
    before = remote_refs(pushed["remote"])
    exercise(fork["remote"], tmp_path)
    assert remote_refs(pushed["remote"]) == before


def test_life_goes_on_after_a_push(server: RunningServer, pushed: dict[str, str], tmp_path: Path) -> None:
    exercise(fork_of(server, pushed["id"])["remote"], tmp_path)


def test_a_fork_outlives_its_source(server: RunningServer, small_repo: Path, tmp_path: Path) -> None:
    source = server.create_repository()
    git("push", "--quiet", "--mirror", source["remote"], cwd=small_repo)
    fork = fork_of(server, source["id"])
    status, _ = server.rest("DELETE", f"/v1/repos/{source['id']}?force=true")
    assert status == 200
    assert_same_repository(small_repo, mirror_clone(fork["remote"], tmp_path / "clone"))


@pytest.mark.parametrize("workers", [1, 2])
def test_everything_is_there_after_a_restart(large_repo: Path, tmp_path: Path, workers: int) -> None:
    with RunningServer(tmp_path / "data", workers=workers) as server:
        created = server.create_repository()
        git("push", "--quiet", "--mirror", created["remote"], cwd=large_repo)
        server.restart()
        remote = created["remote"].replace(created["remote"].split("@")[1].split("/")[0], server.url.split("//")[1])
        assert_same_repository(large_repo, mirror_clone(remote, tmp_path / "clone"))
        exercise(remote, tmp_path)


def test_head_of_an_empty_repository_follows_the_first_branch_pushed(server: RunningServer, tmp_path: Path) -> None:
    remote = server.create_repository()["remote"]
    git("init", "--quiet", "-b", "trunk", tmp_path / "work")
    commit_file(tmp_path / "work", "file", b"content\n")
    git("push", "--quiet", remote, "trunk", cwd=tmp_path / "work")
    assert refs(mirror_clone(remote, tmp_path / "clone"))["HEAD"] == "refs/heads/trunk"


def test_an_empty_repository_is_cloned_with_its_unborn_branch(remote: str, tmp_path: Path) -> None:
    work = work_clone(remote, tmp_path / "work")
    assert git("symbolic-ref", "HEAD", cwd=work) == b"refs/heads/main\n"


def test_a_sha256_repository_makes_the_round_trip_beside_others(tmp_path: Path) -> None:
    with RunningServer(tmp_path / "data", workers=1) as server:
        for object_format in ("sha1", "sha256", "sha1"):
            round_trip(server, object_format, tmp_path / secrets.token_hex(4))


def round_trip(server: RunningServer, object_format: str, scratch: Path) -> None:
    remote = server.create_repository(None, objectFormat=object_format)["remote"]
    git("init", "--quiet", "-b", "main", f"--object-format={object_format}", scratch / "work")
    for number in range(5):
        commit_file(scratch / "work", f"file-{number}", b"content\n" * number)
    git("push", "--quiet", remote, "main", cwd=scratch / "work")
    clone = mirror_clone(remote, scratch / "clone")
    assert object_ids(clone) == object_ids(scratch / "work")
    git("fsck", "--strict", cwd=clone)
