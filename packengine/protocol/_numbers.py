"""Numbers in filters, as C reads them with base 0: decimal, octal behind `0`, hexadecimal behind `0x`.

Git would also take a sign and leading spaces, which nobody sends; here they make a number invalid.
"""

from __future__ import annotations

import re

MAX_NUMBER = (1 << 63) - 1
"""The largest that Git takes where it wants a number of bytes or levels."""

# Bounded, since converting a long text costs the square of its length.
_NUMBER = re.compile(rb"(?P<hex>0[xX][0-9a-fA-F]{1,16})|(?P<octal>0[0-7]{0,21})|(?P<decimal>[1-9][0-9]{0,18})")
_BASES = {"hex": 16, "octal": 8, "decimal": 10}
_FACTORS = {b"": 1, b"k": 1 << 10, b"m": 1 << 20, b"g": 1 << 30}


def parse_number(text: bytes) -> int | None:
    """A whole number from 0 to MAX_NUMBER, perhaps with k, m or g behind it in either case. None for anything else."""
    match = _NUMBER.match(text)
    if match is None or match.lastgroup is None:
        return None
    factor = _FACTORS.get(text[match.end() :].lower())
    if factor is None:
        return None
    number = int(match.group(), _BASES[match.lastgroup]) * factor
    return number if number <= MAX_NUMBER else None
