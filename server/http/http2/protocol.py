"""Hypercorn's HTTP/2, mended where a stream ends in another way than with both of its messages complete.

In Hypercorn 0.18
- data for a stream that has been answered already is an error that ends the process;
- an answer that breaks off is neither ended nor reset, so that the client waits for ever;
- who waits to send on a stream or a connection that is gone waits for ever;
- a connection by prior knowledge that asks for nothing is never idle: its preface counts as a request in HTTP/1.1;
- a frame that is too long is gathered, up to 16 MiB of it, before it is refused;
- uploads get a window of 64 KiB, which is 1.3 MB/s at a round-trip time of 50 ms.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import h2.errors
import h2.events
import h2.exceptions
import h2.settings
from h2.frame_buffer import FrameBuffer
from hypercorn.events import Closed, Event, Updated
from hypercorn.protocol.h2 import H2Protocol
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream
from hyperframe.frame import Frame

from server.http.http2.stream_buffer import StreamBuffer

STREAM_WINDOW_BYTES = 1 << 20
CONNECTION_WINDOW_BYTES = 4 << 20
"""What a client may have under way. It costs no memory: the reader takes 64 KiB, and waits for the application."""

_DEFAULT_WINDOW_BYTES = 65_535
_FRAME_HEAD_BYTES = 9


class _Frames(FrameBuffer):
    """What came and is not a whole frame yet: no more than a frame may be."""

    def __next__(self) -> Frame:
        if len(self._data) >= _FRAME_HEAD_BYTES:
            self._validate_frame_length(int.from_bytes(self._data[:3], "big"))
        return super().__next__()


class Http2(H2Protocol):
    """One connection."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        codes = h2.settings.SettingCodes
        settings = {codes(code): value for code, value in self.connection.local_settings.items()}
        settings[codes.INITIAL_WINDOW_SIZE] = STREAM_WINDOW_BYTES
        self.connection.local_settings = h2.settings.Settings(client=False, initial_values=settings)
        self.connection.incoming_buffer = _Frames(server=True)
        self._unread_requests: set[int] = set()

    async def initiate(self, headers: list[tuple[bytes, bytes]] | None = None, settings: bytes | None = None) -> None:
        """See H2Protocol."""
        await super().initiate(headers, settings)
        self.connection.increment_flow_control_window(CONNECTION_WINDOW_BYTES - _DEFAULT_WINDOW_BYTES)
        await self._flush()
        await self.send(Updated(idle=self.idle))

    async def handle(self, event: Event) -> None:
        """See H2Protocol."""
        if isinstance(event, Closed):
            for buffer in list(self.stream_buffers.values()):
                await buffer.close()
        await super().handle(event)

    async def _handle_events(self, events: list[h2.events.Event]) -> None:
        for event in events:
            match event:
                case h2.events.RequestReceived():
                    self._unread_requests.add(event.stream_id)
                case h2.events.StreamEnded():
                    self._unread_requests.discard(event.stream_id)
                case h2.events.StreamReset():
                    self._unread_requests.discard(event.stream_id)
                    await self._drop_answer(event.stream_id)
                case h2.events.DataReceived() if event.stream_id not in self.streams:
                    # Answered already. The octets count against the connection's window all the same.
                    self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    await self._flush()
                    continue
            await super()._handle_events([event])

    async def _send_data(self, stream_id: int) -> None:
        await super()._send_data(stream_id)
        if stream_id not in self.stream_buffers and stream_id in self._unread_requests:
            await self._reset(stream_id, h2.errors.ErrorCodes.NO_ERROR)

    async def _close_stream(self, stream_id: int) -> None:
        if self._is_cut_short(stream_id) and not self.closed:
            await self._reset(stream_id, h2.errors.ErrorCodes.INTERNAL_ERROR)
            await self._drop_answer(stream_id)
        await super()._close_stream(stream_id)

    def _is_cut_short(self, stream_id: int) -> bool:
        """Whether an answer ends that is not complete, or that its client does not take."""
        stream, buffer = self.streams.get(stream_id), self.stream_buffers.get(stream_id)
        is_unfinished = isinstance(stream, HTTPStream) and stream.state is not ASGIHTTPState.CLOSED
        return is_unfinished or (isinstance(buffer, StreamBuffer) and buffer.is_undelivered)

    async def _reset(self, stream_id: int, code: h2.errors.ErrorCodes) -> None:
        """Tell the client that there is no more to this stream."""
        self._unread_requests.discard(stream_id)
        with suppress(h2.exceptions.ProtocolError):  # it is closed already
            self.connection.reset_stream(stream_id, code)
        await self._flush()

    async def _drop_answer(self, stream_id: int) -> None:
        """Let go of what waits to be sent, and of who waits; the sending task then forgets the stream."""
        if (buffer := self.stream_buffers.get(stream_id)) is not None:
            await buffer.close()
            self.priority.unblock(stream_id)
            await self.has_data.set()
