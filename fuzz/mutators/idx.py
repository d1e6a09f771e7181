"""Idx files whose checksums are right, and mostly the rest too but for one place, so that every table is looked at."""

from __future__ import annotations

import struct
from itertools import pairwise
from random import Random

from fuzz import world
from fuzz.mutators import MutateBytes, sha1

_OIDS = 8 + 256 * 4
_CRCS = _OIDS + 20 * len(world.OBJECTS)
_OFFSETS = _CRCS + 4 * len(world.OBJECTS)
_LARGE = _OFFSETS + 4 * len(world.OBJECTS)
_TRAILERS_BYTES = 40
_IS_LARGE = 1 << 31


def ids(idx: bytes) -> list[bytes]:
    """The ids in the table, as many as are there of those that belong there."""
    table = idx[_OIDS:_CRCS]
    return [table[at : at + 20] for at in range(0, len(table) - 19, 20)]


def mutate(data: bytes, max_bytes: int, seed: int, mutate_bytes: MutateBytes) -> bytes:
    """Change a table or a bit anywhere, and mend most of what would be refused at once."""
    random = Random(seed)
    if random.random() < 0.1:
        return mutate_bytes(data, max_bytes)
    change = random.choice([_offset, _offset, _id, _large_offsets, _table])
    changed = change(data.ljust(_LARGE + _TRAILERS_BYTES, b"\0"), random, mutate_bytes)
    if random.random() < 0.9:
        changed = _with_fanout(changed)
    return mended(changed)[:max_bytes] if random.random() < 0.95 else changed[:max_bytes]


def mended(idx: bytes) -> bytes:
    """The same with the trailer of its pack and a checksum of its own that is right."""
    pack, _ = world.pack_and_idx()
    body = idx[:-_TRAILERS_BYTES] + pack[-20:]
    return body + sha1(body)


def _offset(idx: bytes, random: Random, _: MutateBytes) -> bytes:
    """Another offset for an object: of another entry, inside of one, or anything."""
    pack, true = world.pack_and_idx()
    row = _OFFSETS + 4 * random.randrange(len(world.OBJECTS))
    others = [true[row : row + 4] for row in range(_OFFSETS, _LARGE, 4)]
    inside = struct.pack(">I", random.randrange(12, len(pack) - 20))
    anything = struct.pack(">I", random.choice([random.getrandbits(32), _IS_LARGE | random.randrange(3)]))
    return _overwritten(idx, row, random.choice([*others, inside, inside, anything]))


def _id(idx: bytes, random: Random, mutate_bytes: MutateBytes) -> bytes:
    """Another id for an entry, the table sorted again."""
    oids = ids(idx)
    at = random.randrange(len(oids))
    oids[at] = mutate_bytes(oids[at], 20).ljust(20, b"\0")
    return _overwritten(idx, _OIDS, b"".join(sorted(oids)))


def _large_offsets(idx: bytes, random: Random, mutate_bytes: MutateBytes) -> bytes:
    """A row of 64 bits for an offset that would not need it, or for any number."""
    pack, true = world.pack_and_idx()
    at = _OFFSETS + 4 * random.randrange(len(world.OBJECTS))
    row = bytes(4) + random.choice([true[at : at + 4], struct.pack(">I", random.randrange(len(pack)))])
    if random.random() < 0.3:
        row = mutate_bytes(row, 8).ljust(8, b"\0")
    return _overwritten(idx, at, struct.pack(">I", _IS_LARGE))[:_LARGE] + row + bytes(_TRAILERS_BYTES)


def _table(idx: bytes, random: Random, mutate_bytes: MutateBytes) -> bytes:
    """Anything in one table; mostly it keeps its length."""
    places = [_OIDS, _CRCS, _OFFSETS, _LARGE, len(idx) - _TRAILERS_BYTES]
    start, end = random.choice(list(pairwise(places)))
    changed = mutate_bytes(idx[start:end], 4096)
    if random.random() < 0.8:
        changed = changed[: end - start].ljust(end - start, b"\0")
    return idx[:start] + changed + idx[end:]


def _with_fanout(idx: bytes) -> bytes:
    """Magic, version and fan-out made anew from the ids."""
    oids = ids(idx)
    fanout = [sum(oid[0] <= byte for oid in oids) for byte in range(256)]
    return b"\xfftOc" + struct.pack(">I256I", 2, *fanout) + idx[_OIDS:]


def _overwritten(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]
