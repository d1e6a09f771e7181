# What each does is said in pktline.pyx.
from collections.abc import Iterable
from enum import Enum
from typing import Final, Literal, TypeAlias, final

from typing_extensions import Buffer

MAX_PACKET_BYTES: Final = 65520
MAX_PAYLOAD_BYTES: Final = 65516

class Marker(Enum):
    FLUSH = b"0000"
    DELIM = b"0001"
    RESPONSE_END = b"0002"

FLUSH: Final[Literal[Marker.FLUSH]]
DELIM: Final[Literal[Marker.DELIM]]
RESPONSE_END: Final[Literal[Marker.RESPONSE_END]]

Packet: TypeAlias = bytes | Marker

class PktLineError(ValueError): ...

@final
class PktLineDecoder:
    def __new__(cls, *, max_packets: int, max_bytes: int, stop_at_flush: bool = False) -> PktLineDecoder: ...
    @property
    def packet_count(self) -> int: ...
    @property
    def byte_count(self) -> int: ...
    def feed(self, data: Buffer) -> list[Packet]: ...
    def take_rest(self) -> bytes: ...
    def finish(self) -> None: ...

def take_oids(
    packets: list[Packet], at: int, prefix: bytes, oid_bytes: int, oids: dict[bytes, None], max_oids: int
) -> int: ...
def encode(data: Buffer) -> bytes: ...
def encode_many(packets: Iterable[Packet]) -> bytes: ...
