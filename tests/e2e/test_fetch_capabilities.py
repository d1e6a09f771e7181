"""What a fetch may ask for, each by stock Git; what it leaves out of an answer is what Git itself leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.gauges import settles
from tests.support.git import git, git_result, object_ids
from tests.support.http_servers import one_worker, request_lines
from tests.support.repositories import commit_file
from tests.support.server import RunningServer

VERSIONS = [0, 1, 2]
LATER = {"GIT_COMMITTER_DATE": "1800000000 +0000"}
"""Newer commits are told first."""

SPARSE_PATTERNS = b"/dir/\n!/dir/large\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with one_worker(tmp_path_factory.mktemp("served") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three commits of files small and large, in folders, with patterns to choose from them."""
    path = tmp_path_factory.mktemp("upstream") / "work"
    git("init", "--quiet", "-b", "main", path)
    for number in range(3):
        commit_file(path, "dir/deep/file", b"%d\n" % number)
        commit_file(path, "dir/large", b"%d\n" % number * 3000)
        commit_file(path, "other/file", b"other %d\n" % number)
    commit_file(path, "patterns", SPARSE_PATTERNS)
    git("tag", "-a", "-m", "A tag", "v1", "main~2", cwd=path)
    git("config", "uploadpack.allowFilter", "true", cwd=path)
    return path


@pytest.fixture(scope="module")
def filled(server: RunningServer, upstream: Path) -> str:
    """The same, pushed to us."""
    remote = str(server.create_repository()["remote"])
    git("push", "--quiet", "--mirror", remote, cwd=upstream)
    return remote


def protocol(version: int) -> tuple[str, str]:
    return "-c", f"protocol.version={version}"


def held(clone: Path) -> set[str]:
    """All objects in it, whatever reaches them."""
    words = ("--batch-all-objects", "--batch-check=%(objectname)", "--unordered")
    return set(git("cat-file", *words, cwd=clone).decode().split())


# --- filters ----------------------------------------------------------------------------------------------------------

FILTERS = [
    "blob:none",
    "blob:limit=1k",
    "tree:0",
    "tree:2",
    "object:type=commit",
    "object:type=tree",
    "sparse:oid=main:patterns",
    "combine:blob:limit=1k+tree:3",
]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("spec", FILTERS)
def test_a_partial_clone_holds_what_git_would_have_sent(
    upstream: Path, filled: str, tmp_path: Path, spec: str, version: int
) -> None:
    for name, url in (("theirs", f"file://{upstream}"), ("ours", filled)):
        words = ("clone", "--quiet", "--bare", f"--filter={spec}", url, tmp_path / name)
        cloned = git_result(*protocol(version), *words)
        assert (cloned.returncode, cloned.stderr) == (0, b"")
    assert held(tmp_path / "ours") == held(tmp_path / "theirs")
    assert len(held(tmp_path / "ours")) < len(object_ids(upstream))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("spec", ["blob:none", "tree:0", "sparse:oid=main:patterns"])
def test_a_partial_clone_fetches_later_what_it_lacks(
    upstream: Path, filled: str, tmp_path: Path, spec: str, version: int
) -> None:
    clone = tmp_path / "clone"
    git("clone", "--quiet", "--no-checkout", f"--filter={spec}", filled, clone)
    before = held(clone)
    git(*protocol(version), "checkout", "--quiet", "main~5", cwd=clone)
    assert git("status", "--porcelain", cwd=clone) == b""
    assert (clone / "dir" / "large").read_bytes() == git("cat-file", "blob", "main~5:dir/large", cwd=upstream)
    assert held(clone) > before


# --- what may be wanted -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["main~4", "v1", "main~2:dir", "main~2:dir/large"])
def test_any_object_that_the_refs_reach_is_fetched_by_its_id(
    upstream: Path, filled: str, tmp_path: Path, name: str, version: int
) -> None:
    git("init", "--quiet", "--bare", tmp_path / "client")
    oid = git("rev-parse", name, cwd=upstream).decode().strip()
    git(*protocol(version), "fetch", "--quiet", filled, oid, cwd=tmp_path / "client")
    expected = git("rev-list", "--objects", "--no-object-names", oid, cwd=upstream).decode().split()
    assert held(tmp_path / "client") == set(expected)


