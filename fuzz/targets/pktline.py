"""Any stream, whole or in pieces, decodes as the plain-Python twin says; what was decoded encodes to the same again."""

from __future__ import annotations

from dataclasses import dataclass

from fuzz.pieces import all_cuts
from packengine.pktline import FLUSH, Packet, PktLineDecoder, PktLineError, encode, encode_many
from tests.support import pktline_twin

WIDE, NARROW = (1_000, 1_000_000), (6, 120)
"""Limits of packets and of bytes that no input reaches, and that many do."""


@dataclass(frozen=True)
class Outcome:
    """What a decoder made of a stream."""

    packets: list[Packet]
    error: str | None
    ending: str | None
    """What `finish` had to say."""


def check(stream: bytes) -> None:
    """Raises if the decoder, its limits or the encoder break the rule."""
    for max_packets, max_bytes in (WIDE, NARROW):
        whole, *others = [decode(pieces, max_packets, max_bytes) for pieces in all_cuts(stream)]
        assert all(other == whole for other in others), f"{whole} whole, {others} in pieces"
        expected = pktline_twin.decode(stream, max_packets=max_packets, max_bytes=max_bytes)
        assert (whole.packets, whole.error is not None) == (expected.packets, expected.is_broken)
        check_encoder(whole.packets)
    check_rest_behind_flush(stream)


def decode(pieces: list[bytes], max_packets: int, max_bytes: int) -> Outcome:
    """Feed all pieces, and then nothing, which hands out an error that was held back behind packets."""
    decoder = PktLineDecoder(max_packets=max_packets, max_bytes=max_bytes)
    packets: list[Packet] = []
    try:
        for piece in [*pieces, b""]:
            packets += decoder.feed(piece)
    except PktLineError as error:
        return Outcome(packets, str(error), ending(decoder))
    return Outcome(packets, None, ending(decoder))


def ending(decoder: PktLineDecoder) -> str | None:
    """What the decoder says to the end of the stream."""
    try:
        decoder.finish()
    except PktLineError as error:
        return str(error)
    return None


def check_encoder(packets: list[Packet]) -> None:
    """Both encoders, and back."""
    encoded = encode_many(packets)
    assert encoded == pktline_twin.encode(packets)
    assert encoded == b"".join(encode(packet) if isinstance(packet, bytes) else packet.value for packet in packets)
    assert decode([encoded], len(packets), len(encoded)) == Outcome(packets, None, None)


def check_rest_behind_flush(stream: bytes) -> None:
    """A decoder that stops at a flush has looked at nothing behind it."""
    for pieces in all_cuts(stream):
        decoder = PktLineDecoder(max_packets=WIDE[0], max_bytes=WIDE[1], stop_at_flush=True)
        packets: list[Packet] = []
        try:
            while pieces and FLUSH not in packets:
                packets += decoder.feed(pieces.pop(0))
        except PktLineError:
            return
        if FLUSH in packets:
            assert packets.index(FLUSH) == len(packets) - 1
            rest = decoder.take_rest() + b"".join(pieces)
            assert stream.endswith(rest)
            assert (
                pktline_twin.decode(stream.removesuffix(rest), max_packets=1_000, max_bytes=1_000_000).packets
                == packets
            )
