"""Servers to import from: stock Git's http-backend, and answers that a test makes up."""

from __future__ import annotations

import io
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from packengine.pktline import encode_many
from tests.support.git import GIT_ENV
from tests.support.wire_client import decode

_COPY_BYTES = 1 << 16


@dataclass
class Exchange:
    """A request as it came, and the means to answer it."""

    handler: BaseHTTPRequestHandler
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def answer(self, status: int = 200, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """A whole answer."""
        self.begin(status, {"Content-Length": str(len(body)), **(headers or {})})
        self.send(body)

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """The head; without a length the body ends with the connection."""
        self.handler.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()

    def send(self, data: bytes) -> None:
        """A piece of the body."""
        self.handler.wfile.write(data)
        self.handler.wfile.flush()


@dataclass
class RunningRemote:
    """Where it listens, and what it was asked."""

    url: str
    port: int
    requests: list[Exchange] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that fails is what some tests are about."""


@contextmanager
def serving(answer: Callable[[Exchange], None], *, tls: ssl.SSLContext | None = None) -> Iterator[RunningRemote]:
    """Answer each request so. A client that goes away is no error."""
    running: list[RunningRemote] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            exchange = Exchange(self, self.command, parts.path, parts.query, dict(self.headers), body)
            running[0].requests.append(exchange)
            self.close_connection = True
            try:
                answer(exchange)
            except (BrokenPipeError, ConnectionResetError):
                return

        do_GET = do_POST = _answer  # noqa: N815  # names of the library

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the library's name
            """Into nowhere."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        port = server.server_address[1]
        running.append(RunningRemote(f"http://127.0.0.1:{port}", port))
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield running[0]
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def http_backend(
    root: Path,
    *,
    git_protocol: str | None = None,
    config: Mapping[str, str] | None = None,
    without: frozenset[bytes] = frozenset(),
) -> Iterator[RunningRemote]:
    """The repositories below `root`, by stock Git.

    git_protocol: what the client asks for is overruled by this. without: capabilities of versions 0 and 1 that it does
    not tell of, as older servers.
    """
    settings = {"http.receivepack": "false", "http.getanyfile": "false", **(config or {})}
    options = [each for key, value in settings.items() for each in ("-c", f"{key}={value}")]

    def answer(exchange: Exchange) -> None:
        asked = exchange.headers.get("Git-Protocol", "") if git_protocol is None else git_protocol
        environment = {
            **GIT_ENV,
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": exchange.path,
            "QUERY_STRING": exchange.query,
            "REQUEST_METHOD": exchange.method,
            "CONTENT_TYPE": exchange.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(exchange.body)),
            "HTTP_GIT_PROTOCOL": asked,
            "GIT_PROTOCOL": asked,
            "GIT_CONFIG_NOSYSTEM": "1",
            "REMOTE_ADDR": "127.0.0.1",
        }
        with subprocess.Popen(
            ["git", *options, "http-backend"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as backend:
            _relay(exchange, backend, without)

    with serving(answer) as remote:
        yield remote


def _relay(exchange: Exchange, backend: subprocess.Popen[bytes], without: frozenset[bytes]) -> None:
    assert backend.stdin is not None
    assert isinstance(backend.stdout, io.BufferedReader)
    feeder = threading.Thread(target=_feed, args=(backend.stdin, exchange.body), daemon=True)
    feeder.start()
    headers: dict[str, str] = {}
    while line := backend.stdout.readline().strip():
        name, _, value = line.decode().partition(":")
        headers[name] = value.strip()
    exchange.begin(int(headers.pop("Status", "200").split()[0]), headers)
    try:
        if without and exchange.method == "GET":
            exchange.send(_less(backend.stdout.read(), without))
        while piece := backend.stdout.read1(_COPY_BYTES):
            exchange.send(piece)
    finally:
        backend.kill()
        feeder.join()


def _less(advertisement: bytes, without: frozenset[bytes]) -> bytes:
    packets = decode(advertisement)
    for at, packet in enumerate(packets):
        if isinstance(packet, bytes) and b"\0" in packet:
            ref, _, words = packet.partition(b"\0")
            packets[at] = ref + b"\0" + b" ".join(word for word in words.split() if word not in without) + b"\n"
    return encode_many(packets)


def _feed(stdin: Any, body: bytes) -> None:
    try:
        with stdin:
            stdin.write(body)
    except BrokenPipeError:  # it has heard enough
        return
