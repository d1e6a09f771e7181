"""How a pack and the words beside it are framed, in every version."""

from __future__ import annotations

import pytest

from packengine.pktline import MAX_PACKET_BYTES
from packengine.protocol import (
    END,
    KEEP_ALIVE,
    Client,
    FetchRequest,
    LegacyFetchRequest,
    PackBands,
    PackFrame,
    fatal,
    progress,
)
from packengine.sideband import BandDecoder

DATA = bytes(range(256)) * 1_000


def frame(bands: PackBands) -> PackFrame:
    return PackFrame.of(LegacyFetchRequest(client=Client(), bands=bands))


def test_version_2_has_large_bands_and_so_has_side_band_64k() -> None:
    assert PackFrame.of(FetchRequest(client=Client())) == frame(PackBands.LARGE)


def test_large_bands_are_those_of_a_packfile_section() -> None:
    large = frame(PackBands.LARGE)
    assert large.data_packet_bytes == MAX_PACKET_BYTES
    assert large.progress(b"words\r") == progress(b"words\r")
    assert large.fatal(b"no") == fatal(b"no")
    assert (large.keep_alive, large.end) == (KEEP_ALIVE, END)


@pytest.mark.parametrize(("bands", "largest"), [(PackBands.SMALL, 1_000), (PackBands.LARGE, 65_520)])
def test_no_packet_is_larger_than_the_client_expects(bands: PackBands, largest: int) -> None:
    assert frame(bands).data_packet_bytes == largest
    framed = frame(bands).progress(DATA) + frame(bands).fatal(DATA)
    pieces = BandDecoder(max_packets=10_000, max_bytes=1 << 30).feed(framed)
    assert max(len(data) for _, data in pieces) == largest - 5
    for band, expected in ((2, DATA), (3, DATA + b"\n")):
        assert b"".join(data for number, data in pieces if number == band) == expected


def test_silence_and_end_are_the_same_in_small_bands() -> None:
    small = frame(PackBands.SMALL)
    assert (small.keep_alive, small.end) == (b"0005\x01", b"0000")


def test_without_bands_there_is_the_pack_and_nothing_else() -> None:
    bare = frame(PackBands.NONE)
    assert bare.data_packet_bytes is None
    assert (bare.progress(b"words\n"), bare.fatal(b"no"), bare.keep_alive, bare.end) == (b"", b"", b"", b"")
