"""One HTTP request and its answer, over a connection of its own. Format: RFC 9112, by h11."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import h11
import trio

from server.imports.connecting import Connector, Stream
from server.imports.decoding import BodyDecoder
from server.imports.failures import ImportFailed
from server.imports.remote_url import RemoteUrl

MAX_HEAD_BYTES = 64 * 1024
_MOST_INTERIM = 8
"""Answers of status 1xx, which only say that the true one is to come."""

_PIECE_BYTES = 64 * 1024


class Exchange:
    """A request that is answered: the head is here, the body is read piece by piece.

    silence_s: how long the remote may send nothing, or take nothing.
    """

    def __init__(self, stream: Stream, url: RemoteUrl, *, silence_s: float) -> None:
        self._stream = stream
        self._host = url.host
        self._silence_s = silence_s
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._answer: h11.Response | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._decoder = BodyDecoder("")
        self._is_whole = False

    @property
    def status(self) -> int:
        """Of the answer."""
        return 0 if self._answer is None else self._answer.status_code

    def header(self, name: bytes) -> str:
        """The first of that name, in lower case; empty if there is none."""
        headers = () if self._answer is None else self._answer.headers
        return next((value.decode("latin-1") for key, value in headers if key == name), "")

    async def read(self) -> bytes:
        """The next piece of the body, decoded; b"" at its end. Raises ImportFailed if it breaks off."""
        while not self._is_whole:
            piece = next(self._pieces, None)
            if piece is not None:
                return piece
            event = await self._next_event()
            if isinstance(event, h11.Data):
                self._pieces = self._decoder.decode(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._decoder.finish()
                self._is_whole = True
        return b""

    async def ask(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> None:
        """Send the request and read the answer's head. Raises ImportFailed."""
        request = h11.Request(method=method, target=target, headers=headers)
        try:
            await self._send(self._http.send(request) or b"")
            for at in range(0, len(body), _PIECE_BYTES):
                await self._send(self._http.send(h11.Data(data=body[at : at + _PIECE_BYTES])) or b"")
            await self._send(self._http.send(h11.EndOfMessage()) or b"")
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # it may have answered before it heard all: that is what to tell
        await self._read_head()

    async def _read_head(self) -> None:
        for _ in range(_MOST_INTERIM + 1):
            event = await self._next_event()
            if isinstance(event, h11.Response):
                self._answer = event
                self._decoder = BodyDecoder(self.header(b"content-encoding"))
                return
        raise ImportFailed(f"{self._host} does not come to its answer")

    async def _next_event(self) -> h11.Event:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise ImportFailed(f"{self._host} breaks off, or does not speak HTTP: {error}"[:300]) from error
            if event is h11.NEED_DATA:
                self._http.receive_data(await self._receive())
            elif isinstance(event, h11.Event):
                return event
            else:
                raise ImportFailed(f"{self._host} ends the connection")

    async def _receive(self) -> bytes:
        with trio.move_on_after(self._silence_s):
            try:
                return bytes(await self._stream.receive_some(_PIECE_BYTES))
            except trio.BrokenResourceError as error:
                raise ImportFailed(f"{self._host} broke the connection off") from error
        raise ImportFailed(f"{self._host} was silent for {self._silence_s:g} s")

    async def _send(self, data: bytes) -> None:
        with trio.move_on_after(self._silence_s) as waiting:
            await self._stream.send_all(data)
        if waiting.cancelled_caught:
            raise ImportFailed(f"{self._host} took nothing for {self._silence_s:g} s")


@asynccontextmanager
async def exchange(
    connector: Connector,
    url: RemoteUrl,
    method: str,
    target: str,
    headers: list[tuple[str, str]],
    body: bytes = b"",
    *,
    silence_s: float,
) -> AsyncIterator[Exchange]:
    """Connect, ask, and let the answer be read; the connection ends with the block. Raises ImportFailed.

    target: of the request, behind the host.
    """
    stream = await connector.connect(url)
    try:
        made = Exchange(stream, url, silence_s=silence_s)
        always = [("Host", url.authority), ("Connection", "close"), ("Accept-Encoding", "gzip")]
        length = [("Content-Length", str(len(body)))] if method == "POST" else []
        await made.ask(method, target, [*always, *headers, *length], body)
        yield made
    finally:
        await trio.aclose_forcefully(stream)
