# What each does is said in sideband.pyx.
from typing import Final

from typing_extensions import Buffer

from packengine.pktline import Packet

DATA_BAND: Final = 1
PROGRESS_BAND: Final = 2
ERROR_BAND: Final = 3
LARGE_PACKET_BYTES: Final = 65520
SMALL_PACKET_BYTES: Final = 1000
KEEP_ALIVE: Final = b"0005\x01"

class SidebandError(ValueError): ...

def encode_band(band: int, data: Buffer, *, max_packet_bytes: int = 65520) -> bytes: ...

class BandDecoder:
    ended: bool
    def __init__(self, *, max_packets: int, max_bytes: int) -> None: ...
    def feed(self, data: Buffer) -> list[tuple[int, bytes]]: ...
    def take_rest(self) -> bytes: ...

def split_band(packet: Packet) -> tuple[int, bytes]: ...
