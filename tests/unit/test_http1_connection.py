"""HTTP/1.1 between a connection and an application: framing, writes, and what is left unread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from server.http import PIECES, HttpLimits
from server.http.transport import Buffer
from tests.support.http1_client import GET, LENGTH, Wire, answering, echo, post, refusing, run_over, serve


@pytest.mark.parametrize(
    ("headers", "end"), [(LENGTH, b"\r\n\r\nbody"), ([], b"\r\n\r\n4\r\nbody\r\n0\r\n\r\n")], ids=["length", "chunked"]
)
async def test_a_whole_answer_is_one_write(headers: list[tuple[bytes, bytes]], end: bytes) -> None:
    wire = await serve(answering(b"body", headers=headers), GET)
    (written,) = wire.writes
    assert written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert written.endswith(end)


async def test_each_further_piece_is_a_write_and_the_last_goes_with_the_end() -> None:
    wire = await serve(answering(b"one", b"two", b"three"), GET)
    assert wire.writes[0].endswith(b"3\r\none\r\n")
    assert wire.writes[1:] == [b"3\r\ntwo\r\n", b"5\r\nthree\r\n0\r\n\r\n"]


async def test_an_empty_piece_is_the_head_alone_and_no_last_chunk() -> None:
    wire = await serve(answering(b"", b"", b"x"), GET)
    assert wire.writes[0].endswith(b"\r\n\r\n")
    assert wire.writes[1:] == [b"1\r\nx\r\n0\r\n\r\n"]


async def test_pieces_are_one_chunk_and_are_handed_on_as_they_are() -> None:
    large = bytes(1 << 20)

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": PIECES, "pieces": [b"ab", large], "more_body": False})

    wire = await serve(app, GET)
    assert wire.sent.endswith(b"\r\n\r\n100002\r\nab" + large + b"\r\n0\r\n\r\n")
    assert any(piece is large for piece in wire.pieces)


async def test_a_head_request_gets_no_body() -> None:
    wire = await serve(answering(b"body", headers=LENGTH), GET.replace(b"GET", b"HEAD"))
    assert wire.sent.endswith(b"\r\n\r\n")
    assert b"content-length: 4\r\n" in wire.sent


async def test_the_scope_tells_the_request() -> None:
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await answering(b"")(scope, receive, send)

    await serve(app, GET)
    (scope,) = scopes
    told = {name: scope[name] for name in ("type", "http_version", "method", "scheme", "path", "raw_path")}
    assert told == {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/a b",
        "raw_path": b"/a%20b",
    }
    assert (scope["query_string"], scope["headers"]) == (b"c=d", [(b"host", b"x")])
    assert (scope["client"], scope["server"]) == (("192.0.2.1", 4711), ("192.0.2.2", 80))


REQUESTS = (
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ntw\r\n1;x=y\r\no\r\n0\r\nTrailer: 1\r\n\r\n"
    + GET
    + b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nthree"
)


@pytest.mark.parametrize("size", [1, 2, 7, 50, 10_000])
async def test_requests_are_told_apart_however_they_are_cut(size: int) -> None:
    wire = await serve(echo, *(REQUESTS[at : at + size] for at in range(0, len(REQUESTS), size)))
    bodies = [answer.partition(b"\r\n\r\n")[2] for answer in wire.writes]
    assert bodies == [b"one", b"two", b"", b"three"]


class SlowWire(Wire):
    """Whose writes take a while. Two at once would be mixed up."""

    _is_writing = False

    async def send(self, pieces: Sequence[Buffer]) -> None:
        assert not self._is_writing
        self._is_writing = True
        await trio.sleep(1)
        self._is_writing = False
        await super().send(pieces)


async def test_an_answer_waits_for_100_continue_to_be_sent(autojump_clock: MockClock) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            await trio.sleep(0.5)
            await answering(b"no", reads=False)(scope, receive, send)
            nursery.cancel_scope.cancel()

    wire = SlowWire(post(4, b"Expect: 100-continue"), ends=False)
    await run_over(app, wire)
    assert wire.writes[0] == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert wire.writes[1].endswith(b"no\r\n0\r\n\r\n")


async def test_a_piece_that_is_cancelled_before_its_turn_counts_for_nothing(autojump_clock: MockClock) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        def piece(body: bytes, *, more_body: bool) -> dict[str, Any]:
            return {"type": "http.response.body", "body": body, "more_body": more_body}

        await send({"type": "http.response.start", "status": 200, "headers": LENGTH})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(send, piece(b"bo", more_body=True)))
            await trio.sleep(0.5)
            with trio.move_on_after(0.1):
                await send(piece(b"no", more_body=True))
        with trio.CancelScope() as scope:
            scope.cancel()
            await send(piece(b"no", more_body=True))
        await send(piece(b"dy", more_body=False))

    wire = SlowWire(GET)
    await run_over(app, wire)
    assert wire.sent.endswith(b"\r\n\r\nbody")


# --- what is left unread ----------------------------------------------------------------------------------------------


async def test_a_little_that_is_left_unread_is_read_and_the_connection_kept() -> None:
    wire = await serve(refusing, post(4) + b"left" + GET)
    assert len(wire.writes) == 2
    assert b"connection: close" not in wire.sent


async def test_much_that_is_left_unread_ends_the_connection_once_it_is_read() -> None:
    wire = await serve(refusing, post(1 << 20), *[bytes(1024)] * 1024)
    (answer,) = wire.writes
    assert b"connection: close" in answer
    assert (wire.is_finished, wire.unread) == (True, 0)


async def test_a_client_that_never_ends_is_not_read_for_ever(autojump_clock: MockClock) -> None:
    class Endless(Wire):
        async def receive(self) -> bytes:
            await trio.sleep(1)
            return post(1 << 40) if not self.writes else bytes(1024)

    wire = Endless()
    await run_over(refusing, wire)
    assert trio.current_time() == pytest.approx(HttpLimits().linger_s, abs=2)


async def test_a_client_that_falls_silent_is_not_waited_for_long(autojump_clock: MockClock) -> None:
    started = trio.current_time()
    await serve(refusing, post(1 << 20), ends=False)
    assert trio.current_time() - started == pytest.approx(HttpLimits().linger_silence_s)


async def test_an_answer_before_the_body_was_asked_for_tells_nobody_to_continue() -> None:
    wire = await serve(refusing, post(4, b"Expect: 100-continue"))
    (answer,) = wire.writes
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"connection: close" in answer


async def test_100_continue_comes_with_the_first_wish_for_the_body() -> None:
    wire = await serve(echo, post(4, b"Expect: 100-continue"), b"body")
    assert wire.writes[0] == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert wire.writes[1].endswith(b"body")


async def test_an_application_that_goes_on_reading_after_its_answer_began_gets_all() -> None:
    read = b""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        nonlocal read
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        more = True
        while more:
            event = await receive()
            read, more = read + event["body"], event["more_body"]
        await send({"type": "http.response.body", "body": b"y"})

    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    await serve(app, head + b"3\r\nabc\r\n3\r\ndef", b"\r\n0\r\n\r\n")
    assert read == b"abcdef"
