"""Numbers in requests, as C reads them with base 0: decimal, octal behind `0`, hexadecimal behind `0x`.

Git would also take a sign and leading spaces, which nobody sends; here they make a number invalid.
"""

from __future__ import annotations

import re

MAX_NUMBER = (1 << 64) - 1
"""The largest that C reads."""

# Bounded, since converting a long text costs the square of its length.
_NUMBER = re.compile(rb"(?P<hex>0[xX][0-9a-fA-F]{1,16})|(?P<octal>0[0-7]{0,22})|(?P<decimal>[1-9][0-9]{0,19})")
_BASES = {"hex": 16, "octal": 8, "decimal": 10}
_PLAIN = {b"": 1}
_SCALES = {**_PLAIN, b"k": 1 << 10, b"m": 1 << 20, b"g": 1 << 30}


def parse_number(text: bytes) -> int | None:
    """A whole number from 0 to MAX_NUMBER. None for anything else."""
    return _parse(text, _PLAIN)


def parse_scaled_number(text: bytes) -> int | None:
    """The same, perhaps with k, m or g behind it in either case."""
    return _parse(text, _SCALES)


def _parse(text: bytes, scales: dict[bytes, int]) -> int | None:
    match = _NUMBER.match(text)
    if match is None or match.lastgroup is None:
        return None
    scale = scales.get(text[match.end() :].lower())
    if scale is None:
        return None
    number = int(match.group(), _BASES[match.lastgroup]) * scale
    return number if number <= MAX_NUMBER else None
