"""What to answer to a fetch before version 2: the new boundary, then ACK and NAK lines, then perhaps a pack.

As in version 2 each round over HTTP repeats what was found common before, so that an answer follows from one request
and from what the caller found out about its ids. Where the document leaves open what comes when, the lines are those of
`git upload-pack --stateless-rpc`. Format: gitprotocol-pack(5), "Packfile Negotiation".
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from packengine.pktline import FLUSH, Packet, encode_many
from packengine.protocol._errors import LocalProtocolError
from packengine.protocol._legacy_fetch_request import AckMode, LegacyFetchRequest
from packengine.protocol._oids import hex_oid
from packengine.protocol._shallow_info import ShallowInfo

_NAK = b"NAK\n"


@dataclass(frozen=True, slots=True)
class LegacyNegotiated:
    """A decision. lines: the ACK and NAK lines, ready to be sent."""

    lines: bytes
    sends_pack: bool
    """Whether the pack follows at once."""


def negotiate_legacy(request: LegacyFetchRequest, common: Sequence[bytes], reached_at: int | None) -> LegacyNegotiated:
    """Decide.

    common: those of the request's haves that we have, in their order. reached_at: how many of the first of them suffice
    for each want to have one among its ancestors, None if even all do not; looked at only if `request.may_get_ready`.
    Raises LocalProtocolError if `common` names what the client did not.
    """
    strangers = set(common).difference(request.haves)
    if strangers:
        raise LocalProtocolError(f"{strangers.pop().hex()} is acknowledged, but the client did not name it")
    if not request.negotiates:
        return LegacyNegotiated(b"", sends_pack=False)
    if request.ack_mode is AckMode.SINGLE:
        return _acknowledge_first(request, common)
    return _acknowledge_all(request, common, reached_at)


def legacy_head(request: LegacyFetchRequest, shallow_info: ShallowInfo | None, negotiated: LegacyNegotiated) -> bytes:
    """Everything in front of the pack, or the whole answer if none follows.

    shallow_info: the new boundary, needed if one was asked for; else the client keeps its own, and is told nothing.
    """
    if not request.deepen.is_asked:
        return negotiated.lines
    if shallow_info is None:
        raise LocalProtocolError("the client asked for a boundary, and there is none to tell")
    return encode_many([*shallow_info.lines(), FLUSH]) + negotiated.lines


def _acknowledge_first(request: LegacyFetchRequest, common: Sequence[bytes]) -> LegacyNegotiated:
    """One line for everything: the client stops at the first common commit that it hears of."""
    line = _ack(common[0]) if common else _NAK
    return LegacyNegotiated(encode_many([line]), sends_pack=request.done)


def _acknowledge_all(request: LegacyFetchRequest, common: Sequence[bytes], reached_at: int | None) -> LegacyNegotiated:
    lines, is_ready = _acks(request, set(common), reached_at)
    final = _ack(common[-1]) if common else _NAK
    if request.done:
        return LegacyNegotiated(encode_many([*lines, final]), sends_pack=True)
    if is_ready and request.no_done:
        return LegacyNegotiated(encode_many([*lines, _NAK, final]), sends_pack=True)
    return LegacyNegotiated(encode_many([*lines, _NAK]), sends_pack=False)


def _acks(request: LegacyFetchRequest, common: Collection[bytes], reached_at: int | None) -> tuple[list[Packet], bool]:
    """A line for each common have, and, once all wants are reached, for the others too, so that the client looks no
    further below them. With the lines: whether they say `ready`."""
    detailed = request.ack_mode is AckMode.MULTI_DETAILED
    is_common, is_enough = (b" common", b" ready") if detailed else (b" continue", b" continue")
    enough = len(common) + 1 if reached_at is None else max(1, reached_at)
    lines: list[Packet] = []
    common_count, is_ready = 0, False
    for have in request.haves:
        if have in common:
            common_count += 1
            lines.append(_ack(have, is_common))
        elif common_count >= enough:
            is_ready = detailed
            lines.append(_ack(have, is_enough))
    if detailed and not request.done and len(request.haves) == common_count >= enough:
        is_ready = True
        lines.append(_ack(request.haves[-1], is_enough))
    return lines, is_ready


def _ack(oid: bytes, status: bytes = b"") -> bytes:
    return b"ACK %b%b\n" % (hex_oid(oid), status)
