"""Packs taken apart, changed in one place and put together again: zlib streams, sizes, count and trailer are right.

A change that makes one of those wrong is a mutation like any other: it is made on purpose, alone.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from random import Random

from fuzz import world
from fuzz.mutators import MutateBytes, sha1
from fuzz.mutators.delta import mended as mended_delta
from tests.support.raw_packs import BLOB, OFS_DELTA, REF_DELTA, entry, oid_of, pack_of

_HEADER_BYTES = 12
_MAX_CONTENT_BYTES = 1 << 16
_KINDS = range(8)
"""All that fits into an entry's header: 0 and 5 are no kinds."""


@dataclass(frozen=True)
class Entry:
    """One entry, inflated."""

    kind: int
    content: bytes
    base: int = 0
    """Of an OFS_DELTA: how many entries before it its base is; beyond the first entry, before the pack."""

    base_oid: bytes = b""
    size: int | None = None
    """What the header claims, if not the truth."""

    level: int = 6


def mutate(data: bytes, max_bytes: int, seed: int, mutate_bytes: MutateBytes) -> bytes:
    """Change one thing, or a few."""
    random = Random(seed)
    if random.random() < 0.1:
        return mutate_bytes(data, max_bytes)
    if random.random() < 0.15:
        body = mutate_bytes(data[:-20], max_bytes - 20)
        return body + sha1(body)
    entries = parse(data) or [Entry(BLOB, b"blob")]
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        entries = random.choice(_MUTATIONS)(entries, random, mutate_bytes)
    count = None if random.random() < 0.95 else max(0, len(entries) + random.choice([-1, 1, 1 << 31]))
    return joined(entries, count=count)[:max_bytes]


def parse(data: bytes) -> list[Entry]:
    """The entries in front of the first one that is broken."""
    entries: list[Entry] = []
    starts: list[int] = []
    at = _HEADER_BYTES
    while at < len(data) - 20:
        try:
            parsed, end = _parse_entry(data, at, starts)
        except (IndexError, ValueError, zlib.error):
            break
        entries.append(parsed)
        starts.append(at)
        at = end
    return entries


def joined(entries: list[Entry], *, count: int | None = None) -> bytes:
    """A pack of the entries. count: what its header claims, if not the truth."""
    pieces: list[bytes] = []
    starts: list[int] = []
    at = _HEADER_BYTES
    for item in entries:
        start = starts[-item.base] if 0 < item.base <= len(starts) else 0
        base = _distance(at - start) if item.kind == OFS_DELTA else item.base_oid
        pieces.append(entry(item.kind, item.content, size=item.size, base=base, level=item.level))
        starts.append(at)
        at += len(pieces[-1])
    return pack_of(pieces, count=len(entries) if count is None else count)


def _parse_entry(data: bytes, start: int, starts: list[int]) -> tuple[Entry, int]:
    kind, at = data[start] >> 4 & 7, start
    while data[at] & 0x80:
        at += 1
    at += 1
    base, base_oid = 0, b""
    if kind == OFS_DELTA:
        distance, at = _read_distance(data, at)
        base = len(starts) - starts.index(start - distance)
    elif kind == REF_DELTA:
        base_oid, at = data[at : at + 20], at + 20
    stream = zlib.decompressobj()
    content = stream.decompress(data[at:-20], _MAX_CONTENT_BYTES)
    if not stream.eof:
        raise ValueError("a stream that does not end, or is very long")
    return Entry(kind, content, base, base_oid), len(data) - 20 - len(stream.unused_data)


def _read_distance(data: bytes, at: int) -> tuple[int, int]:
    distance = data[at] & 0x7F
    while data[at] & 0x80:
        at += 1
        distance = distance + 1 << 7 | data[at] & 0x7F
    return distance, at + 1


