"""The answer to ls-refs, made as it is sent: 500,000 refs are never in memory together."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from packengine.protocol._chunks import encode_lines
from packengine.protocol._ls_refs_request import LsRefsRequest
from packengine.protocol._oids import hex_oid

ListedRef: TypeAlias = tuple[bytes, bytes | None, bytes | None, bytes | None]
"""(name, oid, peeled oid of an annotated tag, target of a symref); no oid: HEAD of a branch that is not born yet."""


def ls_refs_answer(request: LsRefsRequest, refs: Iterable[ListedRef], listing: Iterable[bytes] = ()) -> Iterator[bytes]:
    """The answer in large chunks, its flush at the end.

    refs: in the order to be listed, HEAD first. What the request does not select is left out here, and an unborn HEAD
    unless the client asked for such.
    listing: those behind them, as pkt-lines, narrowed to `request.ranges()`, told as `request.peeling` says.
    """
    ranges = request.ranges()
    selected = refs if ranges == [b""] else (ref for ref in refs if _is_within(ranges, ref[0]))
    return encode_lines((line for ref in selected if (line := _line(request, ref)) is not None), listing)


def _is_within(ranges: Sequence[bytes], name: bytes) -> bool:
    """Whether the name starts with one of the prefixes: none is inside another, so only one of them can be the one."""
    at = bisect_right(ranges, name)
    return at > 0 and name.startswith(ranges[at - 1])


def _line(request: LsRefsRequest, ref: ListedRef) -> bytes | None:
    name, oid, peeled, target = ref
    if oid is not None and peeled is None and target is None:
        return b"%b %b\n" % (hex_oid(oid), name)  # as most are, of what may be 500,000
    if oid is None and not (request.unborn and request.symrefs):
        return None
    line = b"%b %b" % (b"unborn" if oid is None else hex_oid(oid), name)
    if request.symrefs and target is not None:
        line += b" symref-target:" + target
    if request.peel and peeled is not None:
        line += b" peeled:" + hex_oid(peeled)
    return line + b"\n"
