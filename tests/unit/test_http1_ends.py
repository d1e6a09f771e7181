"""How a connection of HTTP/1.1 ends: refusals, broken answers, silence, HTTP/2, and clients that go away."""

from __future__ import annotations

import socket
from typing import Any, cast

import pytest
import trio
from hypercorn.typing import ASGIFramework
from trio.testing import MockClock

from server.http import HttpLimits
from server.http.connection import Service, WantsHttp2
from server.http.departures import DEPARTURES, PERIOD_S, Departure, DepartureBoard
from server.http.request import BrokenAnswer
from tests.support.http1_client import GET, LENGTH, Wire, answering, echo, post, refusing, run_over, serve


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
        await run_over(answering(*bodies, headers=headers), wire)
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
        nursery.start_soon(run_over, slow, idle, service)
        nursery.start_soon(run_over, slow, busy, service)
        await trio.sleep(5)
        service.drain()
    assert trio.current_time() == pytest.approx(10)
    assert idle.sent == b""
    assert b"connection: close" in busy.sent


async def test_http_2_is_handed_on_with_all_that_came_of_it() -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for pieces in ([preface + b"frames"], [preface[:5], preface[5:] + b"frames"]):
        assert await run_over(echo, Wire(*pieces)) == WantsHttp2(preface + b"frames")
    upgrade = GET[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    assert await run_over(echo, Wire(upgrade)) == WantsHttp2(upgrade)


async def test_http_2_that_is_not_spoken_is_a_version_we_do_not_know_and_an_upgrade_nobody_makes() -> None:
    service = Service(cast("ASGIFramework", echo), HttpLimits(), speaks_http_2=False)
    preface = Wire(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert await run_over(echo, preface, service) is None
    assert preface.sent.startswith(b"HTTP/1.1 505 ")
    upgrade = Wire(GET[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert await run_over(echo, upgrade, service) is None
    assert upgrade.sent.startswith(b"HTTP/1.1 200 ")


async def test_what_is_no_plain_upgrade_stays_in_our_http_1() -> None:
    upgrade = GET[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n"
    announcing, over_tls = Wire(upgrade + b"Content-Length: 0\r\n\r\n"), Wire(upgrade + b"\r\n")
    assert await run_over(echo, announcing) is None
    assert await run_over(echo, over_tls, scheme="https") is None
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
        await run_over(app, wire, service)  # a socket that is no TCP connection is not an established one
        nursery.cancel_scope.cancel()
    assert told == [{"type": "http.disconnect"}]
    assert wire.sent == b""
    assert trio.current_time() == pytest.approx(PERIOD_S)


async def test_what_cannot_be_sent_any_more_goes_nowhere_and_ends_the_connection() -> None:
    wire = Wire(GET, GET)
    wire.is_lost = True
    await run_over(answering(b"one", b"two"), wire)
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
        await run_over(app, wire, service)
        nursery.cancel_scope.cancel()
    assert (wire.is_finished, wire.unread) == (True, 0)
