"""What a fetching client hears first in version 0 or 1. Format: gitprotocol-http(5), gitprotocol-pack(5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from packengine.protocol._capabilities import Capability
from packengine.protocol._chunks import encode_lines
from packengine.protocol._errors import LocalProtocolError
from packengine.protocol._ls_refs_answer import ListedRef
from packengine.protocol._ref_lines import ref_lines
from packengine.protocol._services import VERSION_1_LINE, Service, UploadPackOffer, service_preamble
from packengine.protocol._versions import ProtocolVersion

_TRANSFER: tuple[Capability, ...] = (b"multi_ack", b"thin-pack", b"side-band", b"side-band-64k", b"ofs-delta")
_SHALLOW: tuple[Capability, ...] = (b"shallow", b"deepen-since", b"deepen-not", b"deepen-relative")
_ALWAYS: tuple[Capability, ...] = (
    b"no-progress",
    b"include-tag",
    b"multi_ack_detailed",
    b"allow-tip-sha1-in-want",
    b"allow-reachable-sha1-in-want",
    b"no-done",
)


def advertise_upload_pack(
    offer: UploadPackOffer, refs: Iterable[ListedRef], version: ProtocolVersion, listing: Iterable[bytes] = ()
) -> Iterator[bytes]:
    """The whole answer to info/refs in large chunks, made as it is sent.

    refs: HEAD, then all refs in name order. Of a HEAD that is not born yet nothing is said.
    listing: those behind them, as pkt-lines, told as `Peeling.OWN_LINE` says. The first that has a value is in `refs`.
    Raises LocalProtocolError for version 2, whose advertisement lists no refs.
    """
    if version is ProtocolVersion.V2:
        raise LocalProtocolError("version 2 has an advertisement of its own")
    preamble = service_preamble(Service.UPLOAD_PACK)
    if version is ProtocolVersion.V1:
        preamble += VERSION_1_LINE
    return chain([preamble], encode_lines(_lines(offer, refs), listing))


def _lines(offer: UploadPackOffer, refs: Iterable[ListedRef]) -> Iterator[bytes]:
    rest = iter(refs)
    first = list(islice(rest, 1))
    return ref_lines(_values(chain(first, rest)), _capabilities(offer, first), oid_bytes=offer.oid_bytes)


def _values(refs: Iterable[ListedRef]) -> Iterator[tuple[bytes, bytes]]:
    """Each ref that has a value, and behind an annotated tag what it tags in the end."""
    for name, oid, peeled, _ in refs:
        if oid is not None:
            yield name, oid
        if peeled is not None:
            yield name + b"^{}", peeled


def _capabilities(offer: UploadPackOffer, first: Iterable[ListedRef]) -> Iterator[Capability]:
    """In Git's order."""
    yield from _TRANSFER
    if b"shallow" in offer.fetch_features:
        yield from _SHALLOW
    yield from _ALWAYS
    yield from _symrefs(first)
    if b"filter" in offer.fetch_features:
        yield b"filter"
    yield from offer.identity()


def _symrefs(refs: Iterable[ListedRef]) -> Iterator[Capability]:
    for name, oid, _, target in refs:
        if oid is not None and target is not None:
            yield b"symref", name + b":" + target
