"""Heads of answers in HTTP/1.1: framing, the life of the connection, and what an application must not give."""

from __future__ import annotations

from typing import Literal

import pytest

from core_ext import encode_response_head

DATE = b"Sun, 22 Nov 2026 00:00:00 GMT"
LAST_LENGTH = 2**63 - 1


def answer(
    status: int,
    *headers: tuple[bytes, bytes],
    method: str = "GET",
    version: Literal["1.0", "1.1"] = "1.1",
    keeps_alive: bool = True,
) -> tuple[bytes, str, bool]:
    return encode_response_head(
        status, headers, request_method=method, http_version=version, keeps_alive=keeps_alive, date=DATE
    )


LENGTH = (b"content-length", b"5")


@pytest.mark.parametrize(
    ("status", "headers", "method", "version", "lines", "framing", "stays"),
    [
        (200, [LENGTH], "GET", "1.1", [b"200 OK", b"content-length: 5"], "length", True),
        (200, [], "GET", "1.1", [b"200 OK", b"transfer-encoding: chunked"], "chunked", True),
        (200, [LENGTH], "GET", "1.0", [b"200 OK", b"content-length: 5", b"connection: keep-alive"], "length", True),
        (200, [], "GET", "1.0", [b"200 OK", b"connection: close"], "close", False),
        (200, [LENGTH], "HEAD", "1.1", [b"200 OK", b"content-length: 5"], "none", True),
        (200, [], "HEAD", "1.1", [b"200 OK"], "none", True),
        (204, [LENGTH], "GET", "1.1", [b"204 No Content"], "none", True),
        (304, [LENGTH], "GET", "1.1", [b"304 Not Modified", b"content-length: 5"], "none", True),
        (299, [LENGTH], "GET", "1.1", [b"299 ", b"content-length: 5"], "length", True),
        (422, [LENGTH], "POST", "1.1", [b"422 Unprocessable Entity", b"content-length: 5"], "length", True),
    ],
)
def test_an_answer_says_where_its_body_ends(
    status: int,
    headers: list[tuple[bytes, bytes]],
    method: str,
    version: Literal["1.0", "1.1"],
    lines: list[bytes],
    framing: str,
    stays: bool,
) -> None:
    head, *rest = answer(status, *headers, method=method, version=version)
    first, *others, end, nothing = head.split(b"\r\n")
    assert (end, nothing) == (b"", b"")
    assert first == b"HTTP/1.1 " + lines[0]
    assert sorted(others) == sorted([*lines[1:], b"date: " + DATE])
    assert rest == [framing, stays]


def test_an_interim_answer_is_sent_as_given() -> None:
    assert answer(100, keeps_alive=False) == (b"HTTP/1.1 100 Continue\r\n\r\n", "none", False)
    switch = [(b"connection", b"upgrade"), (b"upgrade", b"h2c")]
    head = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"
    assert answer(101, *switch) == (head, "none", True)


def test_the_end_of_a_connection_is_said_once() -> None:
    for asked, keeps_alive in [(b"close", True), (b"Close", False), (b"keep-alive", False)]:
        head, _, stays = answer(200, LENGTH, (b"Connection", asked), keeps_alive=keeps_alive)
        assert (head.lower().count(b"connection:"), head.count(b"connection: close\r\n"), stays) == (1, 1, False)


def test_the_date_of_an_application_is_kept() -> None:
    assert answer(200, LENGTH, (b"Date", b"x"))[0] == b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nDate: x\r\n\r\n"


@pytest.mark.parametrize(
    "header",
    [
        *[
            (b"a", b"b\r\nc: d"),
            (b"a", b"b\n"),
            (b"a", b"\r"),
            (b"a", b"\0"),
            (b"a", b"\x7f"),
            (b"a b", b"c"),
            (b"a:", b"b"),
        ],
        *[
            (b"", b"b"),
            (b"a\r\nb", b"c"),
            (b"\xff", b"b"),
            (b"Transfer-Encoding", b"chunked"),
            (b"content-length", b"5,5"),
        ],
        *[(b"content-length", b"-5"), (b"content-length", b""), (b"content-length", b"%d" % (LAST_LENGTH + 1))],
    ],
)
def test_a_field_that_would_break_the_answer_is_refused(header: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError, match=r"header field|control character|Transfer-Encoding|Content-Length"):
        answer(200, header)


def test_a_second_length_is_refused() -> None:
    with pytest.raises(ValueError, match="one Content-Length"):
        answer(200, LENGTH, LENGTH)


@pytest.mark.parametrize("status", [0, 99, 600])
def test_a_status_out_of_range_is_refused(status: int) -> None:
    with pytest.raises(ValueError, match=str(status)):
        answer(status)


def test_a_value_keeps_tabs_and_other_bytes() -> None:
    assert b"a: \xff\tb\r\n" in answer(200, (b"a", b"\xff\tb"))[0]
