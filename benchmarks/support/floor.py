"""The floor: the least that stock Git takes for a command, whatever server it talks to.

A proxy before a real server that keeps each answer in memory. A request that came before is answered from there, one
that lacks its credentials with the 401 that it got. So what is measured is the client's own work and the least of HTTP.

A push changes what the server holds, yet here each is answered like the first: the client must begin from the same
state each time, and push to the same refs. Its pack may be another, since a report names refs only.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import urlsplit

_HOP_BY_HOP = {"transfer-encoding", "content-length", "connection", "keep-alive"}
_PUSH_TARGET = "/git-receive-pack"
_PROBE = b"0000"
_UPSTREAM_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> tuple[object, ...]:
        """What the answer depends on."""
        is_push = self.target.endswith(_PUSH_TARGET) and self.body != _PROBE
        said = None if is_push else self.body
        return self.method, self.target, self.headers.get("authorization"), self.headers.get("git-protocol"), said


class Floor:
    """Serves what a server has answered, while the `with` block runs."""

    def __init__(self, upstream_url: str) -> None:
        parts = urlsplit(upstream_url)
        self._upstream = (parts.hostname or "", parts.port or 0)
        self._answers: dict[tuple[object, ...], bytes] = {}
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def url_of(self, repository_url: str) -> str:
        """The same repository with the same credentials, by way of this server."""
        parts = urlsplit(repository_url)
        user, _, _ = parts.netloc.rpartition("@")
        host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        return parts._replace(netloc=f"{user}@{host}" if user else host).geturl()

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._accepting.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while (asked := _read_request(stream)) is not None:
                answer = self._answers.get(asked.key)
                if answer is None:
                    answer = self._answers[asked.key] = self._ask_upstream(asked)
                connection.sendall(answer)

    def _ask_upstream(self, asked: _Asked) -> bytes:
        upstream = http.client.HTTPConnection(*self._upstream, timeout=_UPSTREAM_TIMEOUT_S)
        fields = {name: value for name, value in asked.headers.items() if name not in {*_HOP_BY_HOP, "host"}}
        upstream.request(asked.method, asked.target, asked.body, fields)
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        lines += [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
        lines += [f"Content-Length: {len(body)}"]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _read_request(stream: BinaryIO) -> _Asked | None:
    """None once the client has gone. Clients here are stock Git's: nothing is limited, and `Expect` is not honoured."""
    words = stream.readline().decode().split()
    if len(words) != 3:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return _Asked(words[0], words[1], headers, _read_body(stream, headers))


def _read_body(stream: BinaryIO, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return stream.read(int(headers.get("content-length", 0)))
    chunks = []
    while size := int(stream.readline(), 16):
        chunks.append(stream.read(size))
        stream.readline()
    stream.readline()
    return b"".join(chunks)
