"""Slow clients live as long as they move; what does not move is let go. The times are real: slowness is the subject."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.gauges import settles
from tests.support.git import git
from tests.support.http2_wire import Http2Connection, StreamCut
from tests.support.http_servers import RECEIVE_PACK, UPLOAD_PACK, Repository, new_repository, one_worker, request_lines
from tests.support.http_wire import RawConnection, head
from tests.support.repositories import commit_file
from tests.support.server import RunningServer
from tests.support.wire_client import fetch_request, parse_fetch_answer, parse_push_report, push_request

TIMEOUT_S = 1.0
"""Of the server."""

PAUSE_S = 0.3
PAUSES = 8
"""Together longer than the timeout, each shorter."""

KIB, MIB = 1 << 10, 1 << 20
PACK_BYTES = 8 * MIB


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    timeout = ["--request-timeout-secs", str(TIMEOUT_S)]
    with one_worker(tmp_path_factory.mktemp("served") / "data", timeout) as running:
        yield running


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("work") / "work"
    git("init", "--quiet", "-b", "main", path)
    commit_file(path, "noise", random.Random(1).randbytes(PACK_BYTES))
    return path


@pytest.fixture(scope="module")
def repository(server: RunningServer, work: Path) -> Repository:
    made = new_repository(server)
    git("push", "--quiet", made.remote, "main", cwd=work)
    return made


@pytest.fixture
def clone(work: Path) -> bytes:
    """The body of a request for all of it."""
    return fetch_request([bytes.fromhex(git("rev-parse", "main", cwd=work).decode())])


def test_a_slow_reader_keeps_its_clone_over_http_1(repository: Repository, clone: bytes) -> None:
    """At its speed a piece of the pack takes longer than the timeout."""
    with RawConnection(repository.server.url, receive_buffer_bytes=64 * KIB) as connection:
        headers = {**repository.call_headers(UPLOAD_PACK), "Content-Length": str(len(clone))}
        connection.send(head("POST", f"{repository.path}/{UPLOAD_PACK}", headers) + clone)
        for _ in range(PAUSES):
            time.sleep(PAUSE_S)
            connection.take(128 * KIB)
        assert len(parse_fetch_answer(connection.answer().body).pack or b"") > PACK_BYTES


def test_a_slow_reader_keeps_its_clone_over_http_2(repository: Repository, clone: bytes) -> None:
    with Http2Connection(repository.server.url) as connection:
        headers = repository.call_headers(UPLOAD_PACK)
        stream = connection.request("POST", f"{repository.path}/{UPLOAD_PACK}".encode(), headers, clone)
        for number in range(1, PAUSES + 1):
            while connection.received_bytes(stream) < number * 32 * KIB:
                connection.receive()
            time.sleep(PAUSE_S)
            connection.grant(stream)
        assert len(parse_fetch_answer(connection.answer(stream).body).pack or b"") > PACK_BYTES


def test_a_reader_that_takes_nothing_is_let_go_over_http_1(repository: Repository, clone: bytes) -> None:
    own = {"Content-Length": str(len(clone)), "X-Request-Id": "takes-nothing"}
    with RawConnection(repository.server.url, receive_buffer_bytes=64 * KIB) as connection:
        headers = {**repository.call_headers(UPLOAD_PACK), **own}
        connection.send(head("POST", f"{repository.path}/{UPLOAD_PACK}", headers) + clone)
        assert settles(lambda: own["X-Request-Id"] in _logged_ids(repository))
        with pytest.raises(ConnectionError):
            connection.answer()


def test_a_reader_that_grants_nothing_is_let_go_over_http_2(repository: Repository, clone: bytes) -> None:
    """The kernel sees a living connection; and the other streams of the connection live on."""
    with Http2Connection(repository.server.url) as connection:
        headers = repository.call_headers(UPLOAD_PACK)
        stream = connection.request("POST", f"{repository.path}/{UPLOAD_PACK}".encode(), headers, clone)
        with pytest.raises(StreamCut):
            connection.wait_reset(stream)
        connection.h2.increment_flow_control_window(MIB)
        assert connection.answer(connection.request("GET", b"/v1/health", {})).status == 200


def test_a_slow_writer_completes_its_push(server: RunningServer, work: Path) -> None:
    made = new_repository(server)
    body = _push_of(work)
    with RawConnection(server.url) as connection:
        headers = {**made.call_headers(RECEIVE_PACK), "Content-Length": str(len(body))}
        connection.send(head("POST", f"{made.path}/{RECEIVE_PACK}", headers))
        for at in range(PAUSES):
            connection.send(body[at : at + 1])
            time.sleep(PAUSE_S)
        connection.send(body[PAUSES:])
        assert parse_push_report(connection.answer().body).refs == {b"refs/heads/main": None}


def test_a_writer_that_falls_silent_is_told_so_and_leaves_nothing(server: RunningServer, work: Path) -> None:
    made = new_repository(server)
    body = _push_of(work)
    with RawConnection(server.url) as connection:
        headers = {**made.call_headers(RECEIVE_PACK), "Content-Length": str(len(body))}
        connection.send(head("POST", f"{made.path}/{RECEIVE_PACK}", headers) + body[: 2 * MIB])
        assert connection.answer().status == 408
    assert settles(lambda: not list((server.data_dir / "quarantine").iterdir()))


def _push_of(work: Path) -> bytes:
    tip = bytes.fromhex(git("rev-parse", "main", cwd=work).decode())
    pack = git("pack-objects", "--stdout", "--revs", "-q", cwd=work, stdin=b"main\n")
    return push_request([(bytes(20), tip, b"refs/heads/main")], pack)


def _logged_ids(repository: Repository) -> list[str]:
    """Of the requests that the server has done with."""
    return [line["request_id"] for line in request_lines(repository.server)]
