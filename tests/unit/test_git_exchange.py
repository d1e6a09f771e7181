"""One Git request over ASGI: bodies in bounded pieces, and clients that stop moving."""

from __future__ import annotations

import gzip
import socket
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest
import trio
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope
from trio.testing import MockClock

from server.git.exchange import BodyRefused, ClientGone, GitExchange
from server.http import DEPARTURES, PIECES, Departure
from server.http.departures import DepartureBoard

IDLE_S = 30.0
LIMIT = 1 << 30
MIB = 1 << 20


class Wire:
    """The client's side: body events to be received, each after a pause, and what was sent back."""

    def __init__(self, *pieces: bytes, pause_s: float = 0.0, ends: str = "in order") -> None:
        self.events: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": at < len(pieces) - 1 or ends != "in order"}
            for at, piece in enumerate(pieces or (b"",))
        ]
        if ends == "disconnect":
            self.events.append({"type": "http.disconnect"})
        self.pause_s = pause_s
        self.sent: list[dict[str, Any]] = []
        self.send_pause_s = 0.0

    async def receive(self) -> dict[str, Any]:
        if not self.events:
            await trio.sleep_forever()
        await trio.sleep(self.pause_s)
        return self.events.pop(0)

    async def send(self, event: dict[str, Any]) -> None:
        await trio.sleep(self.send_pause_s)
        self.sent.append(event)


def exchange_of(
    wire: Wire, *headers: tuple[bytes, bytes], limit: int = LIMIT, extensions: dict[str, Any] | None = None
) -> GitExchange:
    scope = cast("HTTPScope", {"type": "http", "headers": list(headers), "extensions": extensions or {}})
    receive, send = cast("ASGIReceiveCallable", wire.receive), cast("ASGISendCallable", wire.send)
    return GitExchange(scope, receive, send, body_limit_bytes=limit, idle_timeout_s=IDLE_S)


GZIP = (b"content-encoding", b"gzip")


async def pieces_of(body: AsyncIterator[bytes]) -> list[bytes]:
    return [piece async for piece in body]


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


async def test_a_plain_body_comes_as_it_was_sent_and_empty_pieces_are_passed_over() -> None:
    wire = Wire(b"abc", b"", b"def")
    assert await pieces_of(exchange_of(wire).body()) == [b"abc", b"def"]


@pytest.mark.parametrize("encoding", [b"gzip", b"x-gzip", b"GZip"])
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
async def test_a_gzip_body_is_inflated_however_it_is_cut(encoding: bytes, size: int) -> None:
    content = bytes(range(256)) * 100
    wire = Wire(*cut(gzip.compress(content), size))
    assert b"".join(await pieces_of(exchange_of(wire, (b"content-encoding", encoding)).body())) == content


async def test_a_header_is_found_whatever_its_case() -> None:
    exchange = exchange_of(Wire(), (b"Content-Type", b"text/plain"))
    assert (exchange.header(b"content-type"), exchange.header(b"accept")) == (b"text/plain", None)


@pytest.mark.parametrize("size", [100, 1 << 20])
async def test_a_gzip_bomb_is_inflated_in_pieces_of_a_quarter_mebibyte(size: int) -> None:
    bomb = gzip.compress(bytes(64 * MIB))
    exchange = exchange_of(Wire(*cut(bomb, size)), GZIP)
    longest = total = 0
    tracemalloc.start()
    try:
        async for piece in exchange.body():
            longest, total = max(longest, len(piece)), total + len(piece)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == 64 * MIB
    assert longest <= MIB // 4
    assert peak_bytes < 4 * MIB


async def test_the_limit_counts_what_a_body_inflates_to() -> None:
    content = bytes(10_000)
    whole = exchange_of(Wire(gzip.compress(content)), GZIP, limit=10_000)
    assert sum(map(len, await pieces_of(whole.body()))) == 10_000
    with pytest.raises(BodyRefused, match="larger than 9999 bytes") as caught:
        await pieces_of(exchange_of(Wire(gzip.compress(content)), GZIP, limit=9_999).body())
    assert caught.value.status == 413


