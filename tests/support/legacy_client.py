"""The client's side of fetching before version 2: requests as bytes, answers as lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from packengine.pktline import FLUSH, Packet, encode_many
from tests.support import wire_client

CAPABILITIES = b"multi_ack_detailed no-done side-band-64k thin-pack ofs-delta"
_BAND_BYTES = (b"\x01", b"\x02", b"\x03")


def needs(
    wants: Sequence[bytes], capabilities: bytes = CAPABILITIES, arguments: Iterable[bytes] = ()
) -> Iterator[Packet]:
    """The lines in front of the haves, as Git writes them. wants: raw ids; arguments: whole lines."""
    for number, want in enumerate(wants):
        words = b" " + capabilities if number == 0 and capabilities else b""
        yield b"want %b%b\n" % (_hex(want), words)
    yield from arguments
    yield FLUSH


def request(
    wants: Sequence[bytes],
    haves: Iterable[bytes] = (),
    *,
    capabilities: bytes = CAPABILITIES,
    arguments: Iterable[bytes] = (),
    done: bool = True,
) -> bytes:
    """A whole round. wants, haves: raw ids; arguments: lines about the boundary, a filter."""
    lines = [b"have %b\n" % _hex(have) for have in haves]
    return encode_many([*needs(wants, capabilities, arguments), *lines, b"done\n" if done else FLUSH])


def boundary_request(
    wants: Sequence[bytes], arguments: Iterable[bytes], *, capabilities: bytes = CAPABILITIES
) -> bytes:
    """What a client sends to hear of its new boundary before it says what it has."""
    return encode_many(needs(wants, capabilities, arguments))


def front_of(body: bytes) -> list[Packet]:
    """The packets in front of the pack, of an answer in bands."""
    return list(takewhile(lambda packet: not _is_band(packet), wire_client.decode(body)))


def has_pack(body: bytes) -> bool:
    """Whether there is anything behind them."""
    return any(_is_band(packet) for packet in wire_client.decode(body))


def _is_band(packet: Packet) -> bool:
    return isinstance(packet, bytes) and packet.startswith(_BAND_BYTES)


def _hex(oid: bytes) -> bytes:
    return oid.hex().encode()
