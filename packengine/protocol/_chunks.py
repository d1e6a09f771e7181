"""Long lists of pkt-lines, made as they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from packengine.pktline import FLUSH, Packet, encode_many

LINES_PER_CHUNK = 1_000
"""Lines gathered before they are sent: of refs, some 60 KiB."""


def encode_lines(lines: Iterable[bytes], encoded: Iterable[bytes] = ()) -> Iterator[bytes]:
    """Encode lines as they come, a thousand to the chunk; then what is pkt-lines already, and a flush."""
    rest = iter(lines)
    while len(chunk := list[Packet](islice(rest, LINES_PER_CHUNK))) == LINES_PER_CHUNK:
        yield encode_many(chunk)
    last = encode_many(chunk)
    for following in encoded:
        if last:
            yield last
        last = following
    yield last + FLUSH.value
