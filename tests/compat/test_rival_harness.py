"""The rival of the benchmarks is a fair one only if it works: stock Git clones and pushes through it."""

import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.support.null_client import BadAnswer, clone, read_to_end, request
from benchmarks.support.rival import HttpBackend, RivalMissing, prepare
from tests.support.git import git, git_result, object_ids, refs


@pytest.fixture(scope="module")
def rival(small_repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a served copy of the small history, and the copy's folder."""
    root = tmp_path_factory.mktemp("rival")
    shutil.copytree(small_repo, root / "repo.git", symlinks=True)
    prepare(root / "repo.git")
    try:
        with HttpBackend(root) as backend:
            yield f"{backend.url}/repo.git", root / "repo.git"
    except RivalMissing as missing:
        if "CI" in os.environ:
            raise
        pytest.skip(str(missing))


def test_clone_through_the_rival_equals_the_source(rival: tuple[str, Path], tmp_path: Path) -> None:
    url, source = rival
    git("clone", "--quiet", "--mirror", url, tmp_path / "clone.git")
    assert refs(tmp_path / "clone.git") == refs(source)
    assert object_ids(tmp_path / "clone.git") == object_ids(source)


def test_rival_speaks_protocol_v2(rival: tuple[str, Path], tmp_path: Path) -> None:
    trace = git_result("-c", "protocol.version=2", "ls-remote", rival[0], env={"GIT_TRACE_PACKET": "1"}, cwd=tmp_path)
    assert b"< version 2" in trace.stderr


def test_rival_takes_a_push_without_being_asked_for_a_password(rival: tuple[str, Path], tmp_path: Path) -> None:
    url, source = rival
    git("clone", "--quiet", url, tmp_path / "clone")
    git("commit", "--quiet", "--allow-empty", "-m", "New", cwd=tmp_path / "clone")
    git("push", "--quiet", "origin", "HEAD:refs/heads/pushed", cwd=tmp_path / "clone")
    assert refs(source)["refs/heads/pushed"] == git("rev-parse", "HEAD", cwd=tmp_path / "clone").decode().strip()


def test_prepared_repository_has_bitmap_and_commit_graph(rival: tuple[str, Path]) -> None:
    assert list(rival[1].glob("objects/pack/*.bitmap"))
    assert (rival[1] / "objects/info/commit-graph").exists()


def test_rival_is_gone_after_the_block(rival: tuple[str, Path]) -> None:
    with HttpBackend(rival[1].parent) as backend:
        address = backend.url.removeprefix("http://").split(":")
        read_to_end(request(f"{backend.url}/repo.git/info/refs?service=git-upload-pack"))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address[0], int(address[1])), timeout=5)


def test_null_client_reads_a_whole_pack(rival: tuple[str, Path]) -> None:
    url, source = rival
    wants = {value for name, value in refs(source).items() if name != "HEAD"}
    reading = read_to_end(clone(url, sorted(wants)))
    (pack,) = source.glob("objects/pack/*.pack")
    assert reading.body_bytes > pack.stat().st_size * 0.9
    assert 0 < reading.first_byte_s <= reading.total_s


def test_null_client_refuses_an_error(rival: tuple[str, Path]) -> None:
    with pytest.raises(BadAnswer, match="404"):
        read_to_end(request(f"{rival[0]}/no-such-file"))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
    ],
)
def test_null_client_notices_an_answer_broken_off(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=_answer_once, args=(listener, answer))
        server.start()
        with pytest.raises(BadAnswer):
            read_to_end(request(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        server.join()


def _answer_once(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(answer)