def test_refs_are_wanted_by_name(upstream: Path, filled: str, tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", tmp_path / "client")
    fetched = git_result(
        "fetch", filled, "refs/heads/main:refs/heads/main", cwd=tmp_path / "client", env={"GIT_TRACE_PACKET": "1"}
    )
    assert b"fetch> want-ref refs/heads/main" in fetched.stderr
    assert git("rev-parse", "main", cwd=tmp_path / "client") == git("rev-parse", "main", cwd=upstream)


def test_refs_are_wanted_by_name_up_to_a_depth(upstream: Path, filled: str, tmp_path: Path) -> None:
    """Git's client dies of an answer whose sections are not in the order of the document (docs/pitfalls.md, 21)."""
    git("init", "--quiet", "--bare", tmp_path / "client")
    words = ("fetch", "--depth=2", filled, "refs/heads/main:refs/heads/main")
    fetched = git_result(*words, cwd=tmp_path / "client", env={"GIT_TRACE_PACKET": "1"})
    assert fetched.returncode == 0
    assert b"fetch> want-ref refs/heads/main" in fetched.stderr
    assert git("rev-list", "--count", "main", cwd=tmp_path / "client") == b"2\n"


# --- negotiation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_negotiation_takes_as_many_rounds_as_it_needs(
    server: RunningServer, upstream: Path, tmp_path: Path, version: int
) -> None:
    """The client tells of a hundred commits of its own before one that both have; then only what is new is sent."""
    remote = str(server.create_repository()["remote"])
    git("push", "--quiet", remote, "main~1:refs/heads/main", cwd=upstream)
    git("clone", "--quiet", remote, tmp_path / "clone")
    tree = git("rev-parse", "HEAD^{tree}", cwd=tmp_path / "clone").decode().strip()
    for number in range(100):
        commit = git("commit-tree", "-p", "HEAD", "-m", str(number), tree, cwd=tmp_path / "clone", env=LATER)
        git("update-ref", "HEAD", commit.decode().strip(), cwd=tmp_path / "clone")
    git("push", "--quiet", remote, "main", cwd=upstream)
    trace = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"}
    fetched = git_result(*protocol(version), "fetch", "--progress", "origin", cwd=tmp_path / "clone", env=trace)
    assert fetched.returncode == 0
    rounds = re.findall(rb"=> Send header: POST \S+/git-upload-pack", fetched.stderr)
    assert len(rounds) - (version == 2) > 2  # in version 2 one of them lists the refs
    new = git("rev-list", "--objects", "--no-object-names", "main", "^main~1", cwd=upstream).decode().split()
    assert b"Total %d " % len(new) in fetched.stderr


# --- what the advertisement tells -------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_clone_checks_out_the_default_branch_although_another_has_its_value(
    server: RunningServer, tmp_path: Path, version: int
) -> None:
    """Without `symref` Git guesses, and guesses `main`."""
    remote = str(server.create_repository()["remote"])
    git("init", "--quiet", "-b", "trunk", tmp_path / "work")
    commit_file(tmp_path / "work", "file", b"content\n")
    git("push", "--quiet", remote, "trunk", cwd=tmp_path / "work")
    git("push", "--quiet", remote, "trunk:main", "trunk:master", cwd=tmp_path / "work")
    git(*protocol(version), "clone", "--quiet", remote, tmp_path / "clone")
    assert git("symbolic-ref", "HEAD", cwd=tmp_path / "clone") == b"refs/heads/trunk\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_sha256_repositories_are_cloned_fetched_and_pushed(server: RunningServer, tmp_path: Path, version: int) -> None:
    remote = str(server.create_repository(objectFormat="sha256")["remote"])
    work, clone = tmp_path / "work", tmp_path / "clone"
    git("init", "--quiet", "-b", "main", "--object-format=sha256", work)
    commit_file(work, "file", b"content\n")
    git(*protocol(version), "push", "--quiet", remote, "main", cwd=work)
    git(*protocol(version), "clone", "--quiet", remote, clone)
    commit_file(work, "file", b"more content\n")
    git(*protocol(version), "push", "--quiet", remote, "main", cwd=work)
    git(*protocol(version), "fetch", "--quiet", cwd=clone)
    assert git("rev-parse", "origin/main", cwd=clone) == git("rev-parse", "main", cwd=work)
    assert git("rev-parse", "--show-object-format", cwd=clone) == b"sha256\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_agent_and_session_id_of_a_fetch_are_in_the_log(
    server: RunningServer, filled: str, tmp_path: Path, version: int
) -> None:
    before = len(request_lines(server))
    git(*protocol(version), "-c", "transfer.advertiseSID=true", "clone", "--quiet", filled, tmp_path / "clone")
    assert settles(lambda: any(_is_told(line) for line in request_lines(server)[before:]))


def _is_told(line: dict[str, Any]) -> bool:
    return bool(line.get("session_id")) and line.get("agent", "").startswith("git/")


def test_server_options_are_taken(filled: str, tmp_path: Path) -> None:
    """Git gives up if a server does not offer them."""
    words = ("--server-option=one", "--server-option=two=2")
    git("clone", "--quiet", *words, filled, tmp_path / "clone")
    git("fetch", "--quiet", *words, "origin", cwd=tmp_path / "clone")
