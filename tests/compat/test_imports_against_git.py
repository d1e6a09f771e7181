"""What is imported from other servers is what these have: stock Git's in every version, dulwich's, and our own."""

from __future__ import annotations

import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from dulwich.repo import Repo
from dulwich.server import BackendRepo, DictBackend
from dulwich.web import make_wsgi_chain

from packengine.manifests import PublishKind
from packengine.repository.progress import no_progress
from tests.support import random_repository
from tests.support.git import git, object_ids, refs
from tests.support.imports import Importing, importing
from tests.support.remotes import http_backend
from tests.support.repositories import assert_same_repository, commit_file, mirror_clone
from tests.support.server import RunningServer

VERSIONS = ["version=2", "version=1", "version=0"]


@pytest.fixture
async def imports(tmp_path: Path) -> AsyncIterator[Importing]:
    async with importing(tmp_path / "data") as opened:
        await opened.rest.create("repo")
        yield opened


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder of bare repositories to be served."""
    folder = tmp_path / "served"
    folder.mkdir()
    return folder


@pytest.fixture
def origin(root: Path, tmp_path: Path) -> Path:
    """A small one, `a.git`; `work` pushes to it."""
    git("init", "--quiet", "--bare", "-b", "trunk", root / "a.git")
    work = tmp_path / "work"
    git("clone", "--quiet", root / "a.git", work)
    for number in range(40):
        commit_file(work, "file", b"text %d\n" % number)
    git("tag", "light", cwd=work)
    git("tag", "-a", "-m", "annotated", "heavy", cwd=work)
    git("push", "--quiet", "origin", "HEAD:trunk", "HEAD~3:refs/heads/side", "light", "heavy", cwd=work)
    return root / "a.git"


def export(imports: Importing, path: Path) -> Path:
    engine = imports.rest.engine
    assert engine.verify_repository("repo", progress=no_progress).problems == []
    assert engine.load("repo").manifest.kind is PublishKind.IMPORT
    engine.export_repository("repo", path, progress=no_progress)
    return path


def pushed(work: Path, *refspecs: str) -> None:
    git("push", "--quiet", "--force", "origin", *refspecs, cwd=work)


def done(job: Any) -> Any:
    assert (job["state"], job.get("error")) == ("done", None)
    return job


# --- stock Git --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("git_protocol", VERSIONS)
async def test_an_import_has_all_refs_and_objects_of_its_origin(
    imports: Importing, root: Path, small_repo: Path, tmp_path: Path, git_protocol: str
) -> None:
    mirror_clone(small_repo, root / "small.git")
    with http_backend(root, git_protocol=git_protocol) as remote:
        job = done(await imports.run("repo", f"{remote.url}/small.git", mirror=True))
    assert_same_repository(root / "small.git", export(imports, tmp_path / "out"))
    assert imports.rest.engine.load("repo").manifest.sealed
    assert job["movedRefs"] == len(refs(root / "small.git")) - 1
    assert job["receivedObjects"] == job["totalObjects"] >= len(object_ids(small_repo))
    assert job["resolvedDeltas"] == job["totalDeltas"]


@pytest.mark.parametrize("seed", range(4))
async def test_tangled_histories_come_whole(imports: Importing, root: Path, tmp_path: Path, seed: int) -> None:
    random_repository.build(root / "a.git", seed=seed)
    with http_backend(root, git_protocol=VERSIONS[seed % 3]) as remote:
        done(await imports.run("repo", f"{remote.url}/a.git", mirror=True))
    assert_same_repository(root / "a.git", export(imports, tmp_path / "out"))


@pytest.mark.parametrize("git_protocol", VERSIONS)
@pytest.mark.parametrize("seed", range(3))
async def test_imports_of_a_growing_remote_end_as_one_import_of_the_grown_one(
    imports: Importing, root: Path, tmp_path: Path, seed: int, git_protocol: str
) -> None:
    random_repository.build(tmp_path / "grown", seed=seed)
    git("init", "--quiet", "--bare", "-b", "line0", root / "a.git")
    commits = git("rev-list", "--reverse", "--topo-order", "--all", cwd=tmp_path / "grown").decode().split()
    with http_backend(root, git_protocol=git_protocol) as remote:
        for commit in commits[20::35]:
            git("push", "--quiet", "--force", root / "a.git", f"{commit}:refs/heads/moving", cwd=tmp_path / "grown")
            done(await imports.run("repo", f"{remote.url}/a.git", mirror=True))
        git("push", "--quiet", "--mirror", root / "a.git", cwd=tmp_path / "grown")
        done(await imports.run("repo", f"{remote.url}/a.git", mirror=True))
    assert refs(root / "a.git") == refs(export(imports, tmp_path / "out"))
    assert object_ids(root / "a.git") == object_ids(tmp_path / "out")


@pytest.mark.parametrize("git_protocol", VERSIONS)
async def test_a_second_import_brings_only_what_is_new(
    imports: Importing, origin: Path, tmp_path: Path, git_protocol: str
) -> None:
    work = tmp_path / "work"
    with http_backend(origin.parent, git_protocol=git_protocol) as remote:
        done(await imports.run("repo", f"{remote.url}/a.git"))
        commit_file(work, "file", b"new\n")
        pushed(work, "HEAD:trunk")
        assert done(await imports.run("repo", f"{remote.url}/a.git"))["receivedObjects"] == 3
        asked = len(remote.requests)
        assert done(await imports.run("repo", f"{remote.url}/a.git"))["movedRefs"] == 0
        assert len(remote.requests) - asked <= 2  # nothing is fetched
    assert_same_repository(origin, export(imports, tmp_path / "out"))


@pytest.mark.parametrize(
    "without",
    [
        frozenset({b"no-done"}),
        frozenset({b"multi_ack_detailed", b"no-done"}),
        frozenset({b"multi_ack_detailed", b"multi_ack", b"no-done", b"side-band-64k", b"thin-pack", b"ofs-delta"}),
        frozenset({b"symref=HEAD:refs/heads/trunk", b"object-format=sha1", b"multi_ack_detailed", b"multi_ack"}),
    ],
)
async def test_older_servers_are_imported_from_and_again(
    imports: Importing, origin: Path, tmp_path: Path, without: frozenset[bytes]
) -> None:
    work = tmp_path / "work"
    git("tag", "-d", "light", "heavy", cwd=work)
    pushed(work, ":light", ":heavy", ":side")
    with http_backend(origin.parent, git_protocol="version=0", without=without) as remote:
        done(await imports.run("repo", f"{remote.url}/a.git"))
        await _commit_here(imports, 20)
        commit_file(work, "other", b"new\n")
        pushed(work, "HEAD:trunk")
        job = done(await imports.run("repo", f"{remote.url}/a.git", mirror=True))
    assert job["receivedObjects"] == 3
    assert_same_repository(origin, export(imports, tmp_path / "out"))


@pytest.mark.parametrize("git_protocol", VERSIONS)
async def test_common_history_is_found_below_commits_of_our_own(
    imports: Importing, origin: Path, tmp_path: Path, git_protocol: str
) -> None:
    """The remote lists no value that is here: it has moved on, and so have we."""
    work = tmp_path / "work"
    git("tag", "-d", "light", "heavy", cwd=work)
    pushed(work, ":light", ":heavy", ":side")
    with http_backend(origin.parent, git_protocol=git_protocol) as remote:
        done(await imports.run("repo", f"{remote.url}/a.git"))
        await _commit_here(imports, 30)
        for number in range(3):
            commit_file(work, "other", b"%d\n" % number)
        pushed(work, "HEAD:trunk")
        job = done(await imports.run("repo", f"{remote.url}/a.git", mirror=True))
    assert job["receivedObjects"] == 9
    assert_same_repository(origin, export(imports, tmp_path / "out"))


async def _commit_here(imports: Importing, count: int) -> None:
    parent = imports.rest.engine.load("repo").manifest.refs.get(b"refs/heads/trunk")
    assert parent is not None
    sha = parent.oid.hex()
    for number in range(count):
        body = {
            "branch": "trunk",
            "parent": sha,
            "message": f"ours {number}",
            "changes": [{"op": "write", "path": "ours", "content": str(number)}],
        }
        answer = await imports.rest.call("POST", "/v1/repos/repo/commits", body)
        assert answer.status_code == 200, answer.text
        sha = answer.json()["commit"]


async def test_a_mirror_ends_as_its_origin_whatever_was_there(imports: Importing, origin: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    with http_backend(origin.parent) as remote:
        done(await imports.run("repo", f"{remote.url}/a.git", mirror=True))
        pushed(work, ":side", "HEAD~10:trunk", "HEAD~2:refs/heads/main", ":light", "HEAD:refs/tags/heavy")
        pushed(work, "HEAD:refs/notes/commits", "HEAD:refs/pull/1/head")
        git("symbolic-ref", "HEAD", "refs/heads/main", cwd=origin)
        git("update-ref", "-d", "refs/heads/trunk", cwd=origin)
        job = done(await imports.run("repo", f"{remote.url}/a.git", mirror=True))
    assert job["notMoved"] == []
    ours, theirs = refs(export(imports, tmp_path / "out")), refs(origin)
    assert theirs.pop("refs/pull/1/head")  # the host's own
    assert ours == theirs
    assert ours["HEAD"] == "refs/heads/main"


async def test_a_mirror_may_become_empty_and_take_over_an_unborn_head(
    imports: Importing, origin: Path, tmp_path: Path
) -> None:
    with http_backend(origin.parent) as remote:
        done(await imports.run("repo", f"{remote.url}/a.git", mirror=True))
        shutil.rmtree(origin)
        git("init", "--quiet", "--bare", "-b", "unborn", origin)
        job = done(await imports.run("repo", f"{remote.url}/a.git", mirror=True))
        assert job["movedRefs"] == 4
    assert imports.rest.engine.load("repo").manifest.head == b"refs/heads/unborn"
    assert len(imports.rest.engine.load("repo").manifest.refs) == 0


async def test_without_mirror_nothing_is_taken_back(imports: Importing, origin: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    with http_backend(origin.parent) as remote:
        done(await imports.run("repo", f"{remote.url}/a.git"))
        before = refs(export(imports, tmp_path / "before"))
        pushed(work, "HEAD~10:trunk", "HEAD:side", "HEAD:refs/tags/light", "HEAD~1:refs/tags/heavy", "HEAD:fresh")
        job = done(await imports.run("repo", f"{remote.url}/a.git"))
    after = refs(export(imports, tmp_path / "after"))
    head = git("rev-parse", "HEAD", cwd=work).decode().strip()
    assert after == {**before, "refs/heads/side": head, "refs/heads/fresh": head}
    assert {each["ref"]: each["reason"] for each in job["notMoved"]} == {
        "refs/heads/trunk": "non-fast-forward",
        "refs/tags/heavy": "would clobber existing tag",
    }
    assert (job["movedRefs"], job["notMovedCount"]) == (2, 2)


async def test_only_the_refs_that_are_asked_for_are_taken(imports: Importing, origin: Path, tmp_path: Path) -> None:
    pushed(tmp_path / "work", "HEAD:refs/pull/1/head")
    with http_backend(origin.parent) as remote:
        done(await imports.run("repo", f"{remote.url}/a.git", refs=["refs/heads/s*", "refs/pull/*"]))
        [listing] = [each.body for each in remote.requests if b"command=ls-refs" in each.body]
    ours = refs(export(imports, tmp_path / "out"))
    assert ours.keys() - {"HEAD"} == {"refs/heads/side", "refs/pull/1/head"}
    assert b"ref-prefix refs/heads/s\n" in listing
    assert b"ref-prefix refs/heads/\n" not in listing


async def test_a_sha256_remote_fills_a_sha256_repository_and_no_other(tmp_path: Path, root: Path) -> None:
    random_repository.build(root / "a.git", seed=1, object_format="sha256")
    async with importing(tmp_path / "data") as imports:
        await imports.rest.create("repo", objectFormat="sha256")
        await imports.rest.create("other")
        for git_protocol in ("version=2", "version=0"):
            with http_backend(root, git_protocol=git_protocol) as remote:
                job = await imports.run("other", f"{remote.url}/a.git")
                assert job["error"] == "the remote's object format is sha256, the repository's sha1"
                done(await imports.run("repo", f"{remote.url}/a.git", mirror=True))
        assert_same_repository(root / "a.git", export(imports, tmp_path / "out"))


@pytest.mark.parametrize("git_protocol", ["version=2", "version=0"])
async def test_a_shallow_remote_is_refused(imports: Importing, origin: Path, root: Path, git_protocol: str) -> None:
    git("clone", "--quiet", "--bare", "--depth=3", f"file://{origin}", root / "shallow.git")
    with http_backend(root, git_protocol=git_protocol) as remote:
        job = await imports.run("repo", f"{remote.url}/shallow.git")
    assert job["state"] == "failed"
    assert job["error"] == "the remote is a shallow repository: what it has is not complete"


async def test_forty_thousand_objects_come_in_seconds(
    imports: Importing, root: Path, large_repo: Path, tmp_path: Path
) -> None:
    (root / "large.git").symlink_to(large_repo)
    with http_backend(root, config={"safe.directory": "*"}) as remote:
        job = done(await imports.run("repo", f"{remote.url}/large.git", mirror=True))
    assert job["receivedObjects"] >= 40_000
    assert job["finishedAt"] - job["startedAt"] < 60
    ours = export(imports, tmp_path / "out")
    assert refs(ours) == refs(large_repo)
    assert object_ids(ours) == object_ids(large_repo)


# --- other servers ----------------------------------------------------------------------------------------------------


@contextmanager
def dulwich_server(path: Path) -> Iterator[str]:
    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
            """Into nowhere."""

    with Repo(str(path)) as repository:
        served: dict[str, BackendRepo] = {"/a.git": repository}
        application = make_wsgi_chain(DictBackend(served))
        with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}/a.git"
            finally:
                server.shutdown()
                thread.join()


async def test_a_dulwich_server_is_imported_from_and_again(imports: Importing, origin: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    with dulwich_server(origin) as url:
        done(await imports.run("repo", url))
    commit_file(work, "file", b"new\n")
    pushed(work, "HEAD:trunk")
    with dulwich_server(origin) as url:
        job = done(await imports.run("repo", url, mirror=True))
    assert job["receivedObjects"] == 3
    assert_same_repository(origin, export(imports, tmp_path / "out"))


async def test_our_own_server_is_imported_from_with_its_token(
    imports: Importing, origin: Path, tmp_path: Path, server: RunningServer, spare: Callable[[], str]
) -> None:
    remote = spare()
    git("push", "--quiet", "--mirror", remote, cwd=origin)
    token = remote.partition("://x:")[2].partition("@")[0]
    bare = remote.replace(f"x:{token}@", "")
    job = await imports.run("repo", bare)
    assert "a token is needed" in job["error"]
    job = await imports.run("repo", bare, token="wrong")
    assert "the token is not good" in job["error"]
    done(await imports.run("repo", bare, token=token))
    done(await imports.run("repo", remote, mirror=True))
    ours = export(imports, tmp_path / "out")
    assert object_ids(ours) == object_ids(origin)
    assert token not in str(await imports.show("repo"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("own") / "data", workers=1) as running:
        yield running


@pytest.fixture
def spare(server: RunningServer) -> Callable[[], str]:
    """URLs, with their write tokens, of fresh repositories."""
    return lambda: str(server.create_repository()["remote"])
