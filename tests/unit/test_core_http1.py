"""Heads of requests by the sections of RFC 9112: what is taken, what is refused, and with which status."""

from __future__ import annotations

import pytest
from typing_extensions import Buffer

from core_ext import ChunkedBody, HttpError, parse_request_head
from tests.support.http1_head import head_of, parsed

LAST_LENGTH = 2**63 - 1


def refused(data: bytes) -> int:
    """The status with which a whole request is refused."""
    with pytest.raises(HttpError) as caught:
        parsed(data)
    assert str(caught.value) == caught.value.sentence
    return caught.value.status


def refused_with(*fields: bytes, line: bytes = b"POST / HTTP/1.1", host: bytes = b"Host: a.example") -> int:
    """The status with which a request with these fields is refused."""
    return refused(b"\r\n".join([line, *filter(None, [host]), *fields, b"", b""]))


# --- 2.2 message parsing, 2.3 version ---------------------------------------------------------------------------------


def test_empty_lines_before_a_request_are_skipped_and_counted() -> None:
    head = parsed(b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert head is not None
    assert (head.method, head.size) == ("GET", 31)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
        b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nB: c\rd\r\n\r\n",
        b"GET / HTTP/1.1\rHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
    ],
)
def test_a_line_ends_with_cr_and_lf(data: bytes) -> None:
    assert refused(data) == 400


def test_blanks_behind_the_request_line_are_no_field() -> None:
    assert refused(b"GET / HTTP/1.1\r\n Host: a\r\nHost: b\r\n\r\n") == 400


@pytest.mark.parametrize(
    ("version", "status"),
    [
        *[(b"HTTP/2.0", 505), (b"HTTP/0.9", 505), (b"HTTP/1.2", 505), (b"HTTP/9.9", 505)],
        *[(b"HTTP/1.10", 400), (b"http/1.1", 400), (b"HTTP/1,1", 400), (b"HTTP/a.b", 400), (b"HTTP", 400), (b"X", 400)],
    ],
)
def test_versions_but_two_are_refused(version: bytes, status: int) -> None:
    assert refused_with(line=b"GET / " + version) == status


def test_a_request_without_version_is_refused() -> None:
    assert refused(b"GET /\r\n") == 400


def test_another_version_is_told_when_its_line_has_ended() -> None:
    assert parsed(b"GET / HTTP/2") is None
    assert parsed(b"GET / HTTP/2.0\r") is None
    assert refused(b"GET / HTTP/2.0\r\n") == 505


# --- 3 request line ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        *(b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET\t/ HTTP/1.1", b" GET / HTTP/1.1", b"GET / HTTP/1.1 "),
        *(b"GET HTTP/1.1", b"/ HTTP/1.1", b"G\x00T / HTTP/1.1", b"G(T / HTTP/1.1", b"G\xc3\x89T / HTTP/1.1"),
        *(b"GET /a b HTTP/1.1", b"GET /\x00 HTTP/1.1", b"GET /\x7f HTTP/1.1", b"GET /\xc3\xa9 HTTP/1.1"),
        *(b"GET /\x1b HTTP/1.1", b"GET /a#b HTTP/1.1", b"GET http://a/#b HTTP/1.1"),
    ],
)
def test_a_malformed_request_line_is_refused(line: bytes) -> None:
    assert refused_with(line=line) == 400


def test_a_method_is_any_token_as_it_was_sent() -> None:
    assert head_of(line=b"M-SEARCH~1 / HTTP/1.1").method == "M-SEARCH~1"
    assert head_of(line=b"get / HTTP/1.1").method == "get"


