"""Requests that are none, and requests in odd pieces, to the whole server: each has its status, log line and end."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.gauges import open_connections, open_files, settles
from tests.support.http_servers import (
    RECEIVE_PACK,
    UPLOAD_PACK,
    Authority,
    Repository,
    make_authority,
    new_repository,
    one_worker,
    request_lines,
)
from tests.support.http_wire import RawConnection, chunked, head
from tests.support.server import RunningServer
from tests.support.wire_client import ls_refs_request

KIB = 1 << 10
LISTING = ls_refs_request()
HEALTH = head("GET", "/v1/health", {})

MALFORMED: dict[str, tuple[bytes, int]] = {
    "no-http": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400),
    "no-version": (b"GET /\r\n\r\n", 400),
    "version-2": (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    "version-0.9": (b"GET / HTTP/0.9\r\n\r\n", 505),
    "no-host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two-hosts": (b"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
    "bad-host": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "bare-lf": (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    "bare-cr": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400),
    "nul": (b"GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n", 400),
    "folded": (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
    "blank-before-colon": (b"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400),
    "fragment": (b"GET /#a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "not-ascii": (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "other-scheme": (b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "proxy": (b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", 501),
    "coding": (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
    "chunked-1.0": (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "length-over-2-63": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775808\r\n\r\n", 400),
    "many-fields": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200, 431),
    "long-line": (b"GET /" + b"a" * 64 * KIB, 431),
    "long-field": (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 64 * KIB, 431),
    "empty-lines": (b"\r\n" * 32 * KIB, 431),
}


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with one_worker(tmp_path_factory.mktemp("served") / "data") as running:
        workers = running.worker_pids()
        yield running
        assert running.worker_pids() == workers


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory, certified: Authority) -> Iterator[RunningServer]:
    with one_worker(tmp_path_factory.mktemp("tls") / "data", authority=certified) as running:
        yield running


def malformed_lines(server: RunningServer) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "malformed request"]


# --- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_request_is_told_so_and_logged_and_ends_the_connection(
    server: RunningServer, connection: RawConnection, case: str
) -> None:
    sent, status = MALFORMED[case]
    lines_before, requests_before = len(malformed_lines(server)), len(request_lines(server))
    connection.send(HEALTH + sent)
    assert connection.answer().status == 200
    answer = connection.answer()
    assert (answer.status, answer.headers["content-type"], answer.headers["connection"]) == (
        status,
        "application/json",
        "close",
    )
    error = json.loads(answer.body)["error"]
    assert (error["code"], error["message"] != "") == ("bad_request", True)
    assert connection.has_ended()
    (line,) = malformed_lines(server)[lines_before:]
    assert (line["status"], line["reason"], line["address"]) == (status, error["message"], "127.0.0.1")
    assert line["request_id"] == answer.headers["x-request-id"]
    assert len(request_lines(server)) == requests_before + 1


def test_what_is_no_request_is_told_so_over_tls(tls_server: RunningServer, certified: Authority) -> None:
    connections = [RawConnection(tls_server.url, trust=certified.trust) for _ in MALFORMED]
    for connection, (sent, status) in zip(connections, MALFORMED.values(), strict=True):
        connection.send(HEALTH + sent)
        assert [connection.answer().status, connection.answer().status] == [200, status]
    for connection in connections:
        assert connection.has_ended()
        connection.socket.close()


def test_http_on_a_port_of_tls_ends_its_connection_alone(tls_server: RunningServer) -> None:
    with RawConnection(tls_server.url) as connection:
        connection.send(HEALTH)
        while not connection.has_ended():  # an alert of TLS may come
            connection.read(connection.unread_bytes)
    assert tls_server.rest("GET", "/v1/health")[0] == 200


def test_who_is_refused_while_sending_on_gets_the_refusal(connection: RawConnection) -> None:
    connection.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\n" + bytes(20 << 20))
    assert connection.answer().status == 400
    assert connection.has_ended()


def test_a_smuggled_request_is_never_served(server: RunningServer, connection: RawConnection) -> None:
    smuggled = head("GET", "/v1/health", {"X-Request-Id": "smuggled"})
    framing = {"Content-Length": "4", "Transfer-Encoding": "chunked"}
    connection.send(head("POST", "/v1/repos", framing) + b"0\r\n\r\n" + smuggled)
    assert connection.answer().status == 400
    assert connection.has_ended()
    assert "smuggled" not in {line["request_id"] for line in request_lines(server)}


# --- kept after refusals of applications ------------------------------------------------------------------------------


def test_a_connection_goes_on_behind_every_refusal_with_a_small_body(
    repository: Repository, connection: RawConnection
) -> None:
    body, git = bytes(8 * KIB), f"{repository.path}/{RECEIVE_PACK}"
    admin = {"Authorization": f"Bearer {repository.server.admin_token}", "Content-Type": "application/json"}
    push = repository.call_headers(RECEIVE_PACK)
    refusals: list[tuple[int, str, str, dict[str, str]]] = [
        (401, "POST", git, {}),
        (401, "POST", "/v1/repos", {}),
        (403, "POST", git, {**push, **new_repository(repository.server).basic}),
        (404, "POST", "/git/nothing", {}),
        (404, "POST", "/nothing", {}),
        (405, "PUT", git, push),
        (405, "PUT", "/v1/repos", admin),
        (415, "POST", git, {**push, "Content-Type": "text/plain"}),
        (400, "POST", "/v1/repos", admin),
    ]
    for status, method, target, headers in refusals:
        assert connection.request(method, target, headers, body).status == status, (method, target)
        connection.send(head(method, target, {**headers, "Transfer-Encoding": "chunked"}) + chunked(body, KIB))
        assert connection.answer().status == status, (method, target)
    assert connection.request("GET", "/v1/health", {}).status == 200


# --- pieces -----------------------------------------------------------------------------------------------------------


def test_requests_may_come_byte_by_byte(repository: Repository, connection: RawConnection) -> None:
    git = head(
        "POST",
        f"{repository.path}/{UPLOAD_PACK}",
        {**repository.call_headers(UPLOAD_PACK), "Transfer-Encoding": "chunked"},
    )
    admin = {"Authorization": f"Bearer {repository.server.admin_token}", "Content-Type": "application/json"}
    rest = head("POST", "/v1/repos", {**admin, "Transfer-Encoding": "chunked"})
    for request in (git + chunked(LISTING, 5), rest + chunked(b'{"description": "in pieces"}', 3)):
        for at in range(len(request)):
            connection.send(request[at : at + 1])
        assert connection.answer().status == 200


def test_both_applications_answer_clients_of_version_1_0(repository: Repository) -> None:
    git = head("GET", f"{repository.path}/info/refs?service={UPLOAD_PACK}", repository.basic)
    for request in (git, HEALTH):
        for option, stays in ((b"", False), (b"Connection: keep-alive\r\n", True)):
            with RawConnection(repository.server.url) as connection:
                old = request.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\n" + option)
                connection.send(old)
                answer = connection.answer()
                assert answer.status == 200
                assert answer.headers["connection"] == ("keep-alive" if stays else "close")
                if stays:
                    connection.send(old)
                    assert connection.answer().status == 200
                else:
                    assert connection.has_ended()


# --- who vanishes over TLS --------------------------------------------------------------------------------------------


def before_the_handshake(server: RunningServer, _repository: Repository, _certified: Authority) -> RawConnection:
    return RawConnection(server.url)


def in_the_handshake(server: RunningServer, _repository: Repository, _certified: Authority) -> RawConnection:
    connection = RawConnection(server.url)
    connection.send(b"\x16\x03\x01\x02\x00\x01")
    return connection


def before_a_request(server: RunningServer, _repository: Repository, certified: Authority) -> RawConnection:
    return RawConnection(server.url, trust=certified.trust)


def in_a_head(server: RunningServer, repository: Repository, certified: Authority) -> RawConnection:
    connection = before_a_request(server, repository, certified)
    connection.send(HEALTH[:-2])
    return connection


def in_a_body(server: RunningServer, repository: Repository, certified: Authority) -> RawConnection:
    connection = before_a_request(server, repository, certified)
    headers = {**repository.call_headers(UPLOAD_PACK), "Content-Length": str(len(LISTING))}
    connection.send(head("POST", f"{repository.path}/{UPLOAD_PACK}", headers) + LISTING[:-1])
    return connection


def behind_an_answer(server: RunningServer, repository: Repository, certified: Authority) -> RawConnection:
    connection = before_a_request(server, repository, certified)
    assert connection.request("GET", "/v1/health", {}).status == 200
    return connection


def behind_a_refusal(server: RunningServer, repository: Repository, certified: Authority) -> RawConnection:
    connection = before_a_request(server, repository, certified)
    connection.send(b"nonsense\r\n\r\n")
    assert connection.answer().status == 400
    return connection


Phase = Callable[[RunningServer, Repository, Authority], RawConnection]
PHASES: list[Phase] = [
    before_the_handshake,
    in_the_handshake,
    before_a_request,
    in_a_head,
    in_a_body,
    behind_an_answer,
    behind_a_refusal,
]


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.__name__)
def test_a_client_that_vanishes_over_tls_frees_its_connection(
    tls_server: RunningServer, certified: Authority, phase: Phase, is_reset: bool
) -> None:
    repository, (worker,) = new_repository(tls_server), tls_server.worker_pids()
    port = int(tls_server.url.rsplit(":", 1)[1])
    for _ in range(5):
        connection = phase(tls_server, repository, certified)
        if is_reset:
            connection.vanish()
        else:
            connection.socket.close()
    assert settles(lambda: open_connections(worker, port) == 0), open_files(worker)
    assert "connection failed" not in tls_server.log


# --- the ends of the process, and of its descriptors ------------------------------------------------------------------


def test_a_head_that_was_begun_is_served_before_the_end(tmp_path: Path) -> None:
    running = RunningServer(tmp_path / "data", workers=1, arguments=["--shutdown-timeout-secs", "3600"])
    running.start()
    with RawConnection(running.url) as idle, RawConnection(running.url) as begun:
        assert idle.request("GET", "/v1/health", {}).status == 200
        begun.send(HEALTH + HEALTH[:-2])
        assert begun.answer().status == 200
        running.send_signal(signal.SIGTERM)
        assert idle.has_ended()
        begun.send(b"\r\n")
        last = begun.answer()
        assert (last.status, last.headers["connection"]) == (200, "close")
        assert begun.has_ended()
    assert running.wait() == 0


def test_connections_wait_while_there_are_no_descriptors_and_are_served_then(tmp_path: Path) -> None:
    with one_worker(tmp_path / "data") as running:
        (worker,) = running.worker_pids()
        with RawConnection(running.url) as first:
            assert first.request("GET", "/git/nothing", {}).status == 404
        usual = resource.prlimit(worker, resource.RLIMIT_NOFILE)
        highest = max(int(fd.name) for fd in Path(f"/proc/{worker}/fd").iterdir())
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (highest + 1, usual[1]))
        try:
            connections = [RawConnection(running.url) for _ in range(100)]
            assert settles(lambda: "cannot accept connections" in running.log)
        finally:
            resource.prlimit(worker, resource.RLIMIT_NOFILE, usual)
        for connection in connections:
            assert connection.request("GET", "/git/nothing", {}).status == 404
            connection.socket.close()
        lines = [json.loads(line) for line in running.log.splitlines() if "cannot accept" in line]
        assert {line["reason"] for line in lines} == {"Too many open files"}
