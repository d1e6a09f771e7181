"""HTTP/1.1: whole as in pieces, never laxer than h11, and never in doubt where a message ends."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

import h11
from hypothesis import given
from hypothesis import strategies as st

from core_ext import ChunkedBody, HttpError, encode_response_head, parse_request_head
from tests.support.http1_head import parsed

TOKEN = st.text("!#$%&'*+-.^_`|~0123456789abcXYZ", min_size=1, max_size=12).map(str.encode)
VISIBLE = st.integers(0x21, 0xFF).filter(lambda byte: byte != 0x7F)
VALUE = st.lists(VISIBLE | st.sampled_from(b" \t"), max_size=12).map(bytes).map(bytes.strip)
BLANKS = st.text(" \t", max_size=3).map(str.encode)
PATH = st.text(max_size=12).map(lambda text: b"/" + quote(text, safe="/%:@!$&'()*+,;=~").encode())
QUERY = st.none() | st.text("abc/?=&%+", max_size=12).map(str.encode)
OF_THE_MESSAGE = {b"host", b"connection", b"content-length", b"transfer-encoding", b"expect", b"upgrade"}
FIELDS = st.lists(st.tuples(TOKEN, VALUE, BLANKS).filter(lambda field: field[0].lower() not in OF_THE_MESSAGE))
FRAMING = st.sampled_from(
    [b"", b"Content-Length: 7\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: a,Close\r\n"]
)


@st.composite
def request_heads(draw: st.DrawFn) -> tuple[bytes, dict[str, object]]:
    """A good head, and what it says."""
    method, path, query, fields = (
        draw(TOKEN.filter(lambda token: token != b"CONNECT")),
        draw(PATH),
        draw(QUERY),
        draw(FIELDS),
    )
    target = path if query is None else path + b"?" + query
    lines = [b"%b:%b%b%b\r\n" % (name, blank, value, blank) for name, value, blank in fields]
    head = b"%b %b HTTP/1.1\r\nHost: a.example\r\n%b\r\n" % (method, target, b"".join(lines))
    says: dict[str, object] = {
        "method": method.decode(),
        "path": unquote(path.decode()),
        "raw_path": path,
        "query_string": query or b"",
        "headers": [(b"host", b"a.example"), *((name.lower(), value) for name, value, _ in fields)],
    }
    return head, says


NEARLY = st.sampled_from(
    [
        *(b"GET / HTTP/1.1\r\n", b"POST /a?b HTTP/1.1\r\n", b"GET /\xff HTTP/1.1\r\n", b"GET / HTTP/1.0\r\n"),
        *(b"GET / HTTP/3.7\r\n", b"Host: a\r\n", b"Host: b\r\n", b"Content-Length: 5\r\n", b"content-length: 6\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: x\r\n", b"A: b\r\n", b" c\r\n", b"A : b\r\n"),
        *(b"\r\n", b"\n", b"\r", b":", b"A: \0\r\n", b"A: b\n", b"A:\x0bb\r\n", b"A: \x7f\r\n"),
    ]
)
NEAR_HEADS = st.lists(NEARLY | st.binary(max_size=4), max_size=9).map(b"".join)


@given(request_heads(), st.data())
def test_a_good_head_is_read_wherever_it_is_cut(head: tuple[bytes, dict[str, object]], data: st.DataObject) -> None:
    request, says = head
    cut = data.draw(st.integers(0, len(request) - 1))
    assert parsed(request[:cut]) is None
    for sent in (request, request + b"GET / HTTP/1.1\r\n", b"\r\n" + request):
        found = parsed(sent)
        assert found is not None
        assert {name: getattr(found, name) for name in says} == says
        assert found.size == len(sent[: sent.index(request)]) + len(request)


@given(request_heads(), FRAMING)
def test_a_good_head_says_to_us_what_it_says_to_h11(head: tuple[bytes, dict[str, object]], framing: bytes) -> None:
    request = head[0].replace(b"\r\n", b"\r\n" + framing, 1)
    expect_h11_agrees(request)


@given(NEAR_HEADS)
def test_what_is_taken_is_what_h11_takes(data: bytes) -> None:
    try:
        found = parsed(data)
    except HttpError:
        return
    if found is not None:
        expect_h11_agrees(data[: found.size].lstrip(b"\r\n"))


def expect_h11_agrees(request: bytes) -> None:
    """Both take it for the same request, with a body of the same length."""
    found = parsed(request)
    assert found is not None
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(request)
    event = connection.next_event()
    assert isinstance(event, h11.Request)
    target = found.raw_path + (b"?" + found.query_string if b"?" in event.target else b"")
    assert (found.method.encode(), target, list(found.headers)) == (event.method, event.target, lowered(event.headers))
    lengths = [int(value) for name, value in event.headers if name == b"content-length"]
    chunked = any(name == b"transfer-encoding" for name, _ in event.headers)
    assert found.body_bytes == (None if chunked else sum(lengths))
    assert found.keeps_alive == (connection.their_state is not h11.MUST_CLOSE and not closes(event))


def closes(event: h11.Request) -> bool:
    """h11 knows at the end of the body only."""
    options = [value.lower() for name, value in event.headers if name == b"connection"]
    said = {option.strip() for value in options for option in value.split(b",")}
    return b"close" in said or (event.http_version == b"1.0" and b"keep-alive" not in said)


def lowered(headers: h11._headers.Headers) -> list[tuple[bytes, bytes]]:
    """As a list of pairs; h11 writes the names and codings in lower case, ours only the names."""
    return [(name, value) for name, value in headers]


@given(NEAR_HEADS, st.integers(0, 40), st.integers(0, 4))
def test_pieces_of_a_head_end_as_the_whole(data: bytes, max_bytes: int, max_headers: int) -> None:
    def outcome(size: int) -> object:
        try:
            found = parse_request_head(data[:size], max_bytes=max_bytes, max_headers=max_headers)
        except HttpError as error:
            return (error.status, error.sentence)
        return found and (found.size, found.method, found.path, found.headers, found.body_bytes)

    outcomes = [outcome(size) for size in range(len(data) + 1)]
    assert next((first for first in outcomes if first is not None), None) == outcomes[-1]


@dataclass(frozen=True)
class Read:
    """What became of a chunked body."""

    payload: bytes
    used: int
    is_complete: bool


def read_chunks(pieces: list[bytes]) -> Read | str:
    """Or the sentence of the refusal."""
    body, payload, used = ChunkedBody(max_line_bytes=32, max_trailer_bytes=64), b"", 0
    for piece in pieces:
        try:
            data, size = body.read(piece)
        except HttpError as error:
            return f"{error.status} {error.sentence}"
        assert size == len(piece) or body.is_complete
        payload, used = payload + data, used + size
    return Read(payload, used, body.is_complete)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """Pieces of these sizes, and the rest."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