@pytest.mark.parametrize(("limit", "own"), [(10_000, 999), (999, 10_000)])
async def test_the_lower_of_two_limits_counts(limit: int, own: int) -> None:
    headers = (b"content-length", b"1000")
    with pytest.raises(BodyRefused, match="larger than 999 bytes"):
        await pieces_of(exchange_of(Wire(bytes(1000)), headers, limit=limit).body(limit_bytes=own))
    assert len(await pieces_of(exchange_of(Wire(bytes(999)), limit=limit).body(limit_bytes=own))) == 1


@pytest.mark.parametrize("encoding", [b"identity", b"gzip"])
async def test_a_body_that_announces_more_than_the_limit_is_refused_unread(encoding: bytes) -> None:
    wire = Wire(ends="silence")
    exchange = exchange_of(wire, (b"content-length", b"1001"), (b"content-encoding", encoding), limit=1000)
    with pytest.raises(BodyRefused, match="larger than 1000 bytes") as caught:
        await pieces_of(exchange.body())
    assert caught.value.status == 413
    assert len(wire.events) == 1


async def test_others_get_their_turn_while_a_bomb_is_inflated() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_turns)
        pieces = await pieces_of(exchange_of(Wire(gzip.compress(bytes(16 * MIB))), GZIP).body())
        nursery.cancel_scope.cancel()
    assert turns >= len(pieces) - 1  # which of the two begins is left to chance


@pytest.mark.parametrize("encoding", [b"br", b"deflate", b"gzip, gzip", b"\xff"])
async def test_another_encoding_is_refused(encoding: bytes) -> None:
    with pytest.raises(BodyRefused) as caught:
        await pieces_of(exchange_of(Wire(b"x"), (b"content-encoding", encoding)).body())
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (gzip.compress(b"content")[:-1], "cut short"),
        (b"", "cut short"),
        (b"no gzip at all", "damaged"),
        (gzip.compress(b"content")[:-5] + b"xxxxx", "damaged"),
    ],
)
async def test_a_damaged_gzip_body_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(BodyRefused, match=said) as caught:
        await pieces_of(exchange_of(Wire(body), GZIP).body())
    assert caught.value.status == 400


async def test_a_client_that_disconnects_in_its_body_is_gone() -> None:
    exchange = exchange_of(Wire(b"half", ends="disconnect"))
    with pytest.raises(ClientGone):
        await pieces_of(exchange.body())


async def test_a_client_that_sends_nothing_for_the_timeout_is_told_so(autojump_clock: MockClock) -> None:
    exchange = exchange_of(Wire(b"half", ends="silence"))
    started = trio.current_time()
    with pytest.raises(BodyRefused, match="for 30 seconds") as caught:
        await pieces_of(exchange.body())
    assert caught.value.status == 408
    assert trio.current_time() - started == pytest.approx(IDLE_S)


async def test_a_slow_client_may_take_as_long_as_it_likes(autojump_clock: MockClock) -> None:
    wire = Wire(*[b"x"] * 100, pause_s=IDLE_S - 1)
    started = trio.current_time()
    assert len(await pieces_of(exchange_of(wire).body())) == 100
    assert trio.current_time() - started > 10 * IDLE_S


Step = Callable[[GitExchange], Awaitable[None]]


@pytest.mark.parametrize(
    "step",
    [
        lambda exchange: exchange.start(200, "text/plain"),
        lambda exchange: exchange.write(b"data"),
        lambda exchange: exchange.end(),
        lambda exchange: exchange.answer(200, b"body"),
    ],
    ids=["start", "write", "end", "answer"],
)
async def test_an_http_2_client_that_takes_nothing_for_the_timeout_is_gone(
    autojump_clock: MockClock, step: Step
) -> None:
    wire = Wire()
    wire.send_pause_s = IDLE_S + 1
    started = trio.current_time()
    with pytest.raises(ClientGone):
        await step(exchange_of(wire))
    assert trio.current_time() - started == pytest.approx(IDLE_S)


