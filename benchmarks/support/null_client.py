"""A client that sends a prepared request and reads the answer to its end, keeping nothing: only the server is timed."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_BUFFER_BYTES = 1 << 20
_TIMEOUT_S = 600.0
_MAX_HEAD_BYTES = 64 * 1024
_LAST_CHUNK = b"0\r\n\r\n"


class BadAnswer(Exception):
    """The answer is no success, or it ended too early."""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP/1.1 request, ready to be sent."""

    host: str
    port: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """How an answer came in.

    body_bytes: as they came over the wire, the framing of a chunked body counted.
    first_byte_s: from the start of the connection to the first byte of the body.
    """

    body_bytes: int
    first_byte_s: float
    total_s: float


def request(url: str, *, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] | None = None) -> Request:
    """Prepare a request. User and password in the URL become Basic authentication."""
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise ValueError(f"{url}: needs a host and a port")
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    fields = {"Host": f"{parts.hostname}:{parts.port}", "Connection": "close", **(headers or {})}
    if parts.password is not None:
        credentials = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
        fields["Authorization"] = f"Basic {credentials}"
    if body:
        fields["Content-Length"] = str(len(body))
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return Request(parts.hostname, parts.port, head.encode() + b"\r\n" + body)


def clone(
    repository_url: str, wants: Iterable[str], *, depth: int | None = None, filter_spec: str | None = None
) -> Request:
    """The request of a clone in protocol v2, in one answer: what the wants (hexadecimal) reach, to that depth."""
    lines = [b"command=fetch", b"object-format=sha1", None, b"thin-pack", b"no-progress", b"ofs-delta"]
    lines += [f"want {oid}".encode() for oid in wants]
    lines += [] if depth is None else [b"deepen %d" % depth]
    lines += [] if filter_spec is None else [b"filter " + filter_spec.encode()]
    lines += [b"done"]
    body = b"".join(b"0001" if line is None else b"%04x%s\n" % (len(line) + 5, line) for line in lines) + b"0000"
    headers = {"Git-Protocol": "version=2", "Content-Type": "application/x-git-upload-pack-request"}
    return request(f"{repository_url}/git-upload-pack", method="POST", body=body, headers=headers)


def read_to_end(prepared: Request) -> Reading:
    """Send the request on a connection of its own and read all of the answer. Raises BadAnswer."""
    buffer = bytearray(_BUFFER_BYTES)
    start_s = time.perf_counter()
    with socket.create_connection((prepared.host, prepared.port), timeout=_TIMEOUT_S) as connection:
        connection.sendall(prepared.payload)
        head, rest = _read_head(connection)
        first_byte_s, body_bytes, tail = time.perf_counter() - start_s, len(rest), rest[-len(_LAST_CHUNK) :]
        while size := connection.recv_into(buffer):
            body_bytes += size
            tail = (tail + buffer[max(0, size - len(_LAST_CHUNK)) : size])[-len(_LAST_CHUNK) :]
    check_complete(head, body_bytes, tail)
    return Reading(body_bytes, first_byte_s, time.perf_counter() - start_s)


def _read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    """The status line with the header fields in lower case, and at least one byte of the body (unless it is empty)."""
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0 or end + 4 == len(received):
        if len(received) > _MAX_HEAD_BYTES:
            raise BadAnswer(f"header of more than {_MAX_HEAD_BYTES} bytes")
        chunk = connection.recv(_MAX_HEAD_BYTES)
        if not chunk:
            break
        received += chunk
    head, _, rest = received.partition(b"\r\n\r\n")
    return head.lower(), rest


def check_complete(head: bytes, body_bytes: int, tail: bytes) -> None:
    """head: in lower case. tail: the last bytes of the body. Raises BadAnswer."""
    status_line, *fields = head.split(b"\r\n")
    if status_line.split(b" ")[1:2] != [b"200"]:
        raise BadAnswer(f"{status_line.decode(errors='replace')!r}")
    if b"transfer-encoding: chunked" in fields and not tail.endswith(_LAST_CHUNK):
        raise BadAnswer(f"chunked body broken off after {body_bytes} bytes, at {tail!r}")
    lengths = [int(field.removeprefix(b"content-length:")) for field in fields if field.startswith(b"content-length:")]
    if lengths and lengths != [body_bytes]:
        raise BadAnswer(f"body of {body_bytes} bytes where {lengths} were announced")
