"""Packs in the plainest Python, gitformat-pack(5): written entry by entry as a test wants them, and read to the end."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core_ext._core import Kind, Oid

_KINDS: list[Kind] = ["commit", "tree", "blob", "tag"]
OFS_DELTA, REF_DELTA = 6, 7


@dataclass(frozen=True, slots=True)
class Stored:
    """An object, and how a pack is to store it: whole, or as a delta against a base of the same pack."""

    kind: Kind
    content: bytes
    base: Stored | None = None
    by_distance: bool = True

    @property
    def oid(self) -> Oid:
        return oid_of(self.kind, self.content)


@dataclass
class ReadPack:
    """What a pack holds once all deltas are resolved."""

    objects: dict[Oid, tuple[Kind, bytes]] = field(default_factory=dict)
    depths: dict[Oid, int] = field(default_factory=dict)
    """Deltas between each object and one that is whole or outside of the pack."""

    types: list[int] = field(default_factory=list)
    """The types of the entries, in stored order."""


def oid_of(kind: Kind, content: bytes) -> Oid:
    """The SHA-1 name of an object."""
    return _sha1(b"%b %d\0%b" % (kind.encode(), len(content), content))


def write_pack(entries: Sequence[Stored]) -> tuple[bytes, bytes]:
    """(pack, idx). A base that is named by distance comes before its delta."""
    pack = bytearray(b"PACK" + struct.pack(">II", 2, len(entries)))
    offsets: dict[Oid, int] = {}
    crcs: dict[Oid, int] = {}
    for entry in entries:
        start = offsets[entry.oid] = len(pack)
        pack += _entry_bytes(entry, start, offsets)
        crcs[entry.oid] = zlib.crc32(pack[start:])
    pack += _sha1(pack)
    return bytes(pack), _idx_bytes(offsets, crcs, bytes(pack[-20:]))


def read_pack(pack: bytes, outside: Mapping[Oid, tuple[Kind, bytes]] | None = None) -> ReadPack:
    """Check the frame, read every entry, resolve every delta. `outside` holds what thin deltas may stand on."""
    magic, version, count = struct.unpack(">4sII", pack[:12])
    assert (magic, version) == (b"PACK", 2)
    assert pack[-20:] == _sha1(pack[:-20])
    read = ReadPack()
    done: dict[int, Oid] = {}
    waiting: list[_Delta] = []
    at = 12
    for _ in range(count):
        start = at
        number, at, base = _entry_header(pack, start)
        stream = zlib.decompressobj()
        data = stream.decompress(pack[at:])
        assert stream.eof
        at = len(pack) - len(stream.unused_data)
        read.types.append(number)
        if base is None:
            done[start] = _keep(read, _KINDS[number - 1], data, 0)
        else:
            waiting.append((start, base, data))
    assert at == len(pack) - 20
    _resolve(read, done, waiting, outside or {})
    assert len(read.objects) == count
    return read


_Delta = tuple[int, "int | Oid", bytes]
"""Where an entry starts, its base's offset or id, and the delta."""


def _resolve(
    read: ReadPack, done: dict[int, Oid], waiting: list[_Delta], outside: Mapping[Oid, tuple[Kind, bytes]]
) -> None:
    while waiting:
        left = [delta for delta in waiting if not _resolved(read, done, delta, {})]
        if len(left) == len(waiting):
            left = [delta for delta in waiting if not _resolved(read, done, delta, outside)]
        assert len(left) < len(waiting), "a delta cycle, or a base that is nowhere"
        waiting = left


def _resolved(read: ReadPack, done: dict[int, Oid], delta: _Delta, outside: Mapping[Oid, tuple[Kind, bytes]]) -> bool:
    start, base, data = delta
    oid = done.get(base) if isinstance(base, int) else base
    if oid is None or (oid not in read.objects and oid not in outside):
        return False
    kind, content = read.objects.get(oid) or outside[oid]
    done[start] = _keep(read, kind, _apply(content, data), read.depths.get(oid, 0) + 1)
    return True


