"""What came over a connection and was not read yet: a client may send the next request before it has this answer."""

from __future__ import annotations

from core_ext import ChunkedBody, RequestHead, parse_request_head
from server.http.limits import HttpLimits
from server.http.transport import ConnectionLost, Transport


class Received:
    """Bounded by one read and one head."""

    def __init__(self, transport: Transport, data: bytes = b"") -> None:
        self._transport = transport
        self.data = data

    async def more(self) -> bool:
        """Read on. Returns whether something came. Raises ConnectionLost."""
        data = await self._transport.receive()
        self.data = self.data + data if self.data else data
        return bool(data)

    def head(self, limits: HttpLimits) -> RequestHead | None:
        """Take the next head, if all of it has come. Raises HttpError."""
        head = parse_request_head(self.data, max_bytes=limits.max_head_bytes, max_headers=limits.max_head_fields)
        if head is not None:
            self.data = self.data[head.size :]
        return head

    async def take(self, max_bytes: int) -> bytes:
        """The next bytes, at least one of them. Raises ConnectionLost."""
        await self._have_some()
        data = self.data
        if len(data) <= max_bytes:
            self.data = b""
            return data
        self.data = data[max_bytes:]
        return data[:max_bytes]

    async def decode(self, body: ChunkedBody) -> bytes:
        """What the next bytes hold of a body. Raises ConnectionLost, HttpError."""
        await self._have_some()
        return self.decode_at_hand(body)

    def decode_at_hand(self, body: ChunkedBody) -> bytes:
        """The same of what has come already. Raises HttpError."""
        data, used_bytes = body.read(self.data)
        self.data = self.data[used_bytes:]
        return data

    async def _have_some(self) -> None:
        if not self.data and not await self.more():
            raise ConnectionLost
