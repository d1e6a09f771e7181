"""Connections: kept, pipelined, and talked to in ways that no polite client has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.http2_wire import Http2Connection
from tests.support.http_servers import RECEIVE_PACK, UPLOAD_PACK, Repository, one_worker
from tests.support.http_wire import RawConnection, chunked, head
from tests.support.server import RunningServer
from tests.support.wire_client import ls_refs_request

KIB = 1 << 10
LISTING = ls_refs_request()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """With one worker, which no test may end."""
    with one_worker(tmp_path_factory.mktemp("served") / "data") as running:
        workers = running.worker_pids()
        yield running
        assert running.worker_pids() == workers


@pytest.fixture
def http_2(server: RunningServer) -> Iterator[Http2Connection]:
    with Http2Connection(server.url) as opened:
        yield opened


def advertisement(repository: Repository) -> str:
    return f"{repository.path}/info/refs?service={UPLOAD_PACK}"


def call(repository: Repository, **headers: str) -> bytes:
    """The head of a request that lists the refs."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return head("POST", f"{repository.path}/{UPLOAD_PACK}", {**repository.call_headers(UPLOAD_PACK), **named})


# --- kept -------------------------------------------------------------------------------------------------------------


def test_a_connection_serves_many_requests_of_every_kind(repository: Repository, connection: RawConnection) -> None:
    for _ in range(50):
        headers = repository.call_headers(UPLOAD_PACK)
        assert connection.request("POST", f"{repository.path}/{UPLOAD_PACK}", headers, LISTING).status == 200
        assert connection.request("GET", advertisement(repository), repository.basic).status == 200
        assert connection.request("GET", advertisement(repository), {}).status == 401
        assert connection.request("GET", "/git/nothing", {}).status == 404


def test_pipelined_requests_are_answered_in_their_order(repository: Repository, connection: RawConnection) -> None:
    for number in range(20):
        name = f"request-{number}"
        if number % 2:
            connection.send(head("GET", advertisement(repository), {**repository.basic, "X-Request-Id": name}))
        else:
            connection.send(call(repository, Content_Length=str(len(LISTING)), X_Request_Id=name) + LISTING)
    for number in range(20):
        answer = connection.answer()
        assert (answer.status, answer.headers["x-request-id"]) == (200, f"request-{number}")


def test_who_wants_the_connection_closed_gets_the_answer_and_the_end(
    repository: Repository, connection: RawConnection
) -> None:
    headers = {**repository.basic, "Connection": "close"}
    assert connection.request("GET", advertisement(repository), headers).status == 200
    assert connection.has_ended()


