"""How many writes an answer over HTTP/1.1 is."""

from __future__ import annotations

from typing import Any, cast

import pytest
from hypercorn.config import Config
from hypercorn.events import Event
from hypercorn.protocol.events import Body, EndBody, Response
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState

from server.process.http1 import Http1, RawPieces
from server.process.request_stream import RequestStream

STREAM = 1
LENGTH = (b"content-length", b"4")
CHUNKED = (b"transfer-encoding", b"chunked")


class Connection:
    """A connection whose request has been read, and what was written to it."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.pieces: list[bytes] = []
        state = ConnectionState(cast("Any", {}))
        protocol = Http1(None, Config(), WorkerContext(None), None, state, False, None, None, self._send)
        protocol.connection.receive_data(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        protocol.connection.next_event()
        protocol.connection.next_event()
        arguments = (None, Config(), WorkerContext(None), None, False, None, None, protocol.stream_send, STREAM)
        protocol.stream = self.stream = RequestStream(*arguments)
        self.protocol = protocol

    async def _send(self, event: Event) -> None:
        if isinstance(event, RawPieces):
            self.writes.append(b"".join(event.pieces))
            self.pieces += event.pieces

    async def begin(self, *headers: tuple[bytes, bytes]) -> None:
        await self.protocol.stream_send(Response(stream_id=STREAM, headers=list(headers), status_code=200))

    async def send(self, data: bytes, *, is_last: bool) -> None:
        """As RequestStream sends what an application gives it."""
        self.stream.sends_last = is_last
        if data:
            await self.protocol.stream_send(Body(stream_id=STREAM, data=data))
        if is_last:
            await self.protocol.stream_send(EndBody(stream_id=STREAM))


@pytest.mark.parametrize(("header", "end"), [(LENGTH, b"\r\n\r\nbody"), (CHUNKED, b"4\r\nbody\r\n0\r\n\r\n")])
async def test_a_whole_answer_is_one_write(header: tuple[bytes, bytes], end: bytes) -> None:
    connection = Connection()
    await connection.begin(header)
    assert connection.writes == []
    await connection.send(b"body", is_last=True)
    (written,) = connection.writes
    assert written.startswith(b"HTTP/1.1 200 ")
    assert written.endswith(end)


async def test_each_further_piece_is_a_write_and_the_last_goes_with_the_end() -> None:
    connection = Connection()
    await connection.begin(CHUNKED)
    for piece, is_last in ((b"one", False), (b"two", False), (b"three", True)):
        await connection.send(piece, is_last=is_last)
    assert connection.writes[0].endswith(b"3\r\none\r\n")
    assert connection.writes[1:] == [b"3\r\ntwo\r\n", b"5\r\nthree\r\n0\r\n\r\n"]


async def test_an_answer_without_a_body_is_written_all_the_same() -> None:
    connection = Connection()
    await connection.begin((b"content-length", b"0"))
    await connection.send(b"", is_last=True)
    assert len(connection.writes) == 1
    assert connection.writes[0].startswith(b"HTTP/1.1 200 ")


async def test_an_end_that_is_no_bytes_is_no_write() -> None:
    connection = Connection()
    await connection.begin(LENGTH)
    await connection.send(b"body", is_last=False)
    await connection.send(b"", is_last=True)
    assert len(connection.writes) == 1


async def test_a_piece_of_the_body_is_handed_on_as_it_is() -> None:
    connection = Connection()
    await connection.begin(CHUNKED)
    piece = bytes(1 << 20)
    await connection.send(piece, is_last=False)
    assert any(each is piece for each in connection.pieces)
