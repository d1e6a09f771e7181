"""Bitmap files whose hash is right, and mostly the rest too but for one place."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from fuzz import world
from fuzz.mutators import MutateBytes, sha1

_HEAD_BYTES = 4 + 2 + 2 + 4 + 20
_HASH_BYTES = 20
FULL_DAG, HASH_CACHE, LOOKUP_TABLE, PSEUDO_MERGES = 0x1, 0x4, 0x10, 0x20
_COUNT = len(world.OBJECTS)


@dataclass(slots=True)
class Entry:
    """What a commit reaches. bits: in the order of the pack."""

    position: int
    bitmap: bytes
    xor_offset: int = 0
    flags: int = 0


@dataclass(slots=True)
class File:
    """The parts of a bitmap file."""

    kinds: list[bytes]
    entries: list[Entry]
    flags: int = FULL_DAG | HASH_CACHE
    tables: bytes = field(default=bytes(4 * _COUNT))


def ewah(*words: int) -> bytes:
    """A bitmap of words that all stand for themselves."""
    return struct.pack(f">II{1 + len(words)}QI", 64 * len(words), 1 + len(words), len(words) << 33, *words, 0)


def run_of_ones(words: int) -> bytes:
    """A bitmap that is one run."""
    return struct.pack(">IIQI", 64 * words & 0xFFFFFFFF, 1, words << 1 | 1, 0)


def join(file: File) -> bytes:
    """The bytes of a file."""
    pack, _ = world.pack_and_idx()
    head = b"BITM" + struct.pack(">HHI", 1, file.flags, len(file.entries)) + pack[-20:]
    entries = [struct.pack(">IBB", each.position, each.xor_offset, each.flags) + each.bitmap for each in file.entries]
    body = b"".join([head, *file.kinds, *entries, file.tables])
    return body + sha1(body)


def split(data: bytes) -> File | None:
    """The parts of a file that is whole enough."""
    try:
        (flags, count), at = struct.unpack_from(">HI", data, 6), _HEAD_BYTES
        kinds = []
        for _ in range(4):
            kinds.append(_bitmap_at(data, at))
            at += len(kinds[-1])
        entries = []
        for _ in range(min(count, 64)):
            position, xor_offset, entry_flags = struct.unpack_from(">IBB", data, at)
            entries.append(Entry(position, _bitmap_at(data, at + 6), xor_offset, entry_flags))
            at += 6 + len(entries[-1].bitmap)
    except struct.error:
        return None
    return File(kinds, entries, flags, data[at:-_HASH_BYTES])


def mutate(data: bytes, max_bytes: int, seed: int, mutate_bytes: MutateBytes) -> bytes:
    """Change one part, and mend the hash."""
    random = Random(seed)
    file = split(data)
    if file is None or random.random() < 0.1:
        return mutate_bytes(data, max_bytes)
    random.choice([_kind, _bitmap, _bitmap, _entry, _more, _flags, _tables])(file, random, mutate_bytes)
    return join(file)[:max_bytes]


def _bitmap_at(data: bytes, at: int) -> bytes:
    _, words = struct.unpack_from(">II", data, at)
    struct.unpack_from(">I", data, at + 8 + 8 * words)
    return data[at : at + 12 + 8 * words]


def _changed(bitmap: bytes, random: Random, mutate_bytes: MutateBytes) -> bytes:
    """Other words with a frame that fits them; now and then any bytes."""
    if random.random() < 0.1:
        return mutate_bytes(bitmap, 200)
    if random.random() < 0.2:
        return random.choice([ewah(random.getrandbits(_COUNT)), run_of_ones(random.choice([1, 2, 1 << 31]))])
    words = mutate_bytes(bitmap[8:-4], 160)
    words = words[: len(words) // 8 * 8]
    return struct.pack(">II", 8 * len(words), len(words) // 8) + words + bitmap[-4:]


def _kind(file: File, random: Random, mutate_bytes: MutateBytes) -> None:
    at = random.randrange(4)
    file.kinds[at] = _changed(file.kinds[at], random, mutate_bytes)


def _bitmap(file: File, random: Random, mutate_bytes: MutateBytes) -> None:
    if file.entries:
        entry = random.choice(file.entries)
        entry.bitmap = _changed(entry.bitmap, random, mutate_bytes)


def _entry(file: File, random: Random, _: MutateBytes) -> None:
    if file.entries:
        entry = random.choice(file.entries)
        entry.position = random.choice([random.randrange(_COUNT), random.getrandbits(32)])
        entry.xor_offset = random.choice([0, 1, random.randrange(256)])


def _more(file: File, random: Random, _: MutateBytes) -> None:
    bitmap = random.choice([ewah(random.getrandbits(_COUNT)), run_of_ones(1)])
    added = Entry(random.randrange(_COUNT), bitmap, random.randrange(len(file.entries) + 1) % 160)
    file.entries.insert(random.choice([0, len(file.entries)]), added)


def _flags(file: File, random: Random, _: MutateBytes) -> None:
    file.flags ^= random.choice([FULL_DAG, HASH_CACHE, LOOKUP_TABLE, PSEUDO_MERGES, 1 << random.randrange(16)])
    if random.random() < 0.5:
        file.tables = tables(file.flags, file.entries)


def _tables(file: File, random: Random, mutate_bytes: MutateBytes) -> None:
    file.tables = mutate_bytes(file.tables, 200) if random.random() < 0.5 else tables(file.flags, file.entries)


def tables(flags: int, entries: Sequence[Entry]) -> bytes:
    """As many zeros as the tables that the flags announce would take."""
    lookup = 16 * len(entries) if flags & LOOKUP_TABLE else 0
    hashes = 4 * _COUNT if flags & HASH_CACHE else 0
    return bytes(lookup + hashes)