def test_who_asks_for_a_websocket_is_answered_in_http(connection: RawConnection) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    answer = connection.request("GET", "/v1/health", {**upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
    assert (answer.status, answer.headers.get("upgrade")) == (200, None)


def test_the_head_of_an_advertisement_is_its_headers(repository: Repository, connection: RawConnection) -> None:
    whole = connection.request("GET", advertisement(repository), repository.basic)
    for _ in range(2):  # a body behind it would be taken for the next answer
        asked = connection.request("HEAD", advertisement(repository), repository.basic)
        assert (asked.status, asked.body) == (200, b"")
        assert asked.headers["content-type"] == whole.headers["content-type"]


# --- targets and headers ----------------------------------------------------------------------------------------------


def test_a_target_may_be_absolute_or_percent_encoded(repository: Repository, connection: RawConnection) -> None:
    encoded = "".join(f"%{ord(letter):02x}" for letter in repository.id)
    for target in (
        f"http://elsewhere:80{advertisement(repository)}",
        advertisement(repository).replace(repository.id, encoded),
        advertisement(repository).replace("git-upload", "git%2dupload"),
        advertisement(repository).replace(".git", ""),
    ):
        assert connection.request("GET", target, repository.basic).status == 200, target
    for target in ("/git/%ff%fe.git/info/refs", "/git/%2e%2e/info/refs", "http://elsewhere", "*"):
        assert connection.request("GET", target, repository.basic).status in {400, 404}, target


@pytest.mark.parametrize(
    "value", ["", "version=3", "version=", "version=2:version=1", "x" * 1000, "version=2;version=1", "=2:::", "\xff"]
)
def test_whatever_stands_in_git_protocol_is_answered(
    repository: Repository, connection: RawConnection, value: str
) -> None:
    answer = connection.request("GET", advertisement(repository), {**repository.basic, "Git-Protocol": value})
    assert answer.status == 200


def test_headers_of_60_kib_are_read_and_of_140_refused(repository: Repository, server: RunningServer) -> None:
    for size_bytes, status in ((60 * KIB, 200), (140 * KIB, 431)):
        with RawConnection(server.url) as connection:
            headers = {**repository.basic, "X-Long": "x" * size_bytes}
            assert connection.request("GET", advertisement(repository), headers).status == status


DYNAMIC = ["advertisement", "call", "challenge", "no-path", "wrong-method", "rest", "rest-error"]


@pytest.mark.parametrize("kind", DYNAMIC)
def test_nothing_dynamic_is_to_be_cached(repository: Repository, connection: RawConnection, kind: str) -> None:
    """docs/pitfalls.md, 22."""
    match kind:
        case "advertisement":
            answer = connection.request("GET", advertisement(repository), repository.basic)
        case "call":
            headers = repository.call_headers(UPLOAD_PACK)
            answer = connection.request("POST", f"{repository.path}/{UPLOAD_PACK}", headers, LISTING)
        case "challenge":
            answer = connection.request("GET", advertisement(repository), {})
        case "no-path":
            answer = connection.request("GET", "/git/nothing", {})
        case "wrong-method":
            answer = connection.request("PUT", advertisement(repository), repository.basic)
        case "rest":
            answer = connection.request("GET", "/v1/health", {})
        case _:
            answer = connection.request("GET", "/v1/repos", {})
    assert answer.headers["cache-control"] == "no-cache, max-age=0, must-revalidate"
    assert (answer.headers["expires"], answer.headers["pragma"]) == ("Fri, 01 Jan 1980 00:00:00 GMT", "no-cache")


# --- smuggling --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("Content-Length", "5"), ("Content-Length", "6")], 400),
        ([("Content-Length", "5, 6")], 400),
        ([("Content-Length", "+5")], 400),
        ([("Content-Length", "-1")], 400),
        ([("Content-Length", "5"), ("Transfer-Encoding", "chunked")], 400),
        ([("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")], 400),
        ([("Transfer-Encoding", "gzip, chunked")], 501),
        ([("Transfer-Encoding", "xchunked")], 501),
        ([("Content-Length ", "5")], 400),
        ([("X-Folded", "a\r\n\x0bb")], 400),
    ],
)
def test_a_request_whose_end_is_in_doubt_is_refused_and_ends_the_connection(
    repository: Repository, connection: RawConnection, headers: list[tuple[str, str]], status: int
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    connection.send(call(repository)[:-2] + lines.encode("latin-1") + b"\r\n0\r\n\r\n")
    assert connection.answer().status == status
    assert connection.has_ended()


@pytest.mark.parametrize("broken", [b"zz\r\n", b"-1\r\n", b"5\r\nabcdeXX", b"fffffffffffffffffffff\r\n"])
def test_a_chunk_that_makes_no_sense_ends_the_connection(
    repository: Repository, connection: RawConnection, broken: bytes
) -> None:
    connection.send(call(repository, Transfer_Encoding="chunked") + chunked(b"00", 1)[:-5] + broken)
    assert connection.answer().status == 400
    assert connection.has_ended()


# --- malformed HTTP/2: the connection may end, the worker and its other connections not -------------------------------


def test_a_path_that_is_not_ascii_is_not_found(http_2: Http2Connection) -> None:
    assert http_2.answer(http_2.request("GET", b"/git/\xff\xfe.git/info/refs", {})).status == 404
    assert http_2.answer(http_2.request("GET", b"/v1/health", {})).status == 200


def test_a_method_that_is_not_ascii_ends_its_connection_alone(server: RunningServer, http_2: Http2Connection) -> None:
    stream = http_2.h2.get_next_available_stream_id()
    http_2.h2.send_headers(
        stream,
        [(b":method", b"\xff"), (b":scheme", b"http"), (b":authority", b"x"), (b":path", b"/")],
        end_stream=True,
    )
    http_2.flush()
    with pytest.raises(ConnectionError):
        http_2.receive_all()
    assert server.rest("GET", "/v1/health")[0] == 200


@pytest.mark.parametrize("settings", ["", "!", "AAAA", "AAMAAABkAAQAAP__"])
def test_an_upgrade_with_any_settings_harms_nobody(server: RunningServer, settings: str) -> None:
    with RawConnection(server.url) as connection:
        upgrade = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": settings}
        connection.send(head("GET", "/v1/health", upgrade))
        connection.answer_head()
    assert server.rest("GET", "/v1/health")[0] == 200


def test_data_for_a_stream_that_is_answered_is_passed_over(repository: Repository, http_2: Http2Connection) -> None:
    """A refused upload that never ends: its stream is reset once nobody waits for it, and the connection lives on."""
    stream = http_2.begin("POST", f"{repository.path}/{RECEIVE_PACK}".encode(), {}, end=False)
    assert http_2.answer(stream).status == 401
    http_2.send_raw_data(stream, bytes(16 * KIB))
    assert http_2.answer(http_2.request("GET", b"/v1/health", {})).status == 200


def test_an_upload_may_be_many_times_larger_than_the_window(repository: Repository, http_2: Http2Connection) -> None:
    """Octets that are thrown away count against the connection's window as well as those that are read."""
    for _ in range(3):
        stream = http_2.begin("POST", f"{repository.path}/{RECEIVE_PACK}".encode(), {}, end=False)
        http_2.send_body(stream, bytes(8 << 20))
        assert http_2.answer(stream).status == 401