def _distance(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        value -= 1
        digits.append(0x80 | value & 0x7F)
    return bytes(reversed(digits))


# --- mutations --------------------------------------------------------------------------------------------------------


def _content(entries: list[Entry], random: Random, mutate_bytes: MutateBytes) -> list[Entry]:
    """Other content; a delta mostly gets sizes that are right for some base."""
    at = random.randrange(len(entries))
    old = entries[at]
    content = mutate_bytes(old.content, 4096)
    if old.kind in (OFS_DELTA, REF_DELTA) and random.random() < 0.7:
        content = mended_delta(_base_content(entries, at, random), content)
    return _with(entries, at, replace(old, content=content))


def _kind(entries: list[Entry], random: Random, _: MutateBytes) -> list[Entry]:
    at = random.randrange(len(entries))
    kind = random.choice(_KINDS)
    base_oid = _some_oid(entries, random) if kind == REF_DELTA else b""
    return _with(entries, at, replace(entries[at], kind=kind, base=random.randrange(3), base_oid=base_oid))


def _base(entries: list[Entry], random: Random, _: MutateBytes) -> list[Entry]:
    at = random.randrange(len(entries))
    changed = replace(entries[at], base=random.randrange(len(entries) + 2))
    return _with(entries, at, replace(changed, base_oid=_some_oid(entries, random) if changed.base_oid else b""))


def _new_delta(entries: list[Entry], random: Random, mutate_bytes: MutateBytes) -> list[Entry]:
    """One more delta: on an entry before it, on any object of the pack, or on a known one."""
    at = random.randint(1, len(entries))
    instructions = mutate_bytes(b"\0\0\x90\x10\x03end", 64)
    before, anywhere, known = random.randrange(at), random.choice(entries), random.choice(world.OBJECTS)
    by_distance = Entry(OFS_DELTA, mended_delta(entries[before].content, instructions), base=at - before)
    thin = Entry(REF_DELTA, mended_delta(known.content, instructions), base_oid=known.oid)
    choices = [by_distance, thin]
    if 1 <= anywhere.kind <= 4:
        oid = oid_of(anywhere.kind, anywhere.content)
        choices.append(Entry(REF_DELTA, mended_delta(anywhere.content, instructions), base_oid=oid))
    return [*entries[:at], random.choice(choices), *entries[at:]]


def _drop(entries: list[Entry], random: Random, _: MutateBytes) -> list[Entry]:
    at = random.randrange(len(entries))
    return entries[:at] + entries[at + 1 :] or entries


def _repeat(entries: list[Entry], random: Random, _: MutateBytes) -> list[Entry]:
    at = random.randrange(len(entries))
    return [*entries[:at], random.choice(entries), *entries[at:]]


def _swap(entries: list[Entry], random: Random, _: MutateBytes) -> list[Entry]:
    shuffled = list(entries)
    left, right = (random.randrange(len(entries)) for _ in range(2))
    shuffled[left], shuffled[right] = shuffled[right], shuffled[left]
    return shuffled


def _size(entries: list[Entry], random: Random, _: MutateBytes) -> list[Entry]:
    """A header that lies."""
    at = random.randrange(len(entries))
    lies = [0, len(entries[at].content) + 1, max(0, len(entries[at].content) - 1), 1 << 16, 1 << 32, (1 << 63) - 1]
    return _with(entries, at, replace(entries[at], size=random.choice(lies)))


def _level(entries: list[Entry], random: Random, _: MutateBytes) -> list[Entry]:
    """Another compression: stored blocks, or other ones."""
    at = random.randrange(len(entries))
    return _with(entries, at, replace(entries[at], level=random.choice([0, 1, 9])))


_MUTATIONS = [_content, _content, _kind, _base, _new_delta, _new_delta, _drop, _repeat, _swap, _size, _level]


def _with(entries: list[Entry], at: int, changed: Entry) -> list[Entry]:
    return [*entries[:at], changed, *entries[at + 1 :]]


def _base_content(entries: list[Entry], at: int, random: Random) -> bytes:
    """What the delta may stand on: the entry its distance leads to, or one of the known objects."""
    base = entries[at].base
    if entries[at].kind == OFS_DELTA and 0 < base <= at:
        return entries[at - base].content
    return random.choice([*(stored.content for stored in world.OBJECTS), *(item.content for item in entries)])


def _some_oid(entries: list[Entry], random: Random) -> bytes:
    whole = [oid_of(item.kind, item.content) for item in entries if 1 <= item.kind <= 4]
    return random.choice([*whole, *(stored.oid for stored in world.OBJECTS), bytes(20)])
