"""Deltas whose sizes are right, so that their instructions are looked at."""

from __future__ import annotations

from random import Random

from fuzz.mutators import MutateBytes
from tests.support import delta_twin
from tests.support.raw_packs import copy, varint


def join(base: bytes, delta: bytes) -> bytes:
    """One input of a base and a delta: two bytes with the length of the base, then both."""
    return len(base).to_bytes(2, "big") + base + delta


def split(data: bytes) -> tuple[bytes, bytes]:
    """(base, delta)."""
    end = 2 + int.from_bytes(data[:2], "big")
    return data[2:end], data[end:]


def mutate(data: bytes, max_bytes: int, seed: int, mutate_bytes: MutateBytes) -> bytes:
    """Change base or delta; three times of four, make the sizes at the head of the delta fit again."""
    random = Random(seed)
    base, delta = split(data)
    change = random.random()
    if change < 0.2:
        base = mutate_bytes(base, max_bytes // 2)
    elif change < 0.6:
        delta = mutate_bytes(delta, max_bytes // 2)
    else:
        delta += _instruction(base, random)
    if random.random() < 0.75:
        delta = mended(base, delta)
    return join(base, delta)


def mended(base: bytes, delta: bytes) -> bytes:
    """The same up to the first instruction that does not fit the base, behind the sizes that are true of it."""
    try:
        _, at = delta_twin.read_size(delta, 0)
        _, start = delta_twin.read_size(delta, at)
    except delta_twin.BadDelta:
        start = len(delta)
    size, end = 0, start
    while end < len(delta):
        try:
            piece, end = delta_twin.instruction(base, delta, end)
        except delta_twin.BadDelta:
            break
        size += len(piece)
    return varint(len(base)) + varint(size) + delta[start:end]


def _instruction(base: bytes, random: Random) -> bytes:
    """One that fits."""
    if not base or random.random() < 0.5:
        inserted = random.randbytes(random.randint(1, 127))
        return bytes([len(inserted)]) + inserted
    start = random.randrange(len(base))
    return copy(start, random.randint(1, len(base) - start))
