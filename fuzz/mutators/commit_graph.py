"""Commit-graphs whose table of chunks and checksum are right, so that what stands in the chunks is looked at."""

from __future__ import annotations

import struct
from random import Random

from fuzz.mutators import MutateBytes
from tests.support.graph_files import MARK, NO_PARENT, chunks_of, joined

_ROW_LEN = 36
_NUMBERS_START = 20
"""Where two parents, level and date stand in a row."""

_BASE_S = 1 << 33
"""Generations that are mended are a little more than this: above most dates, and none for which the commit is asked."""


def mutate(data: bytes, max_bytes: int, seed: int, mutate_bytes: MutateBytes) -> bytes:
    """Change a number or a chunk, and mend what would be refused at once."""
    random = Random(seed)
    chunks = _chunks_of(data)
    if not chunks or random.random() < 0.05:
        return mutate_bytes(data, max_bytes)
    change = random.choice([*[_row] * 6, _generation, _edge, _chunk])
    change(chunks, random, mutate_bytes)
    if random.random() < 0.8:
        _mend_generations(chunks)
    return joined(data[:6], list(chunks.items()))[:max_bytes]


def _chunks_of(data: bytes) -> dict[bytes, bytes]:
    """The chunks of what may be none."""
    try:
        return chunks_of(data)
    except (IndexError, struct.error):
        return {}


def _row(chunks: dict[bytes, bytes], random: Random, _: MutateBytes) -> None:
    """Another parent, level or date for a commit."""
    count = len(chunks.get(b"CDAT", b"")) // _ROW_LEN
    if count:
        at = random.randrange(count) * _ROW_LEN + _NUMBERS_START + 4 * random.randrange(4)
        _overwrite(chunks, b"CDAT", at, _number(count, random))


def _generation(chunks: dict[bytes, bytes], random: Random, _: MutateBytes) -> None:
    """Another offset of a generation, also of those that overflow."""
    name = random.choice([b"GDA2", b"GDA2", b"GDO2"])
    count = len(chunks.get(name, b"")) // 4
    if count:
        _overwrite(chunks, name, 4 * random.randrange(count), _number(count, random))


def _edge(chunks: dict[bytes, bytes], random: Random, _: MutateBytes) -> None:
    """Another parent of an octopus merge, or another end of the list."""
    count = len(chunks.get(b"EDGE", b"")) // 4
    if count:
        _overwrite(chunks, b"EDGE", 4 * random.randrange(count), _number(count, random))


def _chunk(chunks: dict[bytes, bytes], random: Random, mutate_bytes: MutateBytes) -> None:
    """Anything in a chunk; mostly it keeps its length. Or it is not there."""
    name = random.choice(list(chunks))
    chunk = chunks.pop(name)
    if random.random() < 0.9:
        changed = mutate_bytes(chunk, 4096)
        chunks[name] = changed[: len(chunk)].ljust(len(chunk), b"\0") if random.random() < 0.8 else changed


def _mend_generations(chunks: dict[bytes, bytes]) -> None:
    """A generation above those of all parents for each row, if the rows allow it."""
    try:
        levels = _levels([_parents(chunks, row) for row in range(len(chunks[b"CDAT"]) // _ROW_LEN)])
        dates_s = [struct.unpack_from(">Q", chunks[b"CDAT"], row * _ROW_LEN + 28)[0] & (1 << 34) - 1 for row in levels]
        offsets_s = [_BASE_S + level - date_s for level, date_s in zip(levels.values(), dates_s, strict=True)]
        overflows = b"".join(struct.pack(">Q", offset_s) for offset_s in offsets_s)
    except (LookupError, RecursionError, struct.error):
        return
    chunks[b"GDO2"] = overflows
    chunks[b"GDA2"] = b"".join(struct.pack(">I", MARK | row) for row in levels)


def _parents(chunks: dict[bytes, bytes], row: int) -> list[int]:
    first, second = struct.unpack_from(">2I", chunks[b"CDAT"], row * _ROW_LEN + _NUMBERS_START)
    parents = [first, second]
    if second & MARK:
        edges = [edge for (edge,) in struct.iter_unpack(">I", chunks[b"EDGE"])][second & ~MARK :]
        end = next(at for at, edge in enumerate(edges) if edge & MARK) if any(edge & MARK for edge in edges) else 0
        parents = [first, *(edge & ~MARK for edge in edges[: end + 1])]
    return [parent for parent in parents if parent != NO_PARENT]


def _levels(parents: list[list[int]]) -> dict[int, int]:
    """One more than the greatest level of the parents, by row. Raises RecursionError for a circle."""
    levels: dict[int, int] = {}

    def level_of(row: int) -> int:
        if row not in levels:
            levels[row] = 1 + max(map(level_of, parents[row]), default=0)
        return levels[row]

    return {row: level_of(row) for row in range(len(parents))}


def _number(count: int, random: Random) -> int:
    """Mostly no parent or a row, which may close a circle; or a marked one, or anything."""
    row = random.randrange(count)
    return random.choice([*[NO_PARENT] * 4, row, row, row, MARK | row, random.choice([count, random.getrandbits(32)])])


def _overwrite(chunks: dict[bytes, bytes], name: bytes, at: int, number: int) -> None:
    chunk = chunks[name]
    chunks[name] = chunk[:at] + struct.pack(">I", number) + chunk[at + 4 :]
