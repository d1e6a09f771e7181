"""Bytes to and from a client, in the clear or over TLS.

What can be done without waiting is done without a turn of the event loop.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol, TypeAlias

import trio

RECEIVE_BYTES = 256 * 1024
_JOINED_BYTES = 64 * 1024
"""Up to so many bytes are put together first, which is as fast; of more, the kernel takes each from where it is."""

_MOST_PIECES = 1024
"""Linux's UIO_MAXIOV."""

_UNYIELDING_BYTES = 4 * 1024 * 1024
"""After so many without a wait the others have their turn: whoever is faster than we are may not starve them."""

_CALL_BYTES = 16 * 1024
"""As so many more counts a call of the kernel: who sends us single bytes is faster than we are, too."""

Buffer: TypeAlias = bytes | bytearray | memoryview


class ConnectionLost(Exception):
    """Nothing can be sent to the client, or received, any more."""


class Transport(Protocol):
    """One connection. Sends come one after the other, and so do receives. Raises ConnectionLost."""

    peer: socket.socket
    """The socket beneath, to be asked about."""

    async def receive(self) -> bytes:
        """What came; nothing at the client's end."""

    async def send(self, pieces: Sequence[Buffer]) -> None:
        """All of them, whoever is cancelled meanwhile: half a piece cannot be followed by anything."""

    async def finish(self) -> None:
        """There is no more to come from us; the client may still send."""

    async def close(self) -> None:
        """At once, in whatever state it is. Never raises."""


class PlainTransport:
    """TCP."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self._unyielding_bytes = 0
        self._waits = 0

    async def receive(self) -> bytes:
        """See Transport."""
        if self._unyielding_bytes > _UNYIELDING_BYTES:
            self._unyielding_bytes = 0
            await trio.lowlevel.checkpoint()  # before anything is taken, so that who reads for ever can be cancelled
        try:
            data = self.peer.recv(RECEIVE_BYTES)
        except BlockingIOError:
            data = await self._receive_later()
        except OSError as error:
            raise ConnectionLost from error
        self._unyielding_bytes += len(data) + _CALL_BYTES
        return data

    async def send(self, pieces: Sequence[Buffer]) -> None:
        """See Transport."""
        total_bytes = sum(map(len, pieces))
        try:
            if total_bytes <= _JOINED_BYTES:
                pieces = (b"".join(pieces),)
                sent_bytes = self.peer.send(pieces[0])
            else:
                sent_bytes = self.peer.sendmsg(pieces[:_MOST_PIECES])
        except BlockingIOError:
            sent_bytes = 0
        except OSError as error:
            raise ConnectionLost from error
        if sent_bytes < total_bytes:
            with trio.CancelScope(shield=True):
                await self._send_rest(_behind([memoryview(piece) for piece in pieces], sent_bytes))
        self._unyielding_bytes += total_bytes + _CALL_BYTES
        if self._unyielding_bytes > _UNYIELDING_BYTES:
            self._unyielding_bytes = 0
            await trio.lowlevel.cancel_shielded_checkpoint()

    async def finish(self) -> None:
        """See Transport."""
        try:
            self.peer.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise ConnectionLost from error

    async def close(self) -> None:
        """See Transport."""
        if self._waits and self.peer.fileno() >= 0:
            trio.lowlevel.notify_closing(self.peer)
        self.peer.close()

    async def _receive_later(self) -> bytes:
        self._unyielding_bytes = 0
        while True:
            await self._wait(trio.lowlevel.wait_readable)
            try:
                return self.peer.recv(RECEIVE_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                raise ConnectionLost from error

    async def _send_rest(self, pieces: list[memoryview]) -> None:
        """The kernel drops a connection whose peer takes nothing (server.process.sockets), which ends the wait."""
        self._unyielding_bytes = 0
        while pieces:
            await self._wait(trio.lowlevel.wait_writable)
            try:
                pieces = _behind(pieces, self.peer.sendmsg(pieces[:_MOST_PIECES]))
            except BlockingIOError:
                continue
            except OSError as error:
                raise ConnectionLost from error

    async def _wait(self, until: _Wait) -> None:
        self._waits += 1
        try:
            await until(self.peer)
        except (trio.ClosedResourceError, OSError) as error:
            raise ConnectionLost from error
        finally:
            self._waits -= 1


class TlsTransport:
    """TLS over TCP. `shake_hands` comes first."""

    def __init__(self, peer: socket.socket, context: ssl.SSLContext) -> None:
        self.peer = peer
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(peer))
        self.stream = trio.SSLStream(stream, context, server_side=True, https_compatible=True)

    async def shake_hands(self, timeout_s: float) -> str | None:
        """The protocol that was agreed on, by its name in ALPN. Raises ConnectionLost."""
        try:
            with trio.fail_after(timeout_s):
                await self.stream.do_handshake()
        except (trio.BrokenResourceError, trio.TooSlowError) as error:
            raise ConnectionLost from error
        agreed: str | None = self.stream.selected_alpn_protocol()
        return agreed

    async def receive(self) -> bytes:
        """See Transport."""
        try:
            return bytes(await self.stream.receive_some(RECEIVE_BYTES))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise ConnectionLost from error

    async def send(self, pieces: Sequence[Buffer]) -> None:
        """See Transport."""
        try:
            with trio.CancelScope(shield=True):
                await self.stream.send_all(b"".join(pieces))  # TLS copies it all the same
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise ConnectionLost from error

    async def finish(self) -> None:
        """Nothing: TLS has no half-closed connections that clients would understand."""

    async def close(self) -> None:
        """See Transport."""
        with suppress(trio.BrokenResourceError):
            await self.stream.aclose()


def _behind(pieces: list[memoryview], sent_bytes: int) -> list[memoryview]:
    """What is left when so many bytes are sent."""
    for at, piece in enumerate(pieces):
        if sent_bytes < len(piece):
            return [piece[sent_bytes:], *pieces[at + 1 :]]
        sent_bytes -= len(piece)
    return []


class _Wait(Protocol):
    async def __call__(self, sock: socket.socket, /) -> None: ...
