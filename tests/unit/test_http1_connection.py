"""HTTP/1.1 between a connection and an application: framing, writes, what is left unread, and who goes away."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, cast

import pytest
import trio
from hypercorn.typing import ASGIFramework
from trio.testing import MockClock

from server.http import PIECES, HttpLimits
from server.http.connection import Ends, Http1Connection, Service, WantsHttp2
from server.http.departures import DEPARTURES, PERIOD_S, Departure, DepartureBoard
from server.http.request import BrokenAnswer
from server.http.transport import Buffer, ConnectionLost

GET = b"GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\n\r\n"
App = Callable[[Any, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


class Wire:
    """A transport: the client's pieces come one by one, then its silence or its end; writes are kept."""

    def __init__(self, *pieces: bytes, ends: bool = True) -> None:
        self.peer, self._other = socket.socketpair()
        self._pieces = list(pieces)
        self._ends = ends
        self.writes: list[bytes] = []
        self.pieces: list[Buffer] = []
        self.is_finished = False
        self.is_lost = False

    async def receive(self) -> bytes:
        await trio.lowlevel.checkpoint()
        if not self._pieces and not self._ends:
            await trio.sleep_forever()
        return self._pieces.pop(0) if self._pieces else b""

    async def send(self, pieces: Sequence[Buffer]) -> None:
        if self.is_lost:
            raise ConnectionLost
        self.pieces += pieces
        self.writes.append(b"".join(pieces))

    async def finish(self) -> None:
        self.is_finished = True

    async def close(self) -> None:
        self.peer.close()
        self._other.close()

    @property
    def unread(self) -> int:
        return len(self._pieces)

    @property
    def sent(self) -> bytes:
        return b"".join(self.writes)


async def serve(app: App, *pieces: bytes, ends: bool = True, service: Service | None = None) -> Wire:
    """Serve a connection to its end."""
    wire = Wire(*pieces, ends=ends)
    await _run(app, wire, service)
    return wire


async def _run(app: App, wire: Wire, service: Service | None = None, scheme: str = "http") -> WantsHttp2 | None:
    service = service or Service(cast("ASGIFramework", app), HttpLimits())
    ends = Ends(scheme, ("192.0.2.1", 4711), ("192.0.2.2", 80))
    try:
        return await Http1Connection(service, wire, ends).run()
    finally:
        await wire.close()


