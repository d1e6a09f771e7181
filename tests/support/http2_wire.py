"""HTTP/2 by hand, over h2: when to read, what to grant, and what no polite client sends."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
import h2.settings
from hyperframe.frame import DataFrame

from tests.support.http_wire import RECEIVE_BYTES, TIMEOUT_S, Answer


@dataclass(slots=True)
class _Stream:
    answer: Answer = field(default_factory=lambda: Answer(0))
    ungranted_bytes: int = 0
    has_ended: bool = False
    is_reset: bool = False


class Http2Connection:
    """A connection by prior knowledge. What the server may send beyond the first window is for the test to grant."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=TIMEOUT_S)
        # Nothing is normalised or validated, for tests send what they must not.
        config = h2.config.H2Configuration(
            header_encoding=None, normalize_outbound_headers=False, validate_outbound_headers=False
        )
        self.h2 = h2.connection.H2Connection(config=config)
        self._authority = parts.netloc.encode()
        self._streams: dict[int, _Stream] = {}
        self.h2.initiate_connection()
        self.flush()

    def begin(self, method: str, target: bytes, headers: dict[str, str], *, end: bool) -> int:
        """The head of a request. Returns the stream."""
        stream = self.h2.get_next_available_stream_id()
        pseudo = [(b":method", method.encode()), (b":scheme", b"http"), (b":authority", self._authority)]
        fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.h2.send_headers(stream, [*pseudo, (b":path", target), *fields], end_stream=end)
        self._streams[stream] = _Stream()
        self.flush()
        return stream

    def request(self, method: str, target: bytes, headers: dict[str, str], body: bytes = b"") -> int:
        """A whole request, its body within the first window. Returns the stream."""
        stream = self.begin(method, target, headers, end=not body)
        if body:
            self.h2.send_data(stream, body, end_stream=True)
            self.flush()
        return stream

    def send_body(self, stream: int, body: bytes) -> None:
        """A whole body, as fast as the server lets us."""
        at = 0
        while at < len(body):
            window = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(body) - at)
            if window == 0:
                self.receive()
            else:
                self.h2.send_data(stream, body[at : at + window])
                self.flush()
            at += window
        self.h2.end_stream(stream)
        self.flush()

    def send_raw_data(self, stream: int, data: bytes) -> None:
        """A frame of data, whatever the state of the stream."""
        self.socket.sendall(DataFrame(stream, data).serialize())

    def answer(self, stream: int) -> Answer:
        """The whole answer; everything is granted. Raises ConnectionError if the stream is reset."""
        state = self._streams[stream]
        while not state.has_ended:
            self.grant(stream)
            self.receive()
        return state.answer

    def wait_reset(self, stream: int) -> None:
        """Until the server resets the stream; nothing more is granted."""
        while not self._streams[stream].is_reset:
            self.receive()

    def received_bytes(self, stream: int) -> int:
        """Of the body so far."""
        return len(self._streams[stream].answer.body)

    def grant(self, stream: int) -> None:
        """Let the server send as much again as has been received on this stream."""
        state = self._streams[stream]
        if state.ungranted_bytes:
            self.h2.acknowledge_received_data(state.ungranted_bytes, stream)
            state.ungranted_bytes = 0
            self.flush()

    def receive(self) -> None:
        """Take in what the server sends next."""
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError("the server ended the connection")
        for event in self.h2.receive_data(data):
            self._take(event)
        self.flush()

    def receive_all(self) -> None:
        """Take in what comes until the connection ends, which is a ConnectionError."""
        while True:
            self.receive()

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.ResponseReceived(stream_id=int(stream), headers=headers):
                found = {bytes(name).decode(): bytes(value).decode() for name, value in headers or []}
                self._streams[stream].answer = Answer(int(found.pop(":status")), found)
            case h2.events.DataReceived(stream_id=int(stream), data=data, flow_controlled_length=length):
                self._streams[stream].answer.body += data or b""
                self._streams[stream].ungranted_bytes += length or 0
            case h2.events.StreamEnded(stream_id=int(stream)):
                self._streams[stream].has_ended = True
            case h2.events.StreamReset(stream_id=int(stream)):
                self._streams[stream].is_reset = True
                if not self._streams[stream].has_ended:
                    raise StreamCut(stream)


class StreamCut(ConnectionError):
    """The server reset a stream before its answer was complete."""
