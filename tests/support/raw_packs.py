"""Packs made by hand: right ones, and ones that are wrong in a single way."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Sequence

COMMIT, TREE, BLOB, TAG, OFS_DELTA, REF_DELTA = 1, 2, 3, 4, 6, 7
_KIND_NAMES = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", TAG: b"tag"}
EMPTY_TREE = bytes.fromhex("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
NULL = bytes(20)


def oid_of(kind: int, content: bytes) -> bytes:
    """The SHA-1 name of an object."""
    return hashlib.sha1(b"%b %d\0%b" % (_KIND_NAMES[kind], len(content), content)).digest()  # noqa: S324  # Git's


def entry(kind: int, content: bytes, *, size: int | None = None, base: bytes = b"", level: int = 6) -> bytes:
    """A pack entry. size: what the header says, if it is to lie. base: raw oid or offset bytes of a delta."""
    announced = len(content) if size is None else size
    header = bytearray()
    byte, rest = kind << 4 | announced & 0x0F, announced >> 4
    while rest:
        header.append(byte | 0x80)
        byte, rest = rest & 0x7F, rest >> 7
    header.append(byte)
    return bytes(header) + base + zlib.compress(content, level)


def pack_of(entries: Sequence[bytes], *, count: int | None = None, version: int = 2) -> bytes:
    """A pack of these entries with a right trailer. count: what the header says, if it is to lie."""
    body = b"PACK" + struct.pack(">II", version, len(entries) if count is None else count) + b"".join(entries)
    return body + hashlib.sha1(body).digest()  # noqa: S324  # Git's


def commit_content(tree: bytes = EMPTY_TREE, parents: Sequence[bytes] = (), message: bytes = b"Message\n") -> bytes:
    """A commit that fsck has nothing to say about."""
    person = b"A. Author <author@example.org> 1700000000 +0000"
    lines = [b"tree " + tree.hex().encode(), *(b"parent " + parent.hex().encode() for parent in parents)]
    return b"\n".join([*lines, b"author " + person, b"committer " + person, b"", message])


def tree_content(entries: Sequence[tuple[bytes, bytes, bytes]]) -> bytes:
    """entries: (mode digits, name, raw oid), in the order given."""
    return b"".join(b"%b %b\0%b" % entry for entry in entries)


def varint(value: int) -> bytes:
    """A size as deltas have it."""
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])


def copy(offset: int, length: int) -> bytes:
    """A copy instruction with all its argument bytes."""
    return b"\xff" + struct.pack("<I", offset) + struct.pack("<I", length)[:3]


def delta(base_size: int, result_size: int, *instructions: bytes) -> bytes:
    """A delta of these instructions."""
    return varint(base_size) + varint(result_size) + b"".join(instructions)
