"""Chunked bodies by RFC 9112, section 7.1: what is taken, what is left, what is refused."""

from __future__ import annotations

import pytest

from core_ext import ChunkedBody, HttpError


def body() -> ChunkedBody:
    return ChunkedBody(max_line_bytes=64, max_trailer_bytes=128)


def test_chunks_are_joined_and_the_rest_is_left() -> None:
    reader = body()
    assert reader.read(b"3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1") == (b"abc0123456789", 39)
    assert reader.is_complete
    assert reader.read(b"GET / HTTP/1.1") == (b"", 0)


def test_the_middle_of_a_chunk_is_not_copied() -> None:
    reader, middle = body(), b"x" * 100
    reader.read(b"ff\r\n")
    assert reader.read(middle)[0] is middle
    assert not reader.is_complete


@pytest.mark.parametrize(
    "chunk",
    [
        *(
            b"\r\nx\r\n",
            b"+1\r\nx\r\n",
            b"-1\r\nx\r\n",
            b"0x1\r\nx\r\n",
            b" 1\r\nx\r\n",
            b"1 \r\nx\r\n",
            b"1 ;a\r\nx\r\n",
            b"g\r\nx\r\n",
        ),
        *(
            b"1\nx\r\n",
            b"1\r\nx\n",
            b"1\r\nxy\r\n",
            b"1\r\nx\r\r\n",
            b"1;a\nb\r\nx\r\n",
            b"1;a\rb\r\nx\r\n",
            b"1;\x00\r\nx\r\n",
            b"1\r\r\nx",
        ),
        *(b"00000000000000001\r\nx", b"8000000000000000\r\nx", b"ffffffffffffffff\r\nx", b"10000000000000000\r\n"),
        *(
            b"0\r\n\n",
            b"0\r\nA b\r\n\r\n",
            b"0\r\n A: b\r\n\r\n",
            b"0\r\nA : b\r\n\r\n",
            b"0\r\nA: \x00\r\n\r\n",
            b"0\r\nA: b\n\r\n",
        ),
        *(
            b"0\r\nA: b\r\n c\r\n\r\n",
            b"0\r\n: b\r\n\r\n",
            b"1" * 64,
            b"0;" + b"x" * 64 + b"\r\n",
            b"0\r\n" + b"A: b\r\n" * 22,
        ),
    ],
)
def test_a_malformed_chunk_is_refused_and_stays_so(chunk: bytes) -> None:
    reader = body()
    with pytest.raises(HttpError) as first:
        reader.read(chunk)
    with pytest.raises(HttpError) as second:
        reader.read(b"0\r\n\r\n")
    assert first.value.status == 400
    assert (second.value.sentence, reader.is_complete) == (first.value.sentence, False)
