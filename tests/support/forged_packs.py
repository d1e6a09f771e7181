"""Packs as no Git would write them (gitformat-pack(5)): `raw_packs` in the words of the tests of the core."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.support import raw_packs

if TYPE_CHECKING:
    from core_ext._core import Kind, Oid

_NUMBERS: dict[Kind, int] = {
    "commit": raw_packs.COMMIT,
    "tree": raw_packs.TREE,
    "blob": raw_packs.BLOB,
    "tag": raw_packs.TAG,
}


def name(kind: Kind, content: bytes) -> Oid:
    """The SHA-1 name of an object."""
    return raw_packs.oid_of(_NUMBERS[kind], content)


def whole(kind: Kind, content: bytes, *, announced_bytes: int | None = None) -> bytes:
    """An entry with a whole object; `announced_bytes` is what its header claims instead of the truth."""
    return raw_packs.entry(_NUMBERS[kind], content, size=announced_bytes)


def ofs_delta(distance: int, delta: bytes) -> bytes:
    """An entry whose base starts `distance` bytes before it."""
    digits = [distance & 0x7F]
    while distance := distance >> 7:
        distance -= 1
        digits.append(0x80 | distance & 0x7F)
    return raw_packs.entry(raw_packs.OFS_DELTA, delta, base=bytes(reversed(digits)))


def ref_delta(base: Oid, delta: bytes) -> bytes:
    """An entry whose base is named."""
    return raw_packs.entry(raw_packs.REF_DELTA, delta, base=base)


def inserting(base: bytes, tail: bytes) -> bytes:
    """A delta that makes `base + tail` of base; both are short."""
    return copying(len(base), len(base), 0, len(base), tail)


def copying(base_bytes: int, copied_bytes: int, start: int, result_bytes: int, tail: bytes = b"") -> bytes:
    """A delta of one copy and one insert, with the sizes it is told to claim."""
    assert copied_bytes < 1 << 16
    assert len(tail) < 1 << 7
    copy = bytes([0x80 | 0x01 | 0x02 | 0x10 | 0x20]) + struct.pack("<HH", start, copied_bytes) if copied_bytes else b""
    insert = bytes([len(tail)]) + tail if tail else b""
    return raw_packs.delta(base_bytes, result_bytes + len(tail), copy, insert)


def pack(entries: Sequence[bytes], *, count: int | None = None, version: int = 2) -> bytes:
    """A pack of these entries with a right trailer; `count` is what its header claims instead of the truth."""
    return raw_packs.pack_of(entries, count=count, version=version)


def tree(*entries: tuple[bytes, bytes, bytes]) -> bytes:
    """The content of a tree: (mode, name, oid) each, in this order."""
    return raw_packs.tree_content(entries)


def commit(tree_oid: Oid, *parents: Oid) -> bytes:
    """The content of a commit."""
    return raw_packs.commit_content(tree_oid, parents)
