"""The bytes of ref blocks. Format: docs/formats.md, "Ref blocks"."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

_LEAF_MAGIC = b"PHRL\x01"
_INDEX_MAGIC = b"PHRI\x01"
_ENTRY = struct.Struct(">HB")
_RECORD = struct.Struct(">32sIH")

_LEAVES_KEPT, _INDEXES_KEPT = 32, 8
"""Decoded blocks, the last used: requests for one repository look into the same few. About 64 KiB each, at most 16."""


class CorruptRefBlock(Exception):
    """Stored bytes are no ref block. The message says which rule they break."""


@dataclass(frozen=True, slots=True)
class RefEntry:
    """One ref: its name, its value and, if that is an annotated tag, what the tag peels to."""

    name: bytes
    oid: bytes
    peeled: bytes | None = None


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A block as its parent names it: digest, how many refs lie below it, and the first of their names."""

    digest: bytes
    ref_count: int
    first: bytes


def encode_leaf(entries: Sequence[RefEntry], oid_len: int) -> bytes:
    """A leaf block: the entries in name order."""
    parts = [_LEAF_MAGIC, bytes((oid_len,))]
    for entry in entries:
        parts += (_ENTRY.pack(len(entry.name), entry.peeled is not None), entry.name, entry.oid, entry.peeled or b"")
    return b"".join(parts)


@lru_cache(_LEAVES_KEPT)
def decode_leaf(data: bytes, oid_len: int) -> tuple[RefEntry, ...]:
    """The entries of a leaf block. Raises CorruptRefBlock."""
    if not data.startswith(_LEAF_MAGIC + bytes((oid_len,))):
        raise CorruptRefBlock("not a leaf block of this object format")
    entries = []
    at = len(_LEAF_MAGIC) + 1
    while at < len(data):
        if at + _ENTRY.size > len(data):
            raise CorruptRefBlock("a leaf block is cut short")
        name_len, has_peeled = _ENTRY.unpack_from(data, at)
        name_at = at + _ENTRY.size
        oid_at = name_at + name_len
        end = oid_at + oid_len * (2 if has_peeled else 1)
        if end > len(data) or has_peeled > 1:
            raise CorruptRefBlock("a leaf block is cut short")
        peeled = data[oid_at + oid_len : end] if has_peeled else None
        entries.append(RefEntry(data[name_at:oid_at], data[oid_at : oid_at + oid_len], peeled))
        at = end
    _check_order([entry.name for entry in entries])
    return tuple(entries)


def encode_index(records: Sequence[BlockRecord]) -> bytes:
    """An index block: the records of its leaves in name order."""
    parts = [_INDEX_MAGIC]
    for record in records:
        parts += (_RECORD.pack(record.digest, record.ref_count, len(record.first)), record.first)
    return b"".join(parts)


@lru_cache(_INDEXES_KEPT)
def decode_index(data: bytes) -> tuple[BlockRecord, ...]:
    """The records of an index block. Raises CorruptRefBlock."""
    if not data.startswith(_INDEX_MAGIC):
        raise CorruptRefBlock("not an index block")
    records = []
    at = len(_INDEX_MAGIC)
    while at < len(data):
        if at + _RECORD.size > len(data):
            raise CorruptRefBlock("an index block is cut short")
        digest, ref_count, first_len = _RECORD.unpack_from(data, at)
        end = at + _RECORD.size + first_len
        if end > len(data):
            raise CorruptRefBlock("an index block is cut short")
        records.append(BlockRecord(digest, ref_count, data[end - first_len : end]))
        at = end
    _check_order([record.first for record in records])
    return tuple(records)


def _check_order(names: Sequence[bytes]) -> None:
    if not names or any(left >= right for left, right in pairwise(names)):
        raise CorruptRefBlock("a block is empty or out of order")
