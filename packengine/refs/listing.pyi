"""Refs as pkt-lines, straight out of a leaf block. Formats: docs/formats.md, "Ref blocks"; gitprotocol-v2(5)."""

from collections.abc import Sequence
from enum import IntEnum

class Peeling(IntEnum):
    """How a listing tells what an annotated tag peels to."""

    UNTOLD = 0
    IN_LINE = 1
    OWN_LINE = 2

def list_block(
    block: bytes, start: int, oid_len: int, ref_count: int, low: bytes, high: bytes | None, peeling: int
) -> bytes:
    """The packets of the entries from the name `low` to before the name `high` (None: to the end), of a `Peeling`.

    start: of the first entry. ref_count: how many there are in all. The whole block is checked: ValueError.
    """

def list_entries(entries: Sequence[tuple[bytes, bytes, bytes | None]], oid_len: int, peeling: int) -> bytes:
    """The packets of entries that are objects already: (name, oid, peeled or None) each. Raises ValueError."""
