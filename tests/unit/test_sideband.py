"""The side-band codec. Format: gitprotocol-pack(5)."""

from __future__ import annotations

import pytest

from packengine.pktline import FLUSH
from packengine.sideband import (
    DATA_BAND,
    ERROR_BAND,
    KEEP_ALIVE,
    LARGE_PACKET_BYTES,
    PROGRESS_BAND,
    SMALL_PACKET_BYTES,
    BandDecoder,
    SidebandError,
    encode_band,
    split_band,
)


def demultiplex(framed: bytes) -> list[tuple[int, bytes]]:
    return BandDecoder(max_packets=1_000, max_bytes=1 << 30).feed(framed)


def test_band_is_the_first_byte_of_the_payload() -> None:
    assert encode_band(PROGRESS_BAND, b"hi\n") == b"0008\x02hi\n"


def test_no_data_makes_no_packet() -> None:
    assert encode_band(DATA_BAND, b"") == b""


@pytest.mark.parametrize(
    ("max_packet_bytes", "size", "packet_sizes"),
    [
        (LARGE_PACKET_BYTES, 65515, [65515]),
        (LARGE_PACKET_BYTES, 65516, [65515, 1]),
        (LARGE_PACKET_BYTES, 2 * 65515, [65515, 65515]),
        (SMALL_PACKET_BYTES, 2_000, [995, 995, 10]),
    ],
)
def test_large_data_is_cut_into_packets_as_long_as_they_may_be(
    max_packet_bytes: int, size: int, packet_sizes: list[int]
) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    bands = demultiplex(encode_band(DATA_BAND, data[:size], max_packet_bytes=max_packet_bytes))
    assert [len(part) for _, part in bands] == packet_sizes
    assert b"".join(part for _, part in bands) == data[:size]


def test_any_contiguous_buffer_is_framed() -> None:
    assert encode_band(DATA_BAND, memoryview(b"..ab..")[2:4]) == b"0007\x01ab"


@pytest.mark.parametrize("band", [-1, 0, 4, 256])
def test_unknown_band_is_not_written(band: int) -> None:
    with pytest.raises(ValueError, match=f"bands 1 to 3, not {band}"):
        encode_band(band, b"x")


@pytest.mark.parametrize("size", [-1, 5, 65521])
def test_packet_size_that_the_format_does_not_know_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"not {size}"):
        encode_band(DATA_BAND, b"x", max_packet_bytes=size)


def test_keep_alive_is_an_empty_packet_of_the_data_band() -> None:
    assert demultiplex(KEEP_ALIVE) == [(DATA_BAND, b"")]


def test_bands_come_apart_in_order_up_to_the_flush() -> None:
    decoder = BandDecoder(max_packets=10, max_bytes=1_000)
    stream = encode_band(DATA_BAND, b"PACK") + encode_band(PROGRESS_BAND, b"50%\r") + encode_band(ERROR_BAND, b"no")
    assert decoder.feed(stream) == [(DATA_BAND, b"PACK"), (PROGRESS_BAND, b"50%\r"), (ERROR_BAND, b"no")]
    assert decoder.feed(b"0000rest") == []
    assert decoder.take_rest() == b"rest"


def test_nothing_is_read_behind_the_flush() -> None:
    decoder = BandDecoder(max_packets=10, max_bytes=1_000)
    ended = [decoder.ended, decoder.feed(b"0000"), decoder.ended]
    assert ended == [False, [], True]
    with pytest.raises(SidebandError, match="after the flush"):
        decoder.feed(b"0006\x01x")


@pytest.mark.parametrize("framed", [b"0004", b"0006\x00x", b"0006\x04x", b"0008ERR ", b"0001"])
def test_packet_without_a_band_is_refused(framed: bytes) -> None:
    with pytest.raises(SidebandError, match="no band in packet"):
        demultiplex(framed)


def test_marker_has_no_band() -> None:
    with pytest.raises(SidebandError, match="FLUSH"):
        split_band(FLUSH)
