"""The pkt-line and side-band codecs against their slow twin, whole and in pieces."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from packengine.pktline import FLUSH, Marker, Packet, PktLineDecoder, PktLineError, encode, encode_many, take_oids
from packengine.sideband import BandDecoder, encode_band
from tests.support import pktline_twin

PACKETS = st.lists(st.binary(max_size=40) | st.sampled_from(list(Marker)), max_size=12)
SIZES = st.lists(st.integers(0, 30), max_size=30)
# Streams that are nearly right: good packets with something broken among them.
STREAMS = st.lists(
    st.binary(max_size=20).map(encode) | st.sampled_from([b"0000", b"0001", b"0002", b"0003", b"000", b"fff1", b"zzzz"])
).map(b"".join) | st.binary(max_size=40)


def cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    """Pieces of these sizes, and the rest."""
    pieces = []
    for size in sizes:
        pieces.append(stream[:size])
        stream = stream[size:]
    return [*pieces, stream]


def feed_all(decoder: PktLineDecoder, pieces: list[bytes]) -> tuple[list[Packet], bool]:
    """(packets, whether the stream broke)."""
    packets: list[Packet] = []
    try:
        for piece in [*pieces, b""]:
            packets += decoder.feed(piece)
    except PktLineError:
        return packets, True
    return packets, False


@given(PACKETS)
def test_decoder_is_the_inverse_of_the_encoder(packets: list[Packet]) -> None:
    stream = encode_many(packets)
    assert stream == pktline_twin.encode(packets)
    decoder = PktLineDecoder(max_packets=100, max_bytes=10_000)
    assert decoder.feed(stream) == packets
    decoder.finish()


@given(STREAMS, SIZES, st.integers(0, 8), st.integers(0, 200))
@example(b"0005a0003", [], 8, 200)
@example(b"0005a0000", [1] * 9, 1, 200)
def test_any_stream_in_any_pieces_decodes_as_the_twin_says(
    stream: bytes, sizes: list[int], max_packets: int, max_bytes: int
) -> None:
    expected = pktline_twin.decode(stream, max_packets=max_packets, max_bytes=max_bytes)
    decoder = PktLineDecoder(max_packets=max_packets, max_bytes=max_bytes)
    packets, is_broken = feed_all(decoder, cut(stream, sizes))
    # A packet whose length is over a limit is refused before its bytes are there; the twin sees whole streams only.
    assert packets == expected.packets
    assert is_broken == expected.is_broken


@given(PACKETS, st.binary(max_size=60), SIZES)
def test_rest_behind_the_flush_is_all_that_came_behind_it(packets: list[Packet], rest: bytes, sizes: list[int]) -> None:
    lines: list[Packet] = [packet for packet in packets if packet is not FLUSH]
    decoder = PktLineDecoder(max_packets=100, max_bytes=10_000, stop_at_flush=True)
    seen: list[Packet] = []
    tail = b""
    for piece in cut(encode_many([*lines, FLUSH]) + rest, sizes):
        if FLUSH in seen:
            tail += piece
        else:
            seen += decoder.feed(piece)
    assert seen == [*lines, FLUSH]
    assert decoder.take_rest() + tail == rest


@given(st.integers(1, 3), st.binary(max_size=3_000), st.integers(6, 1_200), SIZES)
def test_bands_come_back_as_they_went(band: int, data: bytes, max_packet_bytes: int, sizes: list[int]) -> None:
    framed = encode_band(band, data, max_packet_bytes=max_packet_bytes)
    step = max_packet_bytes - 5
    expected = [bytes([band]) + data[at : at + step] for at in range(0, len(data), step)]
    assert framed == pktline_twin.encode(expected)
    decoder = BandDecoder(max_packets=10_000, max_bytes=100_000)
    parts = [part for piece in cut(framed + b"0000", sizes) for part in decoder.feed(piece)]
    assert decoder.ended
    assert {found for found, _ in parts} <= {band}
    assert b"".join(part for _, part in parts) == data


_HEX_BYTES = st.binary(min_size=20, max_size=20).map(bytes.hex).map(str.encode)
_OID_LINES = st.builds(
    lambda word, digits, tail: word + digits + tail,
    st.sampled_from([b"want ", b"have ", b"want", b""]),
    st.one_of(_HEX_BYTES, _HEX_BYTES.map(bytes.upper), st.binary(min_size=38, max_size=42)),
    st.sampled_from([b"", b"\n", b"\n\n", b" ", b" thin-pack\n"]),
)


@given(st.lists(st.one_of(_OID_LINES, st.sampled_from(list(Marker)))), st.integers(0, 3), st.integers(0, 8))
def test_a_run_of_lines_that_name_objects_is_read_as_line_after_line(
    packets: list[Packet], at: int, max_oids: int
) -> None:
    expected: dict[bytes, None] = {}
    end = at
    while end < len(packets) and len(expected) < max_oids:
        packet = packets[end]
        found = re.fullmatch(b"want ([0-9a-fA-F]{40})\n?", packet) if isinstance(packet, bytes) else None
        if found is None:
            break
        expected[bytes.fromhex(found[1].decode())] = None
        end += 1
    oids: dict[bytes, None] = {}
    assert take_oids(packets, at, b"want ", 20, oids, max_oids) == end
    assert list(oids) == list(expected)
