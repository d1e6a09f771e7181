"""Forks in numbers, over REST."""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from tests.support.server import RunningServer

_HEAD_END = b"\r\n\r\n"


def fork_over_rest(server: RunningServer, source_id: str, count: int, connections: int, *, first: int = 0) -> list[str]:
    """Make forks, each by a request of its own, over connections that stay. Returns their remotes.

    first: the number in the id of the first of them.
    """
    shares = [range(first + offset, first + count, connections) for offset in range(connections)]
    with ThreadPoolExecutor(connections) as pool:
        made = pool.map(lambda share: _fork_on_one_connection(server, source_id, share), shares)
        return [remote for remotes in made for remote in remotes]


def _fork_on_one_connection(server: RunningServer, source_id: str, numbers: Sequence[int]) -> list[str]:
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = f"POST /v1/repos/{source_id}/forks HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        head += f"Authorization: Bearer {server.admin_token}\r\nContent-Type: application/json\r\n"
        return [_fork(connection, head, f"fork-{number}") for number in numbers]


def _fork(connection: socket.socket, head: str, fork_id: str) -> str:
    body = json.dumps({"id": fork_id})
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    return str(_read_answer(connection)["remote"])


def _read_answer(connection: socket.socket) -> Any:
    """The JSON of a success. Raises AssertionError."""
    received = b""
    while _HEAD_END not in received:
        received += _receive(connection)
    head, _, body = received.partition(_HEAD_END)
    status, *fields = head.lower().split(b"\r\n")
    assert status.split()[1] == b"200", received
    length = next(int(field.split(b":")[1]) for field in fields if field.startswith(b"content-length:"))
    while len(body) < length:
        body += _receive(connection)
    return json.loads(body)


def _receive(connection: socket.socket) -> bytes:
    chunk = connection.recv(65536)
    assert chunk, "the server closed the connection"
    return chunk