async def test_an_http_2_client_may_take_a_long_answer_as_slowly_as_it_likes(autojump_clock: MockClock) -> None:
    wire = Wire()
    wire.send_pause_s = IDLE_S - 1
    started = trio.current_time()
    await exchange_of(wire).write(bytes(range(256)) * 4096)
    assert trio.current_time() - started > 10 * IDLE_S
    assert b"".join(event["body"] for event in wire.sent) == bytes(range(256)) * 4096
    assert all(event["more_body"] for event in wire.sent)


async def test_how_long_a_write_over_http_1_takes_is_not_for_the_exchange_to_judge(autojump_clock: MockClock) -> None:
    """A mebibyte takes longer than the timeout at a kilobyte a second; the kernel knows whether anything moves."""
    wire = Wire()
    wire.send_pause_s = 10 * IDLE_S
    await exchange_of(wire, extensions={PIECES: {}}).write(b"data")
    assert [event["pieces"] for event in wire.sent] == [[b"data"]]


async def test_a_cancellation_from_outside_is_no_client_gone(autojump_clock: MockClock) -> None:
    exchange = exchange_of(Wire(b"half", ends="silence"))
    with trio.move_on_after(IDLE_S / 2) as scope:
        await pieces_of(exchange.body())
    assert scope.cancelled_caught


async def test_a_streamed_answer_ends_once() -> None:
    wire = Wire()
    exchange = exchange_of(wire)
    started = [exchange.started]
    await exchange.start(200, "application/x-git")
    started.append(exchange.started)
    await exchange.write(b"one")
    await exchange.end()
    assert started == [False, True]
    start, *bodies = wire.sent
    assert (b"content-type", b"application/x-git") in start["headers"]
    assert [(body["body"], body["more_body"]) for body in bodies] == [(b"one", True), (b"", False)]


async def test_a_small_answer_says_how_long_it_is() -> None:
    wire = Wire()
    await exchange_of(wire).answer(404, b"nothing\n", (b"content-type", b"text/plain"))
    start, body = wire.sent
    assert start["status"] == 404
    assert (b"content-length", b"8") in start["headers"]
    assert (body["body"], body["more_body"]) == (b"nothing\n", False)


@pytest.mark.parametrize("has_extension", [False, True])
async def test_who_goes_away_ends_what_waits_for_nothing_else_and_only_then(
    autojump_clock: MockClock, has_extension: bool
) -> None:
    wire = Wire(b"", ends="disconnect", pause_s=1000)
    with socket.socket() as peer:
        departure = Departure(DepartureBoard(), peer)
    extensions = {DEPARTURES: departure} if has_extension else {}
    started = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_happen_after, departure, 2000)
        async with exchange_of(wire, extensions=extensions).while_client_stays():
            await trio.Event().wait()
        nursery.cancel_scope.cancel()
    assert trio.current_time() - started == pytest.approx(2000)


async def _happen_after(departure: Departure, seconds: float) -> None:
    await trio.sleep(seconds)
    departure.happen()


async def test_pieces_go_out_as_they_are_where_the_connection_takes_pieces() -> None:
    wire, large = Wire(), bytes(1 << 20)
    exchange = exchange_of(wire, extensions={PIECES: {}})
    await exchange.start(200, "text/plain")
    exchange.hold(b"head")
    await exchange.write(large)
    await exchange.end()
    assert [(event["pieces"], event["more_body"]) for event in wire.sent[1:]] == [
        ([b"head", large], True),
        ([b""], False),
    ]
    assert wire.sent[1]["pieces"][1] is large


async def test_what_is_held_goes_with_the_next_piece_in_its_order() -> None:
    wire = Wire()
    exchange = exchange_of(wire)
    exchange.hold(b"a")
    await exchange.start(200, "text/plain")
    exchange.hold(b"b")
    assert [event["type"] for event in wire.sent] == ["http.response.start"]
    await exchange.write(b"c")
    await exchange.write(b"d")
    exchange.hold(b"e")
    await exchange.end()
    assert [event["body"] for event in wire.sent[1:]] == [b"abc", b"d", b"e"]
    assert [event["more_body"] for event in wire.sent[1:]] == [True, True, False]
