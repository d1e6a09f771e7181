"""How long and how much of a client of HTTP/1.1 is put up with. The times are real, and short here."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from server.http import HttpLimits
from tests.support.http1_server import LocalHttp, Receive, Send, answer, echo
from tests.support.http_servers import Authority, make_authority
from tests.support.http_wire import RawConnection, chunked, head

SOON_S = 0.3
NEVER_S = 3600.0
"""Longer than the test waits: what ends did not end for this."""

PATIENT = HttpLimits(
    keep_alive_s=NEVER_S, head_s=NEVER_S, handshake_s=NEVER_S, linger_s=NEVER_S, linger_silence_s=SOON_S
)
GET = head("GET", "/", {})
KIB, MIB = 1 << 10, 1 << 20


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(params=["clear", "tls"])
def authority(request: pytest.FixtureRequest, certified: Authority) -> Authority | None:
    return certified if request.param == "tls" else None


@pytest.fixture(autouse=True)
def nothing_fails(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a client does, it is no error of ours."""
    yield
    assert not [record for record in caplog.get_records("call") if record.levelno >= logging.WARNING]


async def refusing(_scope: object, _receive: Receive, send: Send) -> None:
    await answer(send, b"no", status=403, length=True)


@pytest.fixture
def idle_soon(authority: Authority | None) -> Iterator[LocalHttp]:
    with LocalHttp(echo, replace(PATIENT, keep_alive_s=SOON_S), authority) as server:
        yield server


@pytest.fixture
def head_soon(authority: Authority | None) -> Iterator[LocalHttp]:
    with LocalHttp(echo, replace(PATIENT, head_s=SOON_S), authority) as server:
        yield server


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("requests", [0, 1, 3])
def test_an_idle_connection_ends_without_a_word(idle_soon: LocalHttp, requests: int) -> None:
    with idle_soon.connect() as connection:
        for _ in range(requests):
            assert connection.request("GET", "/", {}).status == 200
        assert connection.has_ended()


def test_idleness_does_not_count_while_a_request_is_served(idle_soon: LocalHttp) -> None:
    with idle_soon.connect() as connection:
        connection.send(head("POST", "/", {"Content-Length": "2"}) + b"a")
        with pytest.raises(TimeoutError):
            wait_for_something(connection, 2 * SOON_S)
        connection.send(b"b")
        assert connection.answer().body == b"ab"


def wait_for_something(connection: RawConnection, timeout_s: float) -> None:
    """Raises TimeoutError if neither an answer nor the end comes."""
    usual_s = connection.socket.gettimeout()
    connection.socket.settimeout(timeout_s)
    try:
        connection.take(1)
    finally:
        connection.socket.settimeout(usual_s)


@pytest.mark.parametrize("begun", [b"G", GET[:-1], b"\r\n"])
def test_a_head_that_does_not_go_on_is_told_so(
    head_soon: LocalHttp, begun: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "server.http"), head_soon.connect() as connection:
        connection.send(begun)
        assert connection.answer().status == 408
        assert connection.has_ended()
    (line,) = [record for record in caplog.records if record.message == "malformed request"]
    assert line.fields["status"] == 408  # type: ignore[attr-defined]


def test_a_head_that_trickles_does_not_gain_time(head_soon: LocalHttp) -> None:
    with head_soon.connect() as connection:
        connection.send(GET[:-2])
        connection.socket.settimeout(SOON_S / 10)
        sent = 0
        while sent < 1000:
            connection.send(b"X")
            sent += 1
            try:
                if connection.socket.recv(1):
                    break
            except TimeoutError:
                continue
        assert sent < 100


def test_what_begins_behind_an_answer_has_the_time_of_a_head(head_soon: LocalHttp) -> None:
    with head_soon.connect() as connection:
        connection.send(GET + GET[:10])
        assert connection.answer().status == 200
        assert connection.answer().status == 408
        assert connection.has_ended()


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01"])
def test_a_handshake_that_does_not_go_on_ends_the_connection(certified: Authority, said: bytes) -> None:
    with (
        LocalHttp(echo, replace(PATIENT, handshake_s=SOON_S), certified) as server,
        RawConnection(server.url) as connection,
    ):
        connection.send(said)
        assert connection.has_ended()


