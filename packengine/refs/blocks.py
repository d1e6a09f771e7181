"""The bytes of ref blocks. Format: docs/formats.md, "Ref blocks"."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import ge
from typing import NamedTuple

from packengine.refs.leaf import decode_entries, find_entry, peeled_between, values_of
from packengine.refs.listing import Peeling, list_block

_LEAF_MAGIC = b"PHRL\x01"
_INDEX_MAGIC = b"PHRI\x01"
_ENTRY = struct.Struct(">HB")
_RECORD = struct.Struct(">32sIH")

_LEAVES_KEPT, _INDEXES_KEPT = 32, 8
"""Decoded blocks, the last used: requests for one repository look into the same few. About 64 KiB each, at most 16."""


class CorruptRefBlock(Exception):
    """Stored bytes are no ref block. The message says which rule they break."""


class RefEntry(NamedTuple):
    """One ref: its name, its value and, if that is an annotated tag, what the tag peels to."""

    name: bytes
    oid: bytes
    peeled: bytes | None = None


_AS_ENTRY: Callable[[tuple[bytes, bytes, bytes | None]], RefEntry] = partial(tuple.__new__, RefEntry)
"""As RefEntry._make, with no function of Python's around it: half the time of a listing's decoding."""


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
    start = _first_entry(data, oid_len)
    try:
        entries = tuple(map(_AS_ENTRY, decode_entries(data, start, oid_len)))
    except ValueError as error:
        raise CorruptRefBlock(f"a leaf block is {error}") from error
    _check_order([entry.name for entry in entries])
    return entries


def find_in_leaf(data: bytes, oid_len: int, name: bytes) -> RefEntry | None:
    """The entry of that name. Raises CorruptRefBlock for damage in front of it; what is behind it is not looked at."""
    found = _find(data, oid_len, name)
    if found is None:
        return None
    oid_at, is_peeled = found
    peeled_at = oid_at + oid_len
    peeled = data[peeled_at : peeled_at + oid_len] if is_peeled else None
    return RefEntry(name, data[oid_at:peeled_at], peeled)


def peeled_in_leaf(data: bytes, oid_len: int, low: bytes, high: bytes | None) -> list[tuple[bytes, bytes]]:
    """(oid, peeled oid) of each peeled entry from the name `low` to before `high`. Raises CorruptRefBlock."""
    try:
        return peeled_between(data, _first_entry(data, oid_len), oid_len, low, high)
    except ValueError as error:
        raise CorruptRefBlock(f"a leaf block is {error}") from error


def list_leaf(
    record: BlockRecord, data: bytes, oid_len: int, low: bytes, high: bytes | None, peeling: Peeling
) -> bytes:
    """The pkt-lines of its refs from the name `low` to before `high`. Raises CorruptRefBlock for any damage."""
    try:
        return list_block(data, _first_entry(data, oid_len), oid_len, record.ref_count, low, high, peeling)
    except ValueError as error:
        raise CorruptRefBlock(f"ref block {record.digest.hex()} is {error}") from error


def values_in_leaf(data: bytes, oid_len: int) -> set[bytes]:
    """The distinct values of its refs. Raises CorruptRefBlock."""
    try:
        return values_of(data, _first_entry(data, oid_len), oid_len)
    except ValueError as error:
        raise CorruptRefBlock(f"a leaf block is {error}") from error


def revalue_leaf(data: bytes, oid_len: int, entries: Iterable[RefEntry]) -> bytes | None:
    """The block with other values of refs that it has. None if it lacks one, or one is to be peeled that was not, or
    the other way round: then entries move. Raises CorruptRefBlock."""
    changed = bytearray(data)
    for entry in entries:
        found = _find(data, oid_len, entry.name)
        if found is None or found[1] != (entry.peeled is not None):
            return None
        value = entry.oid + (entry.peeled or b"")
        changed[found[0] : found[0] + len(value)] = value
    return bytes(changed)


def _find(data: bytes, oid_len: int, name: bytes) -> tuple[int, bool] | None:
    try:
        return find_entry(data, _first_entry(data, oid_len), oid_len, name)
    except ValueError as error:
        raise CorruptRefBlock(f"a leaf block is {error}") from error


def _first_entry(data: bytes, oid_len: int) -> int:
    if not data.startswith(_LEAF_MAGIC + bytes((oid_len,))):
        raise CorruptRefBlock("not a leaf block of this object format")
    return len(_LEAF_MAGIC) + 1


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
    if not names or any(map(ge, names, names[1:])):
        raise CorruptRefBlock("a block is empty or out of order")