SIZES = st.lists(st.integers(0, 12), max_size=40)
CHUNK = st.tuples(st.binary(min_size=1, max_size=40), st.sampled_from([b"", b";a", b"; a=b", b';a="b \xff"']))
TRAILERS = st.sampled_from([b"", b"A: b\r\n", b"Expires: never\r\nB:\r\n"])
NEARLY_CHUNKS = st.sampled_from(
    [
        *(
            b"3\r\nabc\r\n",
            b"0\r\n",
            b"0\r\n\r\n",
            b"\r\n",
            b"A: b\r\n",
            b"a;x\r\n0123456789\r\n",
            b"1\r\nx\n",
            b"1\nx\r\n",
        ),
        *(
            b"+1\r\nx\r\n",
            b"0x1\r\nx\r\n",
            b"1 \r\nx\r\n",
            b"00000000000000001\r\n",
            b"8000000000000000\r\n",
            b"1;\0\r\n",
        ),
    ]
)


@given(st.lists(CHUNK), TRAILERS, st.binary(max_size=9), SIZES)
def test_payload_is_what_was_chunked(
    chunks: list[tuple[bytes, bytes]], trailers: bytes, behind: bytes, sizes: list[int]
) -> None:
    lines = [b"%x%b\r\n%b\r\n" % (len(payload), extension, payload) for payload, extension in chunks]
    body = b"".join(lines) + b"0\r\n" + trailers + b"\r\n"
    expected = Read(b"".join(payload for payload, _ in chunks), len(body), True)
    assert read_chunks([body + behind]) == read_chunks(cut(body + behind, sizes)) == expected
    assert read_by_h11(body) == expected.payload


@given(st.lists(NEARLY_CHUNKS | st.binary(max_size=3), max_size=6).map(b"".join), SIZES)
def test_chunks_that_are_taken_are_what_h11_takes(data: bytes, sizes: list[int]) -> None:
    whole = read_chunks([data])
    assert whole == read_chunks(cut(data, sizes))
    if isinstance(whole, Read):
        assert read_by_h11(data[: whole.used]) == whole.payload


def read_by_h11(body: bytes) -> bytes:
    """The payload as h11 sees it. Raises for a body that it refuses."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
    payload = b""
    while (event := connection.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
        if isinstance(event, h11.EndOfMessage):
            break
        if isinstance(event, h11.Data):
            payload += event.data
    return payload


ANSWER_FIELDS = st.lists(st.tuples(TOKEN.map(bytes.lower), VALUE).filter(lambda field: field[0] not in OF_THE_MESSAGE))


@given(
    st.integers(200, 599),
    ANSWER_FIELDS,
    st.sampled_from(["GET", "HEAD", "POST"]),
    st.sampled_from(["1.0", "1.1"]),
    st.booleans(),
    st.sampled_from([[], [(b"content-length", b"7")], [(b"connection", b"close")]]),
)
def test_h11_reads_our_answers_as_they_are_meant(
    status: int,
    fields: list[tuple[bytes, bytes]],
    method: str,
    version: str,
    keeps_alive: bool,
    of_the_message: list[tuple[bytes, bytes]],
) -> None:
    head, framing, stays = encode_response_head(
        status,
        [*fields, *of_the_message],
        request_method=method,
        http_version="1.0" if version == "1.0" else "1.1",
        keeps_alive=keeps_alive,
        date=b"Sun, 22 Nov 2026 00:00:00 GMT",
    )
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(head + {"length": b"payload", "chunked": b"7\r\npayload\r\n0\r\n\r\n"}.get(framing, b""))
    events = [client.next_event(), client.next_event()]
    assert isinstance(events[0], h11.Response)
    assert events[0].status_code == status
    assert [field for field in fields if field not in list(events[0].headers)] == []
    assert sum(name == b"date" for name, _ in events[0].headers) >= 1
    ended = isinstance(events[1], h11.EndOfMessage)
    assert (ended, events[1] is h11.NEED_DATA) == (framing == "none", framing == "close")
    if version == "1.1" and framing in ("length", "chunked"):
        assert isinstance(client.next_event(), h11.EndOfMessage)
        assert (
            (client.their_state is h11.DONE)
            == stays
            == (keeps_alive and (b"connection", b"close") not in of_the_message)
        )
