"""Many null clients at once, in one thread: so the clients take as little as they can of the cores they share."""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections.abc import Iterator, Sequence

from benchmarks.support.null_client import BadAnswer, Request, check_complete

_BUFFER_BYTES = 1 << 20
_KEPT_BYTES = 16 * 1024
_TAIL_BYTES = 8
_TIMEOUT_S = 60.0


class _Exchange:
    """One request on a connection of its own. Of the answer only the beginning and the last bytes are kept."""

    def __init__(self, prepared: Request) -> None:
        self.port = prepared.port
        self.socket = socket.socket()
        self.socket.setblocking(False)
        status = self.socket.connect_ex((prepared.host, prepared.port))
        if status not in (0, errno.EINPROGRESS):
            raise OSError(status, os.strerror(status))
        self._unsent = memoryview(prepared.payload)
        self._answer_bytes = 0
        self._beginning = b""
        self._tail = b""

    def send(self) -> bool:
        """Returns whether all is sent."""
        self._unsent = self._unsent[self.socket.send(self._unsent) :]
        return not self._unsent

    def receive(self, buffer: bytearray) -> bool:
        """Returns whether that was the end."""
        size = self.socket.recv_into(buffer)
        if not size:
            return True
        if len(self._beginning) < _KEPT_BYTES:
            self._beginning += buffer[: min(size, _KEPT_BYTES)]
        self._answer_bytes += size
        self._tail = (self._tail + buffer[max(0, size - _TAIL_BYTES) : size])[-_TAIL_BYTES:]
        return False

    def finish(self) -> bytes:
        """The beginning of the body, of a success. Raises BadAnswer."""
        self.socket.close()
        head, _, body = self._beginning.partition(b"\r\n\r\n")
        check_complete(head.lower(), self._answer_bytes - len(head) - 4, self._tail)
        return _without_chunks(body) if b"transfer-encoding: chunked" in head.lower() else body


def answers_at_once(requests: Sequence[Request], clients: int) -> list[bytes]:
    """Send all the requests, so many at a time. Returns the first 16 KiB of each body. Raises BadAnswer."""
    buffer = bytearray(_BUFFER_BYTES)
    waiting, answers = iter(enumerate(requests)), [b""] * len(requests)
    with selectors.DefaultSelector() as selector:
        for _ in range(clients):
            _begin_next(selector, waiting)
        while selector.get_map():
            for number, exchange in _ready(selector, buffer):
                answers[number] = exchange.finish()
                _begin_next(selector, waiting)
    return answers


def _without_chunks(body: bytes) -> bytes:
    """What is in the chunks of the beginning of a body."""
    pieces, at = [], 0
    while at < len(body):
        line, _, _ = body[at:].partition(b"\r\n")
        start = at + len(line) + 2
        at = start + int(line, 16) + 2
        pieces.append(body[start : at - 2])
    return b"".join(pieces)


def _begin_next(selector: selectors.BaseSelector, waiting: Iterator[tuple[int, Request]]) -> None:
    if (following := next(waiting, None)) is not None:
        exchange = _Exchange(following[1])
        selector.register(exchange.socket, selectors.EVENT_WRITE, (following[0], exchange))


def _ready(selector: selectors.BaseSelector, buffer: bytearray) -> Iterator[tuple[int, _Exchange]]:
    """Do what can be done now. Yields those that are through, with their numbers."""
    events = selector.select(_TIMEOUT_S)
    if not events:
        waiting = [key.data[1] for key in selector.get_map().values()]
        for exchange in waiting:
            exchange.socket.close()
        raise BadAnswer(f"{len(waiting)} requests to port {waiting[0].port}: no answer for {_TIMEOUT_S:g} s")
    for key, mask in events:
        number, exchange = key.data
        if mask & selectors.EVENT_WRITE:
            if exchange.send():
                selector.modify(key.fileobj, selectors.EVENT_READ, key.data)
        elif exchange.receive(buffer):
            selector.unregister(key.fileobj)
            yield number, exchange
