"""Refs as every advertisement before version 2 lists them. Format: gitprotocol-pack(5), "Reference Discovery"."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from packengine.protocol._capabilities import Capability, format_capabilities
from packengine.protocol._oids import hex_oid


def ref_lines(
    refs: Iterable[tuple[bytes, bytes]], capabilities: Iterable[Capability], *, oid_bytes: int
) -> Iterator[bytes]:
    """A line for each (name, raw oid). The first carries the capabilities; without refs it stands for none."""
    rest = iter(refs)
    name, oid = next(rest, (b"capabilities^{}", bytes(oid_bytes)))
    yield b"%b %b\0%b\n" % (hex_oid(oid), name, format_capabilities(capabilities))
    for name, oid in rest:
        yield b"%b %b\n" % (hex_oid(oid), name)