def test_attributes_are_made_once() -> None:
    head = head_of(b"User-Agent: x", line=b"GET /a?b HTTP/1.1")
    for name in ("method", "path", "raw_path", "query_string", "headers"):
        assert getattr(head, name) is getattr(head, name)
    with pytest.raises(AttributeError):
        head.path = "/"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        (b"/", "/", b"/", b""),
        (b"/a%20b%2Fc", "/a b/c", b"/a%20b%2Fc", b""),
        (b"/a?b?c=%20", "/a", b"/a", b"b?c=%20"),
        (b"/?", "/", b"/", b""),
        (b"//a/../b", "//a/../b", b"//a/../b", b""),
        (b"/%C3%A9%ff%c3", "/é��", b"/%C3%A9%ff%c3", b""),
        (b"/%zz%4", "/%zz%4", b"/%zz%4", b""),
        (b"/a+b", "/a+b", b"/a+b", b""),
    ],
)
def test_a_target_is_a_path_and_a_query(target: bytes, path: str, raw_path: bytes, query: bytes) -> None:
    head = head_of(line=b"GET " + target + b" HTTP/1.1")
    assert (head.path, head.raw_path, head.query_string) == (path, raw_path, query)


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
def test_an_absolute_target_stands_for_the_host_field(version: bytes) -> None:
    head = head_of(b"A: 1", line=b"GET Http://b:81/c?d " + version)
    assert (head.path, head.query_string) == ("/c", b"d")
    assert head.headers == [(b"host", b"b:81"), (b"a", b"1")]
    assert head_of(line=b"GET https://[::1]?d " + version).path == "/"


def test_an_absolute_target_in_version_1_0_gives_the_missing_host() -> None:
    assert head_of(b"A: 1", line=b"GET http://b/ HTTP/1.0", host=b"").headers == [(b"a", b"1"), (b"host", b"b")]


def test_an_absolute_target_does_not_spare_the_host_field() -> None:
    assert refused_with(line=b"GET http://b/ HTTP/1.1", host=b"") == 400


@pytest.mark.parametrize(
    "target",
    [b"ftp://a/", b"http:///", b"http://", b"http://u@a/", b"http:/a", b"a.example:80", b"a", b"*", b"?a", b"*a"],
)
def test_other_targets_are_refused(target: bytes) -> None:
    assert refused_with(line=b"GET " + target + b" HTTP/1.1") == 400


def test_options_may_ask_of_the_server_as_a_whole() -> None:
    assert head_of(line=b"OPTIONS * HTTP/1.1").path == "*"


@pytest.mark.parametrize("target", [b"a.example:443", b"/", b"http://a/"])
def test_connect_is_for_proxies(target: bytes) -> None:
    assert refused_with(line=b"CONNECT " + target + b" HTTP/1.1") == 501


# --- 3.2 host ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", [b"a", b"A-b.c_d:8080", b"127.0.0.1", b"[::1]:80", b"", b"a:", b"a%41", b"a,b", b"x" * 300]
)
def test_a_host_with_or_without_port_is_taken(host: bytes) -> None:
    assert head_of(host=b"Host: " + host).headers == [(b"host", host)]


@pytest.mark.parametrize(
    "host",
    [
        *(
            b"a b",
            b"a/b",
            b"u@a",
            b"a:b",
            b"a:123456",
            b"a:-1",
            b"[::1",
            b"::1",
            b"[a]",
            b"[]",
            b"[::1]x",
            b"a%4",
            b"\xc3\xa9",
        ),
        *(b"http://a", b"a?b", b"a\\b", b"<a>", b'"a"'),
    ],
)
def test_an_invalid_host_is_refused(host: bytes) -> None:
    assert refused_with(host=b"Host: " + host) == 400


def test_version_1_1_has_one_host() -> None:
    assert refused_with(host=b"") == 400
    assert refused_with(b"host: a.example") == 400
    assert head_of(line=b"GET / HTTP/1.0", host=b"").headers == []
    assert refused_with(b"Host: b", line=b"GET / HTTP/1.0") == 400


# --- 5 fields ---------------------------------------------------------------------------------------------------------