# --- size -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_whole", [False, True])
def test_a_head_may_have_so_many_bytes(authority: Authority | None, is_whole: bool) -> None:
    with LocalHttp(echo, replace(PATIENT, max_head_bytes=500), authority) as server:
        padding = 500 - len(head("GET", "/", {"X": ""}))
        with server.connect() as connection:
            assert connection.request("GET", "/", {"X": "x" * padding}).status == 200
            too_long = head("GET", "/", {"X": "x" * (padding + 1)})
            connection.send(too_long if is_whole else too_long[:500])
            assert connection.answer().status == 431
            assert connection.has_ended()


def test_a_head_may_have_so_many_fields() -> None:
    with LocalHttp(echo, replace(PATIENT, max_head_fields=5)) as server, server.connect() as connection:
        fields = {f"X-{number}": "x" for number in range(4)}
        assert connection.request("GET", "/", fields).status == 200
        assert connection.request("GET", "/", {**fields, "Y": "y"}).status == 431


def test_the_line_of_a_chunk_is_bounded() -> None:
    with LocalHttp(echo, replace(PATIENT, max_chunk_line_bytes=50)) as server, server.connect() as connection:
        post = head("POST", "/", {"Transfer-Encoding": "chunked"})
        connection.send(post + b"3;" + b"x" * 46 + b"\r\nabc\r\n0\r\n\r\n")
        assert connection.answer().body == b"abc"
        connection.send(post + b"3;" + b"x" * 48)
        assert connection.answer().status == 400
        assert connection.has_ended()


# --- what is left of a refused request --------------------------------------------------------------------------------


def test_the_connection_is_kept_where_little_is_left_and_ends_where_much_is(authority: Authority | None) -> None:
    limits = replace(PATIENT, discard_bytes=10 * KIB)
    with LocalHttp(refusing, limits, authority) as server, server.connect() as connection:
        for size in (1, 10 * KIB):
            refused = connection.request("POST", "/", {}, bytes(size))
            assert (refused.status, refused.headers.get("connection")) == (403, None)
        connection.send(head("POST", "/", {"Content-Length": str(10 * KIB + 1)}))
        refused = connection.answer()
        assert (refused.status, refused.headers["connection"]) == (403, "close")
        assert connection.has_ended()


def test_a_whole_chunked_body_that_nobody_read_is_passed_over(authority: Authority | None) -> None:
    with LocalHttp(refusing, PATIENT, authority) as server, server.connect() as connection:
        for _ in range(3):
            connection.send(head("POST", "/", {"Transfer-Encoding": "chunked"}) + chunked(bytes(1000), 100))
            assert connection.answer().status == 403


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_who_sends_on_after_a_refusal_gets_all_of_it(authority: Authority | None, is_chunked: bool) -> None:
    """Many times what the kernel buffers; sent to its end before the first look at the answer."""
    body = bytes(20 * MIB)
    framing = {"Transfer-Encoding": "chunked"} if is_chunked else {"Content-Length": str(len(body))}
    with LocalHttp(refusing, PATIENT, authority) as server, server.connect() as connection:
        connection.send(head("POST", "/", framing) + (chunked(body, MIB) if is_chunked else body))
        refused = connection.answer()
        assert (refused.status, refused.body) == (403, b"no")
        assert connection.has_ended()


def test_who_never_ends_is_cut_off(authority: Authority | None) -> None:
    limits = replace(PATIENT, linger_s=SOON_S, linger_silence_s=NEVER_S)
    with LocalHttp(refusing, limits, authority) as server, server.connect() as connection:
        connection.send(head("POST", "/", {"Content-Length": str(1 << 40)}))
        assert connection.answer().status == 403
        with pytest.raises(OSError, match=r"reset|pipe|EOF|closed|violation"):
            send_for_ever(connection)


def send_for_ever(connection: RawConnection) -> None:
    while True:
        connection.send(bytes(64 * KIB))


def test_who_falls_silent_after_a_refusal_is_let_go(authority: Authority | None) -> None:
    with LocalHttp(refusing, PATIENT, authority) as server, server.connect() as connection:
        connection.send(head("POST", "/", {"Content-Length": str(MIB)}) + bytes(KIB))
        assert connection.answer().status == 403
        assert connection.has_ended()


def test_a_small_rest_that_never_comes_is_not_waited_for(authority: Authority | None) -> None:
    with LocalHttp(refusing, PATIENT, authority) as server, server.connect() as connection:
        connection.send(head("POST", "/", {"Content-Length": "10"}) + b"half")
        assert connection.answer().status == 403
        assert connection.has_ended()
