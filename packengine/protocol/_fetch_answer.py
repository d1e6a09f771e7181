"""The answer to a fetch of version 2, up to the pack. Format: gitprotocol-v2(5), "fetch".

Sections stand in the order of that document, shallow-info before wanted-refs: Git's own server has had them the other
way round, which its client does not understand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from packengine.pktline import DELIM, FLUSH, Packet, encode, encode_many
from packengine.protocol._answers import err_packet, fatal
from packengine.protocol._fetch_request import FetchRequest
from packengine.protocol._negotiation import Negotiated, Outcome, acknowledgment_lines
from packengine.protocol._oids import hex_oid
from packengine.protocol._shallow_info import ShallowInfo
from packengine.sideband import DATA_BAND, PROGRESS_BAND

EARLY_KEEP_ALIVE = encode(bytes([PROGRESS_BAND]))
"""For a client that asked for sideband-all, in front of the head: an empty packet of band 1 would be an empty line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSections:
    """What stands between the acknowledgments and the pack."""

    shallow_info: ShallowInfo | None = None
    """None: there is no such section; an empty one is something else."""

    wanted_refs: Sequence[tuple[bytes, bytes]] = ()
    """(raw id, name) of what the client wanted by name."""

    packfile_uris: Sequence[tuple[bytes, bytes]] = ()
    """(raw checksum of a pack, where it lies): packs whose objects are not in the one that follows."""


def fetch_head(request: FetchRequest, negotiated: Negotiated, sections: FetchSections) -> bytes:
    """All up to and with the line `packfile`; the whole answer if no pack follows."""
    packets = list(_packets(negotiated, sections))
    return encode_many(map(_in_band, packets) if request.sideband_all else packets)


def fetch_error(request: FetchRequest | None, sentence: bytes) -> bytes:
    """The end of an answer whose `packfile` line has not been sent; None for a request that could not be read."""
    return fatal(sentence) if request is not None and request.sideband_all else err_packet(sentence)


def _in_band(packet: Packet) -> Packet:
    return b"%c%b" % (DATA_BAND, packet) if isinstance(packet, bytes) else packet


def _packets(negotiated: Negotiated, sections: FetchSections) -> Iterator[Packet]:
    yield from acknowledgment_lines(negotiated)
    if negotiated.outcome is Outcome.ACKNOWLEDGMENTS:
        yield FLUSH
    if negotiated.outcome is Outcome.ACKNOWLEDGMENTS_AND_PACK:
        yield DELIM
    if negotiated.sends_pack:
        yield from _pack_sections(sections)
        yield b"packfile\n"


def _pack_sections(sections: FetchSections) -> Iterator[Packet]:
    if sections.shallow_info is not None:
        yield from _section(b"shallow-info\n", sections.shallow_info.lines())
    if sections.wanted_refs:
        yield from _section(b"wanted-refs\n", _named_lines(sections.wanted_refs))
    if sections.packfile_uris:
        yield from _section(b"packfile-uris\n", _named_lines(sections.packfile_uris))


def _section(header: bytes, lines: Iterable[bytes]) -> Iterator[Packet]:
    yield header
    yield from lines
    yield DELIM


def _named_lines(pairs: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    return (b"%b %b\n" % (hex_oid(oid), name) for oid, name in pairs)
