"""The boundary around the applications: answers that come before their request was read, and crashes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, cast

import pytest
import trio
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope
from trio.testing import MockClock

from server.asgi import Dispatcher, RequestBoundary
from server.http import HttpLimits

QUEUE_LENGTH = 10
"""Of Hypercorn's queue between its reader and an application."""

LINGER_TOTAL_S, LINGER_SILENCE_S = HttpLimits().linger_s, HttpLimits().linger_silence_s


class Connection:
    """Hypercorn's side: a bounded queue of request parts, and the answer's parts as they were sent."""

    def __init__(self) -> None:
        self.to_app, self._queue = trio.open_memory_channel[Any](QUEUE_LENGTH)
        self.sent: list[Any] = []
        self.is_closed = False

    async def feed(self, parts: int, *, end: bool = True) -> None:
        for _ in range(parts):
            await self.to_app.send({"type": "http.request", "body": b"x", "more_body": True})
        if end:
            await self.to_app.send({"type": "http.request", "body": b"", "more_body": False})

    async def receive(self) -> Any:
        return await self._queue.receive()

    async def send(self, event: Any) -> None:
        self.sent.append(event)
        if event["type"] == "http.response.body" and not event["more_body"]:
            # As Hypercorn does, which blocks here for ever on a full queue that nobody reads.
            await self.to_app.send({"type": "http.disconnect"})
            self.is_closed = True

    @property
    def body(self) -> bytes:
        return b"".join(event["body"] for event in self.sent if event["type"] == "http.response.body")

    async def run(self, app: ASGIFramework, *, http_version: str = "2") -> None:
        scope = {"type": "http", "method": "POST", "path": "/", "raw_path": b"/", "headers": []}
        scope["http_version"] = http_version
        await RequestBoundary(app)(cast("Scope", scope), cast("ASGIReceiveCallable", self.receive), self.send)


async def refuse(_scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """An application that answers without reading."""
    await send({"type": "http.response.start", "status": 401, "headers": []})
    await send({"type": "http.response.body", "body": b"no", "more_body": False})


async def test_early_answer_waits_for_the_rest_of_the_request(autojump_clock: MockClock) -> None:
    connection = Connection()
    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.feed, 100)
            await connection.run(refuse)
    assert connection.body == b"no"
    assert connection.is_closed
    assert [event.get("more_body") for event in connection.sent] == [None, True, False]


async def test_client_that_falls_silent_is_not_waited_for_long(autojump_clock: MockClock) -> None:
    connection = Connection()
    started_at_s = trio.current_time()
    await connection.feed(3, end=False)
    await connection.run(refuse)
    assert trio.current_time() - started_at_s == LINGER_SILENCE_S
    assert connection.is_closed


async def test_endless_request_is_cut_off(autojump_clock: MockClock) -> None:
    connection = Connection()

    async def send_for_ever() -> None:
        while True:
            await connection.feed(1, end=False)
            await trio.sleep(0.5)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_for_ever)
        started_at_s = trio.current_time()
        await connection.run(refuse)
        assert trio.current_time() - started_at_s == LINGER_TOTAL_S
        nursery.cancel_scope.cancel()
    assert connection.is_closed


async def test_answer_after_the_request_is_sent_in_one_piece() -> None:
    async def read_and_answer(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        while (await receive())["more_body"]:  # type: ignore[typeddict-item]  # no client leaves in this test
            pass
        await refuse(scope, receive, send)

    connection = Connection()
    await connection.feed(3)
    await connection.run(read_and_answer)
    assert [event.get("more_body") for event in connection.sent] == [None, False]


async def test_the_end_of_a_request_over_http_1_is_the_connections_matter() -> None:
    connection = Connection()
    await connection.run(refuse, http_version="1.1")
    assert [event.get("more_body") for event in connection.sent] == [None, False]


async def test_crash_before_the_answer_is_500(caplog: pytest.LogCaptureFixture) -> None:
    async def crash(_scope: Scope, _receive: ASGIReceiveCallable, _send: ASGISendCallable) -> None:
        raise ValueError("detail")

    connection = Connection()
    await connection.feed(0)
    await connection.run(crash)
    assert connection.sent[0]["status"] == 500
    assert b"detail" not in connection.body
    assert "detail" in caplog.text


async def test_crash_in_the_middle_of_an_answer_does_not_end_it() -> None:
    async def crash(_scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("detail")

    connection = Connection()
    await connection.feed(0)
    with pytest.raises(ValueError, match="detail"):
        await connection.run(crash)
    assert connection.sent[-1]["more_body"]


async def test_client_that_leaves_before_the_answer_is_logged_as_499(caplog: pytest.LogCaptureFixture) -> None:
    async def wait_for_end(_scope: Scope, receive: ASGIReceiveCallable, _send: ASGISendCallable) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    caplog.set_level(logging.INFO)
    connection = Connection()
    await connection.to_app.send({"type": "http.disconnect"})
    await connection.run(wait_for_end)
    assert vars(caplog.records[-1])["fields"]["status"] == 499


NO_CACHE = (b"cache-control", b"no-cache, max-age=0, must-revalidate")


@pytest.mark.parametrize(
    ("said", "has_no_cache"), [([], True), ([(b"Cache-Control", b"max-age=60")], False), ([(b"age", b"1")], True)]
)
async def test_an_answer_is_not_to_be_cached_unless_it_says_so(
    said: list[tuple[bytes, bytes]], has_no_cache: bool
) -> None:
    async def answer(_scope: Scope, _receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send(cast("Any", {"type": "http.response.start", "status": 200, "headers": said}))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    connection = Connection()
    await connection.feed(0)
    await connection.run(answer)
    assert (NO_CACHE in connection.sent[0]["headers"]) is has_no_cache


@pytest.mark.parametrize(
    ("path", "name"), [("/git/abcd.git/info/refs", "git"), ("/git", "rest"), ("/gitx", "rest"), ("/v1/repos", "rest")]
)
async def test_paths_below_git_go_to_git(path: str, name: str) -> None:
    called: list[str] = []

    def app(own_name: str) -> ASGIFramework:
        async def remember(_scope: Scope, _receive: ASGIReceiveCallable, _send: ASGISendCallable) -> None:
            called.append(own_name)

        return remember

    await _call(Dispatcher(git=app("git"), rest=app("rest")), {"type": "http", "path": path})
    assert called == [name]


async def test_websockets_are_closed() -> None:
    sent: list[Any] = []

    async def send(event: Any) -> None:
        sent.append(event)

    app = Dispatcher(git=refuse, rest=refuse)
    await _call(app, {"type": "websocket", "path": "/git/x"}, send)
    assert sent[0]["type"] == "websocket.close"


async def _call(app: ASGIFramework, scope: dict[str, Any], send: Callable[[Any], Any] | None = None) -> None:
    async def nothing(*_args: object) -> Any:
        return None

    await app(cast("Scope", scope), nothing, send or nothing)