def answering(
    *bodies: bytes, headers: Sequence[tuple[bytes, bytes]] = (), status: int = 200, reads: bool = True
) -> App:
    """An application that answers with these parts."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        while reads and (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        for at, body in enumerate(bodies):
            await send({"type": "http.response.body", "body": body, "more_body": at < len(bodies) - 1})

    return app


LENGTH = [(b"content-length", b"4")]


def post(size: int, *fields: bytes) -> bytes:
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%b\r\n" % (size, lines)


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


async def echo(_scope: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        body, more = body + event["body"], event["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


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
    await _run(app, wire)
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
    await _run(app, wire)
    assert wire.sent.endswith(b"\r\n\r\nbody")


# --- what is left unread ----------------------------------------------------------------------------------------------


refusing = answering(b"no", headers=[(b"content-length", b"2")], status=403, reads=False)


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
    await _run(refusing, wire)
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


# --- ends -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", b"505"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 70_000, b"431"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    ],
)
async def test_what_is_no_request_is_answered_and_ends_the_connection(request_: bytes, status: bytes) -> None:
    wire = await serve(echo, request_, GET)
    (answer,) = wire.writes
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b'{"error": {"code": "bad_request", "message": "' in answer
    assert (wire.is_finished, wire.unread) == (True, 0)


@pytest.mark.parametrize("request_", [GET[:-2], post(10) + b"half", b""])
async def test_a_request_that_never_ends_is_never_answered(request_: bytes) -> None:
    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    assert (await serve(app, request_)).sent == b""


@pytest.mark.parametrize(
    ("bodies", "headers"),
    [((b"half",), [(b"content-length", b"8")]), ((b"too much",), LENGTH), ((b"too", b"much"), LENGTH)],
)
async def test_an_answer_that_is_not_what_its_head_says_is_never_taken_for_whole(
    bodies: tuple[bytes, ...], headers: list[tuple[bytes, bytes]]
) -> None:
    wire = Wire(GET, GET)
    with pytest.raises(BrokenAnswer):
        await _run(answering(*bodies, headers=headers), wire)
    assert len(wire.sent.partition(b"\r\n\r\n")[2]) < 4


async def test_an_application_that_does_not_answer_ends_the_connection() -> None:
    wire = await serve(answering(), GET, GET)
    assert (wire.sent, wire.unread) == (b"", 1)


async def test_an_idle_connection_ends_after_its_time_and_one_in_its_head_is_told(autojump_clock: MockClock) -> None:
    started = trio.current_time()
    idle = await serve(echo, GET, ends=False)
    assert trio.current_time() - started == pytest.approx(HttpLimits().keep_alive_s)
    assert len(idle.writes) == 1
    started = trio.current_time()
    slow = await serve(echo, GET[:10], ends=False)
    assert slow.sent.startswith(b"HTTP/1.1 408 ")
    limits = HttpLimits()
    assert trio.current_time() - started == pytest.approx(limits.head_s + limits.linger_silence_s)


async def test_draining_ends_idle_connections_at_once_and_others_with_their_answer(autojump_clock: MockClock) -> None:
    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await trio.sleep(10)
        await answering(b"done")(scope, receive, send)

    service = Service(cast("ASGIFramework", slow), HttpLimits())
    idle, busy = Wire(ends=False), Wire(GET, ends=False)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_run, slow, idle, service)
        nursery.start_soon(_run, slow, busy, service)
        await trio.sleep(5)
        service.drain()
    assert trio.current_time() == pytest.approx(10)
    assert idle.sent == b""
    assert b"connection: close" in busy.sent


async def test_http_2_is_handed_on_with_all_that_came_of_it() -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for pieces in ([preface + b"frames"], [preface[:5], preface[5:] + b"frames"]):
        assert await _run(echo, Wire(*pieces)) == WantsHttp2(preface + b"frames")
    upgrade = GET[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert await _run(echo, Wire(upgrade)) == WantsHttp2(upgrade)


async def test_http_2_that_is_not_spoken_is_a_version_we_do_not_know_and_an_upgrade_nobody_makes() -> None:
    service = Service(cast("ASGIFramework", echo), HttpLimits(), speaks_http_2=False)
    preface = Wire(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert await _run(echo, preface, service) is None
    assert preface.sent.startswith(b"HTTP/1.1 505 ")
    upgrade = Wire(GET[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert await _run(echo, upgrade, service) is None
    assert upgrade.sent.startswith(b"HTTP/1.1 200 ")


async def test_what_is_no_plain_upgrade_stays_in_our_http_1() -> None:
    upgrade = GET[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    announcing, over_tls = Wire(upgrade + b"Content-Length: 0\r\n\r\n"), Wire(upgrade + b"\r\n")
    assert await _run(echo, announcing) is None
    assert await _run(echo, over_tls, scheme="https") is None
    assert announcing.sent.startswith(b"HTTP/1.1 200 OK\r\n")
    assert over_tls.sent.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_who_asks_for_more_after_the_answer_hears_that_it_is_over() -> None:
    heard: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answering(b"body", headers=LENGTH)(scope, receive, send)
        heard.append(await receive())

    wire = await serve(app, GET, GET)
    assert heard == [{"type": "http.disconnect"}] * 2
    assert len(wire.writes) == 2


# --- who goes away ----------------------------------------------------------------------------------------------------


async def test_a_departure_is_noticed_while_the_application_works(autojump_clock: MockClock) -> None:
    told: list[Any] = []

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        told.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"nobody reads this"})

    service = Service(cast("ASGIFramework", app), HttpLimits())
    wire = Wire(GET, ends=False)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(service.board.run)
        await _run(app, wire, service)  # a socket that is no TCP connection is not an established one
        nursery.cancel_scope.cancel()
    assert told == [{"type": "http.disconnect"}]
    assert wire.sent == b""
    assert trio.current_time() == pytest.approx(PERIOD_S)


async def test_what_cannot_be_sent_any_more_goes_nowhere_and_ends_the_connection() -> None:
    wire = Wire(GET, GET)
    wire.is_lost = True
    await _run(answering(b"one", b"two"), wire)
    assert (wire.sent, wire.unread) == (b"", 1)


async def test_the_board_asks_about_nobody_who_has_come_and_gone(autojump_clock: MockClock) -> None:
    board, (ours, theirs) = DepartureBoard(), socket.socketpair()
    departure = Departure(board, ours)
    told: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(board.run)
        with departure.tells(lambda: told.append("too early")):
            await trio.sleep(PERIOD_S / 2)
        await trio.sleep(10 * PERIOD_S)
        assert not told
        with departure.tells(lambda: told.append("gone")):
            await trio.sleep(2 * PERIOD_S)
        nursery.cancel_scope.cancel()
    assert told == ["gone"]
    ours.close()
    theirs.close()


async def test_who_seems_to_have_gone_after_the_answer_still_gets_to_read_it(autojump_clock: MockClock) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await refusing(scope, receive, send)
        await scope["extensions"][DEPARTURES].wait()  # our own end of the connection is closed, which looks like it

    service = Service(cast("ASGIFramework", app), HttpLimits())
    wire = Wire(post(1 << 20), *[bytes(1024)] * 1024)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(service.board.run)
        await _run(app, wire, service)
        nursery.cancel_scope.cancel()
    assert (wire.is_finished, wire.unread) == (True, 0)
