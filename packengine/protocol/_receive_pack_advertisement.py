"""What a pushing client hears first, in version 0 or 1. Format: gitprotocol-http(5), gitprotocol-pack(5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from packengine.protocol._capabilities import Capability
from packengine.protocol._chunks import encode_lines
from packengine.protocol._ref_lines import ref_lines
from packengine.protocol._services import VERSION_1_LINE, ReceivePackOffer, Service, service_preamble
from packengine.protocol._versions import ProtocolVersion

_ALWAYS: tuple[Capability, ...] = (
    b"report-status",
    b"report-status-v2",
    b"delete-refs",
    b"side-band-64k",
    b"quiet",
    b"atomic",
    b"ofs-delta",
)


def advertise_receive_pack(
    offer: ReceivePackOffer,
    refs: Iterable[tuple[bytes, bytes]],
    version: ProtocolVersion,
    listing: Iterable[bytes] = (),
) -> Iterator[bytes]:
    """The whole answer to info/refs in large chunks, made as it is sent.

    refs: (name, raw oid) in name order, neither HEAD nor peeled values: receive-pack shows what can be moved.
    listing: those behind them, as pkt-lines. The first is in `refs`.
    version: asked for 2, which pushing does not have, a server answers as version 0.
    """
    preamble = service_preamble(Service.RECEIVE_PACK)
    if version is ProtocolVersion.V1:
        preamble += VERSION_1_LINE
    return chain([preamble], encode_lines(ref_lines(refs, _capabilities(offer), oid_bytes=offer.oid_bytes), listing))


def _capabilities(offer: ReceivePackOffer) -> list[Capability]:
    chosen: list[Capability] = [b"push-options"] if offer.push_options else []
    if offer.push_certificate_nonce is not None:
        chosen.append((b"push-cert", offer.push_certificate_nonce))
    return [*_ALWAYS, *chosen, *offer.identity()]
