"""The side-band codec. Format: gitprotocol-pack(5), "Packfile Data"."""

from typing import Final

from typing_extensions import Buffer

from packengine.pktline import Packet

DATA_BAND: Final = 1
PROGRESS_BAND: Final = 2
ERROR_BAND: Final = 3
LARGE_PACKET_BYTES: Final = 65520
"""The longest packet of side-band-64k and of version 2."""

SMALL_PACKET_BYTES: Final = 1000
"""The longest packet of side-band."""

KEEP_ALIVE: Final = b"0005\x01"
"""An empty packet of the data band: says that we live, and means nothing."""

class SidebandError(ValueError):
    """A packet names no band that exists."""

def encode_band(band: int, data: Buffer, *, max_packet_bytes: int = 65520) -> bytes:
    """Cut data into packets of one band, the last one as short as it must be; no data, no packet.

    max_packet_bytes: 65520 for side-band-64k and version 2, 1000 for side-band.
    Raises ValueError for a band or a size that the format does not know.
    Cost: one allocation and a memcpy; keeps the GIL.
    """

class BandDecoder:
    """Take a side-band stream apart again, up to its flush."""

    ended: bool
    def __init__(self, *, max_packets: int, max_bytes: int) -> None: ...
    def feed(self, data: Buffer) -> list[tuple[int, bytes]]:
        """The (band, data) pairs that are whole now. Raises SidebandError, or PktLineError."""

    def take_rest(self) -> bytes:
        """The bytes behind the flush."""

def split_band(packet: Packet) -> tuple[int, bytes]:
    """(band, data) of one packet. Raises SidebandError."""
