"""The pkt-line codec. Format: gitprotocol-common(5)."""

from collections.abc import Iterable
from enum import Enum
from typing import Final, Literal, TypeAlias, final

from typing_extensions import Buffer

MAX_PACKET_BYTES: Final = 65520
"""The longest packet, its four digits of length counted."""

MAX_PAYLOAD_BYTES: Final = 65516

class Marker(Enum):
    """The packets that have no payload. The value is how each is written."""

    FLUSH = b"0000"
    DELIM = b"0001"
    RESPONSE_END = b"0002"

FLUSH: Final[Literal[Marker.FLUSH]]
DELIM: Final[Literal[Marker.DELIM]]
RESPONSE_END: Final[Literal[Marker.RESPONSE_END]]

Packet: TypeAlias = bytes | Marker

class PktLineError(ValueError):
    """The bytes are no pkt-lines, or there are more of them than the limits allow."""

@final
class PktLineDecoder:
    """Cut a stream into packets as its bytes arrive.

    max_packets, max_bytes: over the decoder's whole life, markers and length digits counted; checked before memory is taken.
    stop_at_flush: look no further than a flush until `feed` is called again, since what follows may be no pkt-lines.
    """

    def __new__(cls, *, max_packets: int, max_bytes: int, stop_at_flush: bool = False) -> PktLineDecoder: ...
    @property
    def packet_count(self) -> int: ...
    @property
    def byte_count(self) -> int:
        """Bytes announced so far: those of a packet count once its length is read."""

    def feed(self, data: Buffer) -> list[Packet]:
        """Take in bytes; return the packets that are whole now.

        With stop_at_flush a flush is the last of a batch: go on with feed(b""), or leave with take_rest().
        Raises PktLineError, but never before the packets in front of the error have been handed out.
        """

    def take_rest(self) -> bytes:
        """The bytes after the last flush that were not looked at. Only between packets."""

    def finish(self) -> None:
        """There will be no more bytes. Raises PktLineError inside a packet."""

def encode(data: Buffer) -> bytes:
    """One pkt-line. Raises ValueError if data is longer than MAX_PAYLOAD_BYTES."""

def encode_many(packets: Iterable[Packet]) -> bytes:
    """All packets in one bytes object: the inverse of the decoder. Raises ValueError as `encode` does."""
