"""One Git request over ASGI: its headers, its body as it comes, and an answer in large pieces."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Any, cast

import trio
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, HTTPScope

from server.http import DEPARTURES, PIECES, Departure

_INFLATE_PIECE_BYTES = 256 * 1024
_WATCHED_BYTES = 32 * 1024


class ClientGone(Exception):
    """The client went away, or stopped moving for longer than the timeout. Nobody is there to be answered."""


class BodyRefused(Exception):
    """The request body cannot be taken. `status` and the message are the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class GitExchange:
    """Reads one request and writes one answer.

    A step that makes no progress for `idle_timeout_s` ends the exchange; a slow but living client may take as long as
    it likes. Over HTTP/1.1 the kernel watches what is being sent (server.process.sockets). Over HTTP/2 a client can
    stop one stream alone, which the kernel cannot see: answers are cut into pieces, each of which is watched.
    """

    def __init__(
        self,
        scope: HTTPScope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        *,
        body_limit_bytes: int,
        idle_timeout_s: float,
    ) -> None:
        self._headers = {name.lower(): value for name, value in scope["headers"]}
        self._receive = receive
        self._send = send
        extensions: Any = scope.get("extensions", {})
        self._takes_pieces = PIECES in extensions
        self._departure: Departure | None = extensions.get(DEPARTURES)
        self._body_limit_bytes = body_limit_bytes
        self._idle_timeout_s = idle_timeout_s
        self._held: list[bytes | memoryview] = []
        self.started = False

    def header(self, name: bytes) -> bytes | None:
        """A request header by its lowercase name."""
        return self._headers.get(name)

    async def body(self, *, limit_bytes: int | None = None) -> AsyncIterator[bytes]:
        """The request body, its Content-Encoding undone. Raises BodyRefused or ClientGone.

        The limit, which may be lower than everybody's, counts bytes after inflating: a small request may not become a
        large one.
        """
        limit_bytes = min(self._body_limit_bytes, limit_bytes or self._body_limit_bytes)
        encoding = (self.header(b"content-encoding") or b"identity").lower()
        if encoding not in (b"identity", b"gzip", b"x-gzip"):
            raise BodyRefused(415, f"Content-Encoding {encoding.decode('latin-1')} is not supported; use gzip or none")
        self._check_announced_length(limit_bytes)
        taken = 0
        pieces = self._wire_body() if encoding == b"identity" else _gunzip(self._wire_body())
        async for piece in pieces:
            taken += len(piece)
            if taken > limit_bytes:
                raise _too_large(limit_bytes)
            yield piece

    async def begin(self, status: int, *headers: tuple[bytes, bytes]) -> None:
        """Begin a streamed answer with headers of its own, Content-Length among them."""
        await self._send_start(status, list(headers))

    async def start(self, status: int, content_type: str) -> None:
        """Begin a streamed answer."""
        await self._send_start(status, [(b"content-type", content_type.encode())])

    def hold(self, *parts: bytes | memoryview) -> None:
        """Keep parts of the answer back, to be sent with the next or with the end: a write has its price. Over HTTP/1.1
        they are not put together, if there is much of them."""
        self._held += parts

    async def write(self, data: bytes = b"") -> None:
        """Send a piece of the answer behind what was held; returns when the connection has taken it."""
        await self._send_body(data, more_body=True)

    async def end(self) -> None:
        """The answer is complete."""
        await self._send_body(b"", more_body=False)

    async def answer(self, status: int, body: bytes, *headers: tuple[bytes, bytes]) -> None:
        """A whole answer."""
        await self._send_start(status, [*headers, (b"content-length", str(len(body)).encode())])
        await self._send_body(body, more_body=False)

    def while_client_stays(self) -> AbstractAsyncContextManager[object]:
        """What stands in it is cancelled, and that is all, when the client goes away. After the body was read."""
        if self._departure is None:
            return self._watching_stay()
        return _Stay(self._departure)

    @asynccontextmanager
    async def _watching_stay(self) -> AsyncIterator[None]:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._cancel_when_gone, nursery.cancel_scope)
            yield
            nursery.cancel_scope.cancel()

    async def _cancel_when_gone(self, stay: trio.CancelScope) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        stay.cancel()

    async def _send_start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.started = True
        event: Any = {"type": "http.response.start", "status": status, "headers": headers}
        if self._takes_pieces:
            await self._send(event)  # nothing is written yet
            return
        with self._watched():
            await self._send(event)

    async def _send_body(self, data: bytes, *, more_body: bool) -> None:
        if self._takes_pieces:
            pieces, self._held = [*self._held, data], []
            extended: Any = {"type": PIECES, "pieces": pieces, "more_body": more_body}
            await self._send(extended)
            return
        if self._held:
            data = b"".join([*self._held, data])
            self._held.clear()
        for start in range(0, max(1, len(data)), _WATCHED_BYTES):
            end = start + _WATCHED_BYTES
            more = more_body or end < len(data)
            with self._watched():
                await self._send({"type": "http.response.body", "body": data[start:end], "more_body": more})

    def _check_announced_length(self, limit_bytes: int) -> None:
        """Refuse before anything is sent that would be refused once it is here."""
        announced = self.header(b"content-length")
        if announced is not None and int(announced) > limit_bytes:
            raise _too_large(limit_bytes)

    async def _wire_body(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            with trio.move_on_after(self._idle_timeout_s) as patience:
                event = await self._receive()
            if patience.cancelled_caught:
                raise BodyRefused(408, f"nothing of the request came for {self._idle_timeout_s:g} seconds")
            if event["type"] != "http.request":
                raise ClientGone
            more = event["more_body"]
            if event["body"]:
                yield event["body"]

    def _watched(self) -> _Watch:
        return _Watch(self._idle_timeout_s)


def _too_large(limit_bytes: int) -> BodyRefused:
    return BodyRefused(413, f"the request is larger than {limit_bytes} bytes")


class _Stay:
    """`while_client_stays` where the connection tells of its client's departure."""

    def __init__(self, departure: Departure) -> None:
        self._departure = departure
        self._scope = trio.CancelScope()

    async def __aenter__(self) -> None:
        self._scope.__enter__()
        self._departure.begin(self._scope.cancel)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._departure.end(self._scope.cancel)
        return bool(self._scope.__exit__(kind, error, trace))


class _Watch:
    """A fail_after that says ClientGone."""

    def __init__(self, timeout_s: float) -> None:
        self._scope = trio.CancelScope(deadline=trio.current_time() + timeout_s)

    def __enter__(self) -> None:
        self._scope.__enter__()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        swallowed = self._scope.__exit__(cast("type[BaseException] | None", kind), error, cast("None", trace))
        if swallowed and self._scope.cancelled_caught:
            raise ClientGone


async def _gunzip(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Inflate in bounded pieces: what a few bytes expand to is never in memory at once."""
    inflate = zlib.decompressobj(wbits=31)
    async for piece in pieces:
        pending = piece
        if inflate.eof:
            raise BodyRefused(400, "the gzip body goes on after its end")
        while pending and not inflate.eof:
            try:
                data = inflate.decompress(pending, _INFLATE_PIECE_BYTES)
            except zlib.error as error:
                raise BodyRefused(400, f"the gzip body is damaged: {error}") from error
            pending = inflate.unconsumed_tail
            if data:
                yield data
                await trio.lowlevel.checkpoint()  # a small piece may inflate to a thousand of these
        if inflate.unused_data:
            raise BodyRefused(400, "the gzip body goes on after its end")
    if not inflate.eof:
        raise BodyRefused(400, "the gzip body is cut short")
