"""The slow twin of `packengine.pktline`: what the codec means, in the plainest Python. The oracle of its tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from packengine.pktline import DELIM, FLUSH, RESPONSE_END, Packet

_MARKERS: dict[int, Packet] = {0: FLUSH, 1: DELIM, 2: RESPONSE_END}


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a stream holds: packets, then an error, or bytes that are no whole packet yet."""

    packets: list[Packet]
    is_broken: bool
    rest: bytes


def decode(stream: bytes, *, max_packets: int, max_bytes: int) -> Decoded:
    """Cut a whole stream into packets."""
    packets: list[Packet] = []
    counted_bytes = at = 0
    while len(stream) - at >= 4:
        digits = stream[at : at + 4]
        if any(digit not in b"0123456789abcdefABCDEF" for digit in digits):
            return Decoded(packets, is_broken=True, rest=b"")
        length = int(digits, 16)
        counted_bytes += max(length, 4)
        if length == 3 or length > 65520 or counted_bytes > max_bytes or len(packets) >= max_packets:
            return Decoded(packets, is_broken=True, rest=b"")
        if at + length > len(stream):
            break
        packets.append(_MARKERS[length] if length < 3 else stream[at + 4 : at + length])
        at += max(length, 4)
    return Decoded(packets, is_broken=False, rest=stream[at:])


def encode(packets: Iterable[Packet]) -> bytes:
    """Write packets."""
    return b"".join(
        b"%04x%b" % (len(packet) + 4, packet) if isinstance(packet, bytes) else packet.value for packet in packets
    )