def test_fields_keep_their_order_and_lose_blanks_around_their_values() -> None:
    head = head_of(b"X-B:\t1 \t", b"x-a: 2", b"X-B:3", b"Empty:", b"Blank: \t ", b"Text: \xff a\tb")
    values = [(b"x-b", b"1"), (b"x-a", b"2"), (b"x-b", b"3"), (b"empty", b""), (b"blank", b""), (b"text", b"\xff a\tb")]
    assert head.headers == [(b"host", b"a.example"), *values]


@pytest.mark.parametrize(
    "field",
    [
        *(
            b"A : b",
            b"A\t: b",
            b" A: b",
            b"A: b\r\n c",
            b"A: b\r\n\tc",
            b": b",
            b"A",
            b"A\x00: b",
            b"A: \x00",
            b"A: \x01",
        ),
        *(
            b"A: b\x7f",
            b"A(: b",
            b'"A": b',
            b"\xc3\x89: b",
            b"A: b\x0bc",
            b"Transfer-Encoding : chunked",
            b"Content-Length\x0b: 5",
        ),
    ],
)
def test_a_malformed_field_is_refused(field: bytes) -> None:
    assert refused_with(field) == 400


def test_a_head_over_the_limits_is_refused_also_before_its_end() -> None:
    data = b"GET / HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n"
    head = parse_request_head(data, max_bytes=len(data), max_headers=2)
    assert head is not None
    for sent, max_bytes, max_headers in [(data, len(data) - 1, 2), (data[:-1], len(data) - 1, 2), (data, len(data), 1)]:
        with pytest.raises(HttpError, match=rf"{max_bytes} bytes|{max_headers} fields") as caught:
            parse_request_head(sent, max_bytes=max_bytes, max_headers=max_headers)
        assert caught.value.status == 431
    assert parse_request_head(data[:-1], max_bytes=len(data), max_headers=2) is None


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_bytes_are_read(kind: type[bytes | bytearray | memoryview]) -> None:
    data: Buffer = kind(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert parse_request_head(data, max_bytes=100, max_headers=1) is not None
    body = ChunkedBody(max_line_bytes=100, max_trailer_bytes=100)
    assert body.read(kind(b"1\r\nx\r\n0\r\n\r\n")) == (b"x", 11)


# --- 6 body -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "body_bytes"),
    [
        ([], 0),
        ([b"Content-Length: 0"], 0),
        ([b"content-length:\t 0042 "], 42),
        ([b"Content-Length: %d" % LAST_LENGTH], LAST_LENGTH),
        ([b"Transfer-Encoding: chunked"], None),
        ([b"transfer-encoding: CHUNKED "], None),
    ],
)
def test_the_length_of_a_body_is_said_in_one_way(fields: list[bytes], body_bytes: int | None) -> None:
    assert head_of(*fields).body_bytes == body_bytes


@pytest.mark.parametrize(
    "length",
    [
        *(
            b"+5",
            b"-5",
            b"0x5",
            b"5 5",
            b"5,5",
            b"5, 5",
            b"5,",
            b"",
            b"five",
            b"5.0",
            b"1e3",
            b"5;",
            b"\xb2",
            b"5\t5",
            b"'5'",
        ),
        *(b"%d" % (LAST_LENGTH + 1), b"18446744073709551621", b"9" * 400),
    ],
)
def test_a_length_is_digits_and_no_list(length: bytes) -> None:
    assert refused_with(b"Content-Length: " + length) == 400


