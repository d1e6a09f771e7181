"""Packs as no Git would write them, entry by entry (gitformat-pack(5))."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core_ext._core import Kind, Oid

_NUMBERS: dict[Kind, int] = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_OFS_DELTA, _REF_DELTA = 6, 7


def name(kind: Kind, content: bytes) -> Oid:
    """The SHA-1 name of an object."""
    return _sha1(b"%b %d\0%b" % (kind.encode(), len(content), content))


def whole(kind: Kind, content: bytes, *, announced_bytes: int | None = None) -> bytes:
    """An entry with a whole object; `announced_bytes` is what its header claims instead of the truth."""
    size = len(content) if announced_bytes is None else announced_bytes
    return _header(_NUMBERS[kind], size) + zlib.compress(content)


def ofs_delta(distance: int, delta: bytes) -> bytes:
    """An entry whose base starts `distance` bytes before it."""
    digits = [distance & 0x7F]
    while distance := distance >> 7:
        distance -= 1
        digits.append(0x80 | distance & 0x7F)
    return _header(_OFS_DELTA, len(delta)) + bytes(reversed(digits)) + zlib.compress(delta)


def ref_delta(base: Oid, delta: bytes) -> bytes:
    """An entry whose base is named."""
    return _header(_REF_DELTA, len(delta)) + base + zlib.compress(delta)


def inserting(base: bytes, tail: bytes) -> bytes:
    """A delta that makes `base + tail` of base; both are short."""
    return copying(len(base), len(base), 0, len(base), tail)


def copying(base_bytes: int, copied_bytes: int, start: int, result_bytes: int, tail: bytes = b"") -> bytes:
    """A delta of one copy and one insert, with the sizes it is told to claim."""
    assert copied_bytes < 1 << 16
    assert len(tail) < 1 << 7
    copy = bytes([0x80 | 0x01 | 0x02 | 0x10 | 0x20]) + struct.pack("<HH", start, copied_bytes) if copied_bytes else b""
    insert = bytes([len(tail)]) + tail if tail else b""
    return _varint(base_bytes) + _varint(result_bytes + len(tail)) + copy + insert


def pack(entries: Sequence[bytes], *, count: int | None = None, version: int = 2) -> bytes:
    """A pack of these entries with a right trailer; `count` is what its header claims instead of the truth."""
    body = b"PACK" + struct.pack(">II", version, len(entries) if count is None else count) + b"".join(entries)
    return body + _sha1(body)


def tree(*entries: tuple[bytes, bytes, bytes]) -> bytes:
    """The content of a tree: (mode, name, oid) each, in this order."""
    return b"".join(b"%b %b\0%b" % entry for entry in entries)


def commit(tree_oid: Oid, *parents: Oid) -> bytes:
    """The content of a commit."""
    person = b"A U Thor <author@example.org> 1700000000 +0000"
    lines = [b"tree %b" % tree_oid.hex().encode()]
    lines += [b"parent %b" % parent.hex().encode() for parent in parents]
    lines += [b"author " + person, b"committer " + person, b"", b"message\n"]
    return b"\n".join(lines)


def _header(number: int, size: int) -> bytes:
    head = bytearray([number << 4 | size & 15])
    size >>= 4
    while size:
        head[-1] |= 0x80
        head.append(size & 0x7F)
        size >>= 7
    return bytes(head)


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(0x80 | value & 0x7F)
        value >>= 7
    return bytes([*digits, value])


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()
