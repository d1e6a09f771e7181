"""HTTP by hand: what no polite client sends, and what one sees at which moment."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

TIMEOUT_S = 60.0
"""Nothing here waits that long unless it is broken."""

RECEIVE_BYTES = 1 << 16


@dataclass(slots=True)
class Answer:
    """One answer of HTTP/1.1."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class RawConnection:
    """A connection on which tests write octets and read answers."""

    def __init__(
        self, url: str, *, receive_buffer_bytes: int | None = None, trust: ssl.SSLContext | None = None
    ) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.socket = socket.socket()
        self.socket.settimeout(TIMEOUT_S)
        if receive_buffer_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.connect((parts.hostname, parts.port))
        if trust is not None:
            self.socket = trust.wrap_socket(self.socket, server_hostname=parts.hostname)
        self._unread = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """A whole request, and its answer."""
        if body:
            headers = {**headers, "Content-Length": str(len(body))}
        self.send(head(method, target, headers) + body)
        return self.answer(has_body=method != "HEAD")

    def answer(self, *, has_body: bool = True) -> Answer:
        """The next answer. An informational one (1xx) counts as an answer without body."""
        answer = self.answer_head()
        if not has_body or answer.status < 200:
            return answer
        if answer.headers.get("transfer-encoding") == "chunked":
            answer.body = b"".join(self._chunks())
        else:
            answer.body = self.read(int(answer.headers.get("content-length", "0")))
        return answer

    def answer_head(self) -> Answer:
        """Status and headers, nothing of the body."""
        status_line, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")[:-2]
        headers = dict(line.split(": ", 1) for line in lines)
        return Answer(int(status_line.split(" ")[1]), {name.lower(): value for name, value in headers.items()})

    def read(self, size_bytes: int) -> bytes:
        """So many octets."""
        while len(self._unread) < size_bytes:
            self._receive()
        data, self._unread = self._unread[:size_bytes], self._unread[size_bytes:]
        return data

    @property
    def unread_bytes(self) -> int:
        """How much came that was not read."""
        return len(self._unread)

    def take(self, size_bytes: int) -> None:
        """Take so many octets off the network, to be read later."""
        wanted = len(self._unread) + size_bytes
        while len(self._unread) < wanted:
            self._receive()

    def has_ended(self) -> bool:
        """Wait until the server ends the connection (True) or sends something (False)."""
        if not self._unread:
            with suppress(ConnectionResetError):
                self._unread = self.socket.recv(RECEIVE_BYTES)
        return not self._unread

    def vanish(self) -> None:
        """Go without a word, as a machine does that loses its network: a reset is all that the server may see."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def _chunks(self) -> Iterable[bytes]:
        while size_bytes := int(self._until(b"\r\n"), 16):
            yield self.read(size_bytes)
            self.read(2)
        self.read(2)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._unread:
            self._receive()
        return self.read(self._unread.index(mark) + len(mark))

    def _receive(self) -> None:
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError(f"the server ended the connection after {self._unread[:200]!r}")
        self._unread += data


def head(method: str, target: str, headers: dict[str, str]) -> bytes:
    """A request without its body."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in {"Host": "x", **headers}.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunked(body: bytes, size_bytes: int) -> bytes:
    """A body in chunks of so many octets, with its end."""
    pieces = (body[at : at + size_bytes] for at in range(0, len(body), size_bytes))
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
