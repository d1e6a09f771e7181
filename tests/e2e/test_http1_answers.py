"""Answers over HTTP/1.1 byte by byte: how each ends, whoever asked for it and in which version."""

from __future__ import annotations

import logging
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.gauges import settles
from tests.support.http1_server import LocalHttp, Receive, Send, answer, echo, read_body
from tests.support.http_servers import Authority, make_authority
from tests.support.http_wire import Answer, RawConnection, chunked, head

KIB, MIB = 1 << 10, 1 << 20
LARGE = bytes(range(256)) * (16 * KIB)


async def site(scope: Any, receive: Receive, send: Send) -> None:
    """A path for each kind of answer."""
    body = await read_body(receive)
    assert body is not None
    match scope["path"]:
        case "/length":
            await answer(send, b"one", b"two", length=True)
        case "/pieces":
            await answer(send, b"one", b"", b"two")
        case "/large":
            await answer(send, LARGE)
        case "/empty":
            await answer(send)
        case "/crash":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
            raise CrashError
        case "/short":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"8")]})
            await send({"type": "http.response.body", "body": b"half", "more_body": False})
        case "/closing":
            await answer(send, b"bye", headers=[(b"connection", b"close")], length=True)
        case path:
            await answer(send, b"ignored", status=int(path[1:]), length=path == "/304")


class CrashError(Exception):
    """What no application should raise."""


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["clear", "tls"], scope="module")
def server(request: pytest.FixtureRequest, certified: Authority) -> Iterator[LocalHttp]:
    with LocalHttp(site, authority=certified if request.param == "tls" else None) as running:
        yield running


@pytest.fixture
def connection(server: LocalHttp) -> Iterator[RawConnection]:
    with server.connect() as opened:
        yield opened


def old(target: str, headers: dict[str, str]) -> bytes:
    return head("GET", target, headers).replace(b"HTTP/1.1", b"HTTP/1.0")


def read_to_the_end(connection: RawConnection) -> bytes:
    data = b""
    while not connection.has_ended():
        size = connection.unread_bytes
        data += connection.read(size)
    return data


DATE = rb"date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n"