SMUGGLED = {
    "CL.TE": [b"Content-Length: 6", b"Transfer-Encoding: chunked"],
    "TE.CL": [b"Transfer-Encoding: chunked", b"Content-Length: 6"],
    "TE.CL of no known coding": [b"Transfer-Encoding: xchunked", b"Content-Length: 6"],
    "CL.0": [b"Content-Length: 0", b"Transfer-Encoding: chunked"],
    "CL.CL": [b"Content-Length: 6", b"Content-Length: 7"],
    "CL.CL alike": [b"Content-Length: 6", b"content-length: 6"],
    "TE.TE": [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"],
    "TE.TE alike": [b"Transfer-Encoding: chunked", b"transfer-encoding: chunked"],
    "folded": [b"Transfer-Encoding:\r\n chunked"],
    "folded name": [b"Transfer-Encoding\r\n: chunked"],
    "space before the colon": [b"Transfer-Encoding : chunked"],
    "vertical tab": [b"Transfer-Encoding: \x0bchunked"],
    "form feed": [b"Transfer-Encoding: \x0cchunked"],
    "NUL": [b"Transfer-Encoding: chunked\x00"],
    "bare LF": [b"A: b\nTransfer-Encoding: chunked"],
    "bare CR": [b"A: b\rTransfer-Encoding: chunked"],
    "bare LF before the end": [b"Content-Length: 6\r\n\nGET /smuggled HTTP/1.1"],
}


@pytest.mark.parametrize("fields", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_no_second_request_is_smuggled_in(fields: list[bytes]) -> None:
    assert refused_with(*fields) == 400


@pytest.mark.parametrize(
    "fields", [[b"Transfer-Encoding: chunked"], [b"Connection: keep-alive", b"Transfer-Encoding: x"]]
)
def test_version_1_0_has_no_transfer_encoding(fields: list[bytes]) -> None:
    assert refused_with(*fields, line=b"POST / HTTP/1.0") == 400


@pytest.mark.parametrize(
    "coding",
    [
        b"gzip",
        b"gzip, chunked",
        b"chunked, chunked",
        b"identity",
        b"chunked;a=b",
        b"",
        b"xchunked",
        b'"chunked"',
        b"chunked,",
    ],
)
def test_another_coding_is_not_known(coding: bytes) -> None:
    assert refused_with(b"Transfer-Encoding: " + coding) == 501


def test_a_field_that_is_alike_is_another_field() -> None:
    head = head_of(b"Transfer_Encoding: chunked", b"Content_Length: 5", b"X-Content-Length: 5")
    assert head.body_bytes == 0


# --- 9 connections ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "fields", "keeps_alive"),
    [
        (b"1.1", [], True),
        (b"1.1", [b"Connection: close"], False),
        (b"1.1", [b"Connection: x", b"connection: y ,\tCLOSE"], False),
        (b"1.1", [b"Connection: closed, keep-alive"], True),
        (b"1.1", [b"Connection: keep-alive, close"], False),
        (b"1.0", [], False),
        (b"1.0", [b"Connection: Keep-Alive"], True),
        (b"1.0", [b"Connection: keep-alive, close"], False),
        (b"1.0", [b"Keep-Alive: timeout=5"], False),
    ],
)
def test_a_connection_is_kept_as_the_client_says(version: bytes, fields: list[bytes], keeps_alive: bool) -> None:
    head = head_of(*fields, line=b"GET / HTTP/" + version)
    assert (head.keeps_alive, head.http_version) == (keeps_alive, version.decode())


def test_a_client_waits_for_100_in_version_1_1_only() -> None:
    assert head_of(b"Expect: 100-Continue").awaits_continue
    assert not head_of(b"Expect: 200-ok").awaits_continue
    assert not head_of(b"Expect: 100-continue", line=b"POST / HTTP/1.0").awaits_continue


def test_an_upgrade_is_asked_for_in_two_fields() -> None:
    asked = [b"Connection: keep-alive, Upgrade", b"Upgrade: H2C"]
    assert head_of(*asked).upgrade == b"h2c"
    assert head_of(*asked, b"Upgrade: websocket").upgrade == b"h2c, websocket"
    assert head_of(b"Upgrade: h2c").upgrade is None
    assert head_of(b"Connection: upgrade").upgrade is None
    assert head_of(*asked, line=b"GET / HTTP/1.0").upgrade is None
