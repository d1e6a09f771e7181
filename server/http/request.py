"""One request over HTTP/1.1 and its answer, as ASGI's `scope`, `receive` and `send`. Format: RFC 9112."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from functools import lru_cache
from typing import Any

import trio

from core_ext import ChunkedBody, HttpError, RequestHead, encode_response_head
from server.http.departures import DEPARTURES, Departure
from server.http.limits import HttpLimits
from server.http.received import Received
from server.http.transport import Buffer, ConnectionLost, Transport

PIECES = "packhouse.pieces"
"""The ASGI extension of an event `{"type": PIECES, "pieces": [bytes-like, …], "more_body": bool}`.

It is a part of the body that lies in several places, and is not put together first. HTTP/1.1 has it.
"""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"
_ASGI = {"version": "3.0", "spec_version": "2.3"}


class BrokenAnswer(Exception):
    """The application's answer is not what its head says."""


class Http1Request:
    """Reads the body from the connection, and writes the answer: a small one at once, for a write has its price."""

    def __init__(
        self,
        head: RequestHead,
        received: Received,
        transport: Transport,
        departure: Departure,
        limits: HttpLimits,
        *,
        may_keep_alive: Callable[[], bool],
    ) -> None:
        self._head = head
        self._received = received
        self._transport = transport
        self._departure = departure
        self._limits = limits
        self._left_bytes = head.body_bytes or 0
        self._chunked = None
        if head.body_bytes is None:
            self._chunked = ChunkedBody(
                max_line_bytes=limits.max_chunk_line_bytes, max_trailer_bytes=limits.max_head_bytes
            )
        self._read_ahead = b""
        self._awaits_continue = head.awaits_continue
        self._is_body_told = False
        self._start: tuple[int, Sequence[tuple[bytes, bytes]]] | None = None
        self._framing = ""
        self._answer_left_bytes = 0
        self._send_lock = trio.Lock()
        self._may_keep_alive = may_keep_alive
        self.keeps_alive = head.keeps_alive
        """Whether another request may follow. Settled when the head of the answer is written."""

        self.has_begun = False
        """Whether something of the answer was written."""

        self.is_answered = False
        """Whether all of it was."""

        self.refused: HttpError | None = None
        """What is wrong with the body."""

    def scope(
        self, scheme: str, client: tuple[str, int], server: tuple[str, int], state: dict[str, Any]
    ) -> dict[str, Any]:
        """ASGI's, of HTTP."""
        head = self._head
        return {
            "type": "http",
            "http_version": head.http_version,
            "asgi": _ASGI,
            "method": head.method,
            "scheme": scheme,
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query_string,
            "root_path": "",
            "headers": head.headers,
            "client": client,
            "server": server,
            "state": state,
            "extensions": {DEPARTURES: self._departure, PIECES: {}},
        }

    @property
    def is_read(self) -> bool:
        """Whether the body has come to its end."""
        if self._chunked is None:
            return self._left_bytes == 0
        return self._chunked.is_complete and not self._read_ahead

    @property
    def looks_whole(self) -> bool:
        """Whether the answer was broken off where the client, told to read to the connection's end, cannot see it."""
        return self._framing == "close" and not self.is_answered

    async def receive(self) -> dict[str, Any]:
        """As ASGI has it: the body in parts, and once that is told, the client's departure or ours."""
        if self._is_body_told:
            if not self.is_answered:
                await self._departure.wait()
            return {"type": "http.disconnect"}
        try:
            if self._awaits_continue:
                await self._tell_to_continue()
            body = await self._read()
        except HttpError as error:
            self.refused = error
            self._departure.happen()
        except ConnectionLost:
            self._departure.happen()
        if self._departure.has_happened:
            self._is_body_told = True
            return {"type": "http.disconnect"}
        self._is_body_told = self.is_read
        return {"type": "http.request", "body": body, "more_body": not self.is_read}

    async def send(self, event: dict[str, Any]) -> None:
        """As ASGI has it, and PIECES. What is for a client that has gone goes nowhere. Raises BrokenAnswer."""
        kind = event["type"]
        if kind == "http.response.start":
            self._start = (event["status"], event["headers"])
        elif kind == "http.response.body":
            body = event.get("body", b"")
            await self._write((body,) if body else (), more=event.get("more_body", False))
        elif kind == PIECES:
            await self._write(event["pieces"], more=event["more_body"])
        else:
            raise BrokenAnswer(f"HTTP/1.1 has no {kind}")

    async def discard(self) -> bool:
        """Read what is left of the body, where that is little. Returns whether nothing is left."""
        with trio.move_on_after(self._limits.linger_silence_s):
            while not self.is_read:
                await self._read()
        return self.is_read

    async def _tell_to_continue(self) -> None:
        """Before anything of the answer: an application may begin it while this waits."""
        await self._take_turn()
        try:
            if not self.has_begun:
                self._awaits_continue = False
                await self._transport.send((_CONTINUE,))
        finally:
            self._send_lock.release()

    async def _take_turn(self) -> None:
        """To send. To enter a free lock by `async with` is a turn of the event loop."""
        try:
            self._send_lock.acquire_nowait()
        except trio.WouldBlock:
            await self._send_lock.acquire()

    async def _read(self) -> bytes:
        """Some of the body; nothing at its end. Raises ConnectionLost, HttpError."""
        if self._chunked is None:
            data = await self._received.take(self._left_bytes) if self._left_bytes else b""
            self._left_bytes -= len(data)
            return data
        data, self._read_ahead = self._read_ahead, b""
        while not data and not self._chunked.is_complete:
            data = await self._received.decode(self._chunked)
        return data

    async def _write(self, body: Sequence[Buffer], *, more: bool) -> None:
        """All of it or, to who is cancelled before its turn, as if nobody had asked."""
        await self._take_turn()
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
            if not self.is_answered and not self._departure.has_happened:
                await self._write_now(body, more=more)
        except ConnectionLost:
            self._departure.happen()
        finally:
            self._send_lock.release()

    async def _write_now(self, body: Sequence[Buffer], *, more: bool) -> None:
        head = b"" if self.has_begun else self._encoded_head()
        if pieces := self._framed(head, body, more=more):
            await self._transport.send(pieces)
        if not more:
            self.is_answered = True
            if not self.keeps_alive:
                await self._transport.finish()

    def _encoded_head(self) -> bytes:
        if self._start is None:
            raise BrokenAnswer("a body without a start")
        status, headers = self._start
        may_stay = self.keeps_alive and self._may_keep_alive() and not self._awaits_continue and self._will_be_read()
        encoded, self._framing, self.keeps_alive = encode_response_head(
            status,
            headers,
            request_method=self._head.method,
            http_version=self._head.http_version,
            keeps_alive=may_stay,
            date=now(),
        )
        if self._framing == "length":
            self._answer_left_bytes = next(int(value) for name, value in headers if name.lower() == b"content-length")
        self.has_begun = True
        return encoded

    def _will_be_read(self) -> bool:
        """Whether what is left of the request is so little that it is worth reading, or here already."""
        if self._chunked is None:
            return self._left_bytes <= self._limits.discard_bytes
        try:
            self._read_ahead += self._received.decode_at_hand(self._chunked)
        except HttpError:
            return False  # who reads on hears of it
        return self._chunked.is_complete

    def _framed(self, head: bytes, body: Sequence[Buffer], *, more: bool) -> list[Buffer]:
        pieces: list[Buffer] = [head] if head else []
        if self._framing == "none":
            return pieces
        count = sum(map(len, body))
        if self._framing == "length":
            self._answer_left_bytes -= count
            if self._answer_left_bytes < 0 or (self._answer_left_bytes and not more):
                raise BrokenAnswer(f"the body differs from its Content-Length by {-self._answer_left_bytes}")
        if self._framing == "chunked" and count:
            pieces += [b"%x\r\n" % count, *body, b"\r\n"]
        else:
            pieces += body
        if self._framing == "chunked" and not more:
            pieces.append(_LAST_CHUNK)
        return pieces


def now() -> bytes:
    """For a Date field."""
    return _date(int(time.time()))


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode("ascii")