@pytest.mark.parametrize(
    ("request_", "answer_"),
    [
        (head("GET", "/length", {}), rb"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n%b\r\nonetwo"),
        (
            head("GET", "/pieces", {}),
            rb"HTTP/1.1 200 OK\r\n%btransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n",
        ),
        (head("GET", "/empty", {}), rb"HTTP/1.1 200 OK\r\n%btransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        (head("HEAD", "/length", {}), rb"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n%b\r\n"),
        (head("HEAD", "/pieces", {}), rb"HTTP/1.1 200 OK\r\n%b\r\n"),
        (head("GET", "/204", {}), rb"HTTP/1.1 204 No Content\r\n%b\r\n"),
        (head("GET", "/304", {}), rb"HTTP/1.1 304 Not Modified\r\ncontent-length: 7\r\n%b\r\n"),
        (
            old("/length", {"Connection": "keep-alive"}),
            rb"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n%bconnection: keep-alive\r\n\r\nonetwo",
        ),
    ],
    ids=["length", "chunked", "empty", "head", "head-chunked", "204", "304", "old"],
)
def test_an_answer_is_these_bytes_and_the_next_one_follows(
    connection: RawConnection, request_: bytes, answer_: bytes
) -> None:
    last = head("GET", "/closing", {})
    connection.send(request_ + request_ + last)
    one = answer_.replace(b"%b", DATE)
    end = rb"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n%bconnection: close\r\n\r\nbye".replace(b"%b", DATE)
    data = read_to_the_end(connection)
    assert re.fullmatch(one + one + end, data), data


@pytest.mark.parametrize("connection_option", ["", "close", "foo"])
@pytest.mark.parametrize(("target", "body"), [("/length", b"onetwo"), ("/pieces", b"onetwo"), ("/large", LARGE)])
def test_an_answer_in_version_1_0_ends_with_the_connection(
    connection: RawConnection, target: str, body: bytes, connection_option: str
) -> None:
    connection.send(old(target, {"Connection": connection_option}))
    said, _, rest = read_to_the_end(connection).partition(b"\r\n\r\n")
    assert rest == body
    assert b"\r\nconnection: close" in said
    assert b"transfer-encoding" not in said


def test_what_has_no_length_ends_with_the_connection_in_version_1_0_whatever_is_asked(
    connection: RawConnection,
) -> None:
    connection.send(old("/pieces", {"Connection": "keep-alive"}))
    said, _, rest = read_to_the_end(connection).partition(b"\r\n\r\n")
    assert rest == b"onetwo"
    assert b"\r\nconnection: close" in said


def test_a_version_1_0_request_needs_no_host(connection: RawConnection) -> None:
    connection.send(b"GET /length HTTP/1.0\r\n\r\n")
    assert connection.answer().body == b"onetwo"
    assert connection.has_ended()


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
@pytest.mark.parametrize("path", ["/length", "/pieces", "/large"])
def test_curl_takes_every_answer_for_whole(server: LocalHttp, certified: Authority, path: str, version: str) -> None:
    command = ["curl", "--silent", "--show-error", version, "--cacert", str(certified.ca_file), server.url + path]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == (LARGE if path == "/large" else b"onetwo")


@pytest.mark.parametrize("path", ["/crash", "/short"])
@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["clear", "tls"])
def test_curl_does_not_take_half_an_answer_for_whole(
    certified: Authority, is_tls: bool, path: str, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In version 1.0 the end of the connection is the end of the answer, unless the connection is reset."""
    with LocalHttp(site, authority=certified if is_tls else None) as running:
        command = ["curl", "--silent", version, "--cacert", str(certified.ca_file), running.url + path]
        assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == ["connection failed"]


def test_a_large_answer_reaches_a_client_that_asks_for_the_end(connection: RawConnection) -> None:
    connection.send(head("GET", "/large", {"Connection": "close"}))
    got = connection.answer()
    assert (got.headers["connection"], got.body) == ("close", LARGE)
    assert connection.has_ended()


def test_bytes_that_come_one_by_one_are_the_same_request(connection: RawConnection) -> None:
    connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = head("POST", "/length", {"Transfer-Encoding": "chunked"}) + chunked(b"0123456789", 3)
    for at in range(len(request)):
        connection.send(request[at : at + 1])
    assert connection.answer().body == b"onetwo"


def test_empty_lines_between_requests_are_nothing(connection: RawConnection) -> None:
    for _ in range(3):
        connection.send(b"\r\n" + head("POST", "/length", {"Content-Length": "2"}) + b"ab\r\n")
        assert connection.answer().body == b"onetwo"


# --- 100 continue -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("framing", [{"Content-Length": "2"}, {"Transfer-Encoding": "chunked"}])
def test_who_waits_is_told_to_continue_once(connection: RawConnection, framing: dict[str, str]) -> None:
    for _ in range(2):
        connection.send(head("POST", "/length", {**framing, "Expect": "100-continue"}))
        assert connection.answer() == Answer(100)
        connection.send(b"ab" if "Content-Length" in framing else chunked(b"ab", 1))
        assert connection.answer().status == 200


def test_nobody_is_told_to_continue_in_version_1_0(connection: RawConnection) -> None:
    connection.send(old("/length", {"Expect": "100-continue", "Content-Length": "2"}) + b"ab")
    assert connection.answer().status == 200


# --- ends -------------------------------------------------------------------------------------------------------------


def test_who_closes_its_side_gets_the_answers_to_what_it_asked() -> None:
    """In the clear only: in TLS to close one side is to close both."""
    with LocalHttp(echo) as running, running.connect() as connection:
        connection.send(head("POST", "/", {"Content-Length": "3"}) + b"one" + head("GET", "/", {}))
        connection.socket.shutdown(socket.SHUT_WR)
        assert [connection.answer().body, connection.answer().body] == [b"one", b""]
        assert connection.has_ended()


@pytest.mark.parametrize("sent", [b"GET / HT", head("POST", "/", {"Content-Length": "9"}) + b"half"])
def test_who_closes_its_side_in_the_middle_gets_nothing(sent: bytes) -> None:
    with LocalHttp(echo) as running, running.connect() as connection:
        connection.send(sent)
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.has_ended()


@pytest.mark.parametrize("is_tls", [False, True], ids=["clear", "tls"])
def test_at_the_end_idle_connections_end_and_what_was_begun_is_answered(certified: Authority, is_tls: bool) -> None:
    asked = threading.Event()

    async def slow(scope: Any, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            asked.set()
        await echo(scope, receive, send)

    running = LocalHttp(slow, authority=certified if is_tls else None)
    with running:
        idle, fresh, active, in_head, behind = (running.connect() for _ in range(5))
        assert idle.request("GET", "/", {}).status == 200
        in_head.send(head("GET", "/", {})[:-2])
        assert behind.request("GET", "/", {}).status == 200
        behind.send(head("GET", "/", {}) + b"GET")
        assert behind.answer().status == 200
        active.send(head("POST", "/slow", {"Content-Length": "2"}) + b"a")
        assert asked.wait(10)
        running.stop()
        assert idle.has_ended()
        assert fresh.has_ended()
        active.send(b"b")
        in_head.send(b"\r\n")
        behind.send(b" / HTTP/1.1\r\nHost: x\r\n\r\n")
        for connection, body in ((active, b"ab"), (in_head, b""), (behind, b"")):
            last = connection.answer()
            assert (last.status, last.headers["connection"], last.body) == (200, "close", body)
            assert connection.has_ended()
        for connection in (idle, fresh, active, in_head, behind):
            connection.socket.close()


def test_who_asked_before_the_end_began_is_answered() -> None:
    """Accepted or not, on a new connection or an idle one: the kernel has it when the process begins to end."""
    is_busy, all_asked = threading.Event(), threading.Event()

    async def still(scope: Any, receive: Receive, send: Send) -> None:
        if scope["path"] == "/busy":
            is_busy.set()
            all_asked.wait()
        await echo(scope, receive, send)

    with LocalHttp(still) as running:
        idle, busy = running.connect(), running.connect()
        assert idle.request("GET", "/", {}).status == 200
        busy.send(head("GET", "/busy", {}))
        assert is_busy.wait(10)
        connections = [idle, *(running.connect() for _ in range(20))]
        for connection in connections:
            connection.send(head("GET", "/", {}))
        running.stop()
        all_asked.set()
        for connection in (busy, *connections):
            assert connection.answer().status == 200
            assert connection.has_ended()
            connection.socket.close()


def test_a_thousand_requests_at_once_do_not_keep_out_another_connection() -> None:
    """The event loop stands still at the first of the many until the other has asked: from then on they take turns."""
    served: list[str] = []
    all_asked = threading.Event()

    async def noting(scope: Any, receive: Receive, send: Send) -> None:
        served.append(scope["path"])
        all_asked.wait()
        await echo(scope, receive, send)

    with LocalHttp(noting) as running, running.connect() as other, running.connect() as many:
        many.send(head("GET", "/many", {}) * 1000)
        assert settles(lambda: served == ["/many"])
        other.send(head("GET", "/other", {}))
        all_asked.set()
        assert [many.answer().status for _ in range(1000)] == [200] * 1000
        assert other.answer().status == 200
    assert served.count("/many") == 1000
    assert served.index("/other") < 20
