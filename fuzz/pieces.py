"""Ways to cut an input, for parsers that must not care how their bytes arrive."""

from __future__ import annotations

import zlib
from random import Random


def all_cuts(data: bytes) -> list[list[bytes]]:
    """Whole, byte by byte, and cut at random places; always the same for the same data."""
    return [[data], [data[at : at + 1] for at in range(len(data))], random_cut(data)]


def random_cut(data: bytes) -> list[bytes]:
    """Some pieces, empty ones among them. The input does not say where: all its bytes are to be those of its format."""
    random = Random(zlib.crc32(data))
    places = sorted(random.randint(0, len(data)) for _ in range(random.randrange(1, 8)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]
