"""What a client of HTTP/1.1 may take of us before its request is whole, and after it was answered."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """There is none on how long a request takes; server.process.sockets and server.rest.body have those on silence."""

    keep_alive_s: float = 75.0
    """How long a connection may be idle."""

    head_s: float = 30.0
    """How long the head of a request may take, from its first byte."""

    handshake_s: float = 10.0
    """TLS."""

    max_head_bytes: int = 64 * 1024
    max_head_fields: int = 200

    max_chunk_line_bytes: int = 256
    """A chunk's size with its extensions."""

    discard_bytes: int = 64 * 1024
    """What is left of a request that was answered already is read, and the connection kept, up to this."""

    linger_s: float = 30.0
    """For how long more than that is read and thrown away before the connection ends. To close a socket with bytes
    unread resets the connection, and the client may lose the answer; nginx has the same bounds."""

    linger_silence_s: float = 5.0
