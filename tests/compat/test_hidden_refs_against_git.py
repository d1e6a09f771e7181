"""Hidden refs: what stock Git lists with the same transfer.hideRefs is the oracle."""

from __future__ import annotations

from pathlib import Path

import pytest

from packengine.pktline import PktLineDecoder
from packengine.refs import HiddenRefs
from tests.support.git import git

NAMES = [b"a", b"a/b", b"a-b", b"a.b", b"a0", b"ab", b"c/d/e", b"c/d-e", b"c/f"]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One commit under all the names that can stand side by side, each in a folder of its own."""
    path = tmp_path_factory.mktemp("hidden") / "repository.git"
    git("init", "--quiet", "--bare", "-b", "main", path)
    tree = git("hash-object", "-w", "-t", "tree", "--stdin", cwd=path, stdin=b"").decode().strip()
    commit = git("commit-tree", "-m", "only", tree, cwd=path).decode().strip()
    for at, name in enumerate(NAMES):
        git("update-ref", f"refs/heads/{at}/{name.decode()}", commit, cwd=path)
        git("update-ref", f"refs/pull/{name.decode().replace('/', '_')}/head", commit, cwd=path)
    git("update-ref", "refs/heads/main", commit, cwd=path)
    return path


@pytest.mark.parametrize(
    "patterns",
    [
        [],
        ["refs"],
        ["refs/heads/1"],
        ["refs/heads/1/a"],
        ["refs/heads/1/a/"],
        ["refs/heads/0/a", "refs/heads/2/a"],
        ["refs/pull", "!refs/pull/a"],
        ["!refs/pull/a", "refs/pull"],
        ["refs/pull", "!refs/pull/a", "refs/pull/a/head"],
        ["^refs/pull", "!^refs/pull/a"],
        ["refs/pull/a"],
        ["HEAD"],
        ["refs/heads", "!refs/heads/main"],
    ],
)
def test_hidden_is_what_git_hides(repository: Path, patterns: list[str]) -> None:
    options = [option for pattern in patterns for option in ("-c", f"transfer.hideRefs={pattern}")]
    answer = git(*options, "upload-pack", "--http-backend-info-refs", repository)
    listed = {line.split(b"\0")[0].split()[1] for line in lines(answer)}
    hidden = HiddenRefs.of_patterns(pattern.encode() for pattern in patterns)
    everything = {b"HEAD", *git("for-each-ref", "--format=%(refname)", cwd=repository).splitlines()}
    assert listed - {b"capabilities^{}"} == {name for name in everything if not hidden.hides(name)}


def lines(answer: bytes) -> list[bytes]:
    """The pkt-lines of an advertisement."""
    decoder = PktLineDecoder(max_packets=1_000, max_bytes=1 << 20, stop_at_flush=True)
    return [packet for packet in decoder.feed(answer) if isinstance(packet, bytes)]
