"""Any stream of requests, whole or in pieces, has the same heads, bodies and refusal; nothing behind a body is used."""

from __future__ import annotations

from dataclasses import dataclass

from core_ext import ChunkedBody, HttpError, RequestHead, parse_request_head
from fuzz.pieces import all_cuts

LIMITS = ((4096, 50, 256, 512), (60, 3, 12, 24))
"""Bytes and fields of a head, bytes of a line and of the trailers of a body: few inputs reach those, many these."""

STATUSES = (400, 431, 501, 505)


@dataclass(frozen=True)
class Request:
    """What can be compared of a request; the body as far as it is there."""

    head: tuple[object, ...]
    payload: bytes
    is_complete: bool


def check(stream: bytes) -> None:
    """Raises if the way a stream is cut shows in what is read from it."""
    for limits in LIMITS:
        whole, *others = [read(pieces, *limits) for pieces in all_cuts(stream)]
        assert all(other == whole for other in others), f"{whole} whole, {others} in pieces"


def read(
    pieces: list[bytes], max_bytes: int, max_headers: int, max_line_bytes: int, max_trailer_bytes: int
) -> tuple[list[Request], str | None]:
    """(requests, the refusal that ended them)."""
    requests: list[Request] = []
    held = Held(pieces)
    try:
        while (head := next_head(held, max_bytes, max_headers)) is not None:
            chunks = ChunkedBody(max_line_bytes=max_line_bytes, max_trailer_bytes=max_trailer_bytes)
            payload, is_complete = held.take(head.body_bytes) if head.body_bytes is not None else decoded(held, chunks)
            requests.append(Request(facts(head), payload, is_complete))
            if not is_complete:
                break
    except HttpError as error:
        if error.status not in STATUSES:
            raise
        return requests, f"{error.status} {error.sentence}"
    return requests, None


class Held:
    """What has arrived and was not used, and what is still to arrive."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.data = b""
        self._coming = pieces[::-1]

    def more(self) -> bool:
        """False at the end."""
        if not self._coming:
            return False
        self.data += self._coming.pop()
        return True

    def drop(self, size: int) -> None:
        """So much has been used."""
        self.data = self.data[size:]

    def take(self, size: int) -> tuple[bytes, bool]:
        """(so many bytes, or all that ever come; whether they were all there)."""
        while len(self.data) < size and self.more():
            pass
        taken = self.data[:size]
        self.drop(size)
        return taken, len(taken) == size


def next_head(held: Held, max_bytes: int, max_headers: int) -> RequestHead | None:
    """None if the stream ends before it does."""
    while True:
        head = parse_request_head(held.data, max_bytes=max_bytes, max_headers=max_headers)
        if head is not None:
            assert 0 < head.size <= min(max_bytes, len(held.data))
            assert len(head.headers) <= max_headers + 1  # the host of an absolute target
            held.drop(head.size)
            return head
        assert len(held.data) < max_bytes
        if not held.more():
            return None


def decoded(held: Held, chunks: ChunkedBody) -> tuple[bytes, bool]:
    """(payload, whether the body ended)."""
    payload = b""
    while True:
        data, used = chunks.read(held.data)
        assert chunks.is_complete or used == len(held.data)
        payload += data
        held.drop(used)
        if chunks.is_complete or not held.more():
            return payload, chunks.is_complete


def facts(head: RequestHead) -> tuple[object, ...]:
    """All that it says."""
    target = (head.size, head.method, head.path, head.raw_path, head.query_string, head.http_version)
    return (*target, head.headers, head.body_bytes, head.keeps_alive, head.awaits_continue, head.upgrade)