def _keep(read: ReadPack, kind: Kind, content: bytes, depth: int) -> Oid:
    oid = oid_of(kind, content)
    assert oid not in read.objects, f"{oid.hex()} is there twice"
    read.objects[oid] = (kind, content)
    read.depths[oid] = depth
    return oid


def _entry_bytes(entry: Stored, start: int, offsets: Mapping[Oid, int]) -> bytes:
    if entry.base is None:
        return _header(_KINDS.index(entry.kind) + 1, len(entry.content)) + zlib.compress(entry.content)
    delta = _delta(entry.base.content, entry.content)
    if entry.by_distance:
        head = _header(OFS_DELTA, len(delta)) + _distance(start - offsets[entry.base.oid])
    else:
        head = _header(REF_DELTA, len(delta)) + entry.base.oid
    return head + zlib.compress(delta)


def _header(number: int, size: int) -> bytes:
    head = bytearray([number << 4 | size & 15])
    size >>= 4
    while size:
        head[-1] |= 0x80
        head.append(size & 0x7F)
        size >>= 7
    return bytes(head)


def _entry_header(pack: bytes, start: int) -> tuple[int, int, int | Oid | None]:
    """(type, where the zlib stream starts, the base's offset or id)."""
    number, at = pack[start] >> 4 & 7, start
    while pack[at] & 0x80:
        at += 1
    at += 1
    if number == REF_DELTA:
        return number, at + 20, pack[at : at + 20]
    if number != OFS_DELTA:
        return number, at, None
    distance = pack[at] & 0x7F
    while pack[at] & 0x80:
        at += 1
        distance = (distance + 1) << 7 | pack[at] & 0x7F
    return number, at + 1, start - distance


def _distance(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        value -= 1
        digits.append(0x80 | value & 0x7F)
    return bytes(reversed(digits))


def _delta(base: bytes, target: bytes) -> bytes:
    """Copy what both begin with, insert the rest."""
    common = 0
    while common < min(len(base), len(target), 0xFFFF) and base[common] == target[common]:
        common += 1
    delta = _size(len(base)) + _size(len(target))
    if common:
        delta += bytes([0x80 | 0x10 | 0x20, common & 0xFF, common >> 8])
    for at in range(common, len(target), 127):
        piece = target[at : at + 127]
        delta += bytes([len(piece)]) + piece
    return delta


def _apply(base: bytes, delta: bytes) -> bytes:
    base_size, at = _read_size(delta, 0)
    size, at = _read_size(delta, at)
    assert base_size == len(base)
    out = bytearray()
    while at < len(delta):
        op = delta[at]
        at += 1
        if op < 0x80:
            out += delta[at : at + op]
            at += op
            continue
        fields = [0] * 7
        for bit in range(7):
            if op >> bit & 1:
                fields[bit] = delta[at]
                at += 1
        offset, length = int.from_bytes(fields[:4], "little"), int.from_bytes(fields[4:], "little") or 0x10000
        out += base[offset : offset + length]
    assert len(out) == size
    return bytes(out)


def _size(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(0x80 | value & 0x7F)
        value >>= 7
    return bytes([*digits, value])


def _read_size(delta: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (delta[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not delta[at - 1] & 0x80:
            return value, at


def _idx_bytes(offsets: Mapping[Oid, int], crcs: Mapping[Oid, int], trailer: bytes) -> bytes:
    oids = sorted(offsets)
    fanout = [sum(oid[0] <= byte for oid in oids) for byte in range(256)]
    idx = b"\xfftOc" + struct.pack(">I256I", 2, *fanout) + b"".join(oids)
    idx += b"".join(struct.pack(">I", crcs[oid]) for oid in oids)
    idx += b"".join(struct.pack(">I", offsets[oid]) for oid in oids) + trailer
    return idx + _sha1(idx)


def _sha1(data: bytes | bytearray) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()
