"""The ref table: sorted entries, in the manifest while few, else cut into two levels of content-addressed blocks.

A leaf block holds about 256 refs, an index block about 64 leaves, and the manifest lists the index blocks. Where a
block starts is decided by the hash of the name it starts with, so a change rewrites one block of each level and leaves
every other block, in this repository and in its forks, as it was. Names that were chosen to avoid or to force such
starts meet a least and a greatest block size. Format: docs/formats.md, "Ref blocks".
"""

from __future__ import annotations

import hashlib
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from packengine.refs.blocks import (
    BlockRecord,
    CorruptRefBlock,
    RefEntry,
    decode_index,
    decode_leaf,
    encode_index,
    encode_leaf,
    find_in_leaf,
    list_leaf,
    peeled_in_leaf,
    revalue_leaf,
    values_in_leaf,
)
from packengine.refs.listing import Peeling, list_entries

INLINE_ENTRIES = 64
"""The largest table that sits in the manifest."""

LEAF_SPREAD = 256
INDEX_SPREAD = LEAF_SPREAD * 64
LEAF_SIZES = (32, 1024)
INDEX_SIZES = (8, 512)

_FOUND_IN_PLACE = 4
"""So many refs of a block are looked for one by one; for more of them all of it is read."""

LoadBlock = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class RefChange:
    """What becomes of one ref: a new entry, or None to delete it."""

    name: bytes
    entry: RefEntry | None


@dataclass(frozen=True, slots=True)
class RefTable:
    """A repository's refs at one moment: either `inline` entries, or `index` blocks to be loaded."""

    oid_len: int
    inline: tuple[RefEntry, ...] | None
    index: tuple[BlockRecord, ...]
    load: LoadBlock = field(repr=False, compare=False)

    def __len__(self) -> int:
        if self.inline is not None:
            return len(self.inline)
        return sum(record.ref_count for record in self.index)

    def get(self, name: bytes) -> RefEntry | None:
        """The entry of exactly this name. Reads at most one block of each level."""
        return self.get_many((name,)).get(name)

    def get_many(self, names: Iterable[bytes]) -> dict[bytes, RefEntry]:
        """The entries of those of the names that there are. Reads each block at most once."""
        wanted = sorted(set(names))
        if self.inline is not None:
            return _picked(self.inline, wanted)
        found: dict[bytes, RefEntry] = {}
        for block_at, names_in_block in _shared_out(self.index, wanted):
            leaves = self._leaves(self.index[block_at])
            for leaf_at, names_in_leaf in _shared_out(leaves, names_in_block):
                found |= self._found(leaves[leaf_at], names_in_leaf)
        return found

    def _found(self, leaf: BlockRecord, names: Sequence[bytes]) -> dict[bytes, RefEntry]:
        if len(names) > _FOUND_IN_PLACE:
            return _picked(self._entries(leaf), names)
        data = self.load(leaf.digest)
        entries = [find_in_leaf(data, self.oid_len, name) for name in names]
        return {entry.name: entry for entry in entries if entry is not None}

    def scan(self, start: bytes = b"", stop: bytes | None = None) -> Iterator[RefEntry]:
        """Entries in name order from the first that is not before `start` to before `stop` (None: to the end); blocks
        are loaded as they are reached."""
        if self.inline is not None:
            yield from _within(self.inline, start, stop)
            return
        for leaf in self._leaves_between(start, stop):
            yield from _within(self._entries(leaf), start, stop)

    def listing(self, start: bytes, stop: bytes | None, peeling: Peeling) -> Iterator[bytes]:
        """What `scan` gives, as pkt-lines, those of one block at a time. Of no ref an object is made."""
        if self.inline is not None:
            yield list_entries(_within(self.inline, start, stop), self.oid_len, peeling)
            return
        for leaf in self._leaves_between(start, stop):
            yield list_leaf(leaf, self.load(leaf.digest), self.oid_len, start, stop, peeling)

    def with_prefix(self, prefix: bytes) -> Iterator[RefEntry]:
        """Entries whose names start with `prefix`, in name order: a range scan."""
        for entry in self.scan(prefix):
            if not entry.name.startswith(prefix):
                return
            yield entry

    def peeled(self, low: bytes, high: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        """(oid, peeled oid) of each annotated tag from the name `low` to before `high` (None: to the end), in name
        order. Of other refs no object is made: there may be 500,000, and fetches ask for this again and again."""
        if self.inline is not None:
            yield from ((e.oid, e.peeled) for e in _within(self.inline, low, high) if e.peeled is not None)
            return
        for leaf in self._leaves_between(low, high):
            yield from peeled_in_leaf(self.load(leaf.digest), self.oid_len, low, high)

    def values(self) -> Iterator[set[bytes]]:
        """What the refs stand for, distinct within each set: a block of the table gives one."""
        if self.inline is not None:
            yield {entry.oid for entry in self.inline}
            return
        for leaf in self._leaves_between(b"", None):
            yield values_in_leaf(self.load(leaf.digest), self.oid_len)

    def holds_below(self, name: bytes) -> bool:
        """Whether a ref lies below `name` as a folder."""
        return next(self.with_prefix(name + b"/"), None) is not None

    def check_blocks(self, checked: set[bytes]) -> None:
        """Read every block whose digest is not in `checked`, and add it. Raises CorruptRefBlock, and as `load`."""
        for block in self.index:
            if block.digest not in checked:
                for leaf in self._leaves(block):
                    if leaf.digest not in checked:
                        self._entries(leaf)
                        checked.add(leaf.digest)
                checked.add(block.digest)

    def apart_from(self, other: RefTable) -> Iterator[RefEntry]:
        """All entries that `other` does not have as they are here, and some that it has: those in blocks they share
        are passed over unread."""
        if self.inline is not None or other.inline is not None:
            yield from self.scan()
            return
        other_leaves = {leaf.digest for block in _beside(other.index, self.index) for leaf in other._leaves(block)}
        for block in _beside(self.index, other.index):
            for leaf in self._leaves(block):
                if leaf.digest not in other_leaves:
                    yield from self._entries(leaf)

    def apply(self, changes: Iterable[RefChange]) -> tuple[RefTable, dict[bytes, bytes]]:
        """The table after the changes, and its new blocks by digest."""
        by_name = {change.name: change.entry for change in changes}
        if self.inline is not None:
            entries = _merge(self.inline, by_name)
            return build_table(entries, oid_len=self.oid_len, load=self.load)
        return self._revalue(by_name) or self._apply_to_blocks(by_name)

    def preview(self, changes: Iterable[RefChange]) -> RefTable:
        """The table after the changes, readable although nobody has stored its new blocks."""
        table, fresh = self.apply(changes)
        return replace(table, load=lambda digest: fresh[digest] if digest in fresh else self.load(digest))

    def _revalue(self, by_name: Mapping[bytes, RefEntry | None]) -> tuple[RefTable, dict[bytes, bytes]] | None:
        """As `_apply_to_blocks`, if no more is to be done than to write other values into blocks; else None."""
        index, blocks = list(self.index), dict[bytes, bytes]()
        for block_at, names_in_block in _shared_out(index, sorted(by_name)):
            block = index[block_at]
            leaves = list(self._leaves(block))
            for leaf_at, names in _shared_out(leaves, names_in_block):
                leaf, entries = leaves[leaf_at], [by_name[name] for name in names]
                present = [entry for entry in entries if entry is not None]
                before = self.load(leaf.digest)
                data = revalue_leaf(before, self.oid_len, present)
                if data is None or len(present) < len(entries):
                    return None
                if data != before:
                    leaves[leaf_at] = _store(data, leaf.ref_count, leaf.first, blocks)
            index[block_at] = _store(encode_index(leaves), block.ref_count, block.first, blocks)
        known = {block.digest for block in self.index}
        changed = {digest: data for digest, data in blocks.items() if digest not in known}
        return RefTable(self.oid_len, None, tuple(index), self.load), changed

    def _apply_to_blocks(self, by_name: Mapping[bytes, RefEntry | None]) -> tuple[RefTable, dict[bytes, bytes]]:
        names = sorted(by_name)
        index, blocks = list(self.index), dict[bytes, bytes]()
        known = {block.digest for block in index}
        for span in reversed(_spans(index, names)):
            leaves = [leaf for block in index[span.low : span.high] for leaf in self._leaves(block)]
            known.update(leaf.digest for leaf in leaves)
            self._recut(leaves, names[span.start : span.end], by_name, blocks)
            index[span.low : span.high] = _cut_index(leaves, blocks)
        if sum(block.ref_count for block in index) <= INLINE_ENTRIES:
            return build_table(self._all(index, blocks), oid_len=self.oid_len, load=self.load)
        return RefTable(self.oid_len, None, tuple(index), self.load), {
            digest: data for digest, data in blocks.items() if digest not in known
        }

    def _recut(
        self,
        leaves: list[BlockRecord],
        names: Sequence[bytes],
        by_name: Mapping[bytes, RefEntry | None],
        blocks: dict[bytes, bytes],
    ) -> None:
        """Make the changes of these names in successive leaves, which other records take the places of."""
        for span in reversed(_spans(leaves, names)):
            entries = [entry for leaf in leaves[span.low : span.high] for entry in self._entries(leaf)]
            changes = {name: by_name[name] for name in names[span.start : span.end]}
            leaves[span.low : span.high] = _cut_leaves(_merge(entries, changes), self.oid_len, blocks)

    def _all(self, index: Sequence[BlockRecord], fresh: Mapping[bytes, bytes]) -> list[RefEntry]:
        """The entries of a small table, some of whose blocks are not stored yet."""
        table = RefTable(self.oid_len, None, tuple(index), lambda digest: fresh.get(digest) or self.load(digest))
        return list(table.scan())

    def _leaves(self, block: BlockRecord) -> tuple[BlockRecord, ...]:
        return decode_index(self.load(block.digest))

    def _entries(self, leaf: BlockRecord) -> tuple[RefEntry, ...]:
        entries = decode_leaf(self.load(leaf.digest), self.oid_len)
        if len(entries) != leaf.ref_count:
            raise CorruptRefBlock(
                f"ref block {leaf.digest.hex()}: {len(entries)} refs, its index says {leaf.ref_count}"
            )
        return entries

    def _leaves_between(self, low: bytes, high: bytes | None) -> Iterator[BlockRecord]:
        for block in self._from(self.index, low):
            for leaf in self._from(self._leaves(block), low):
                if high is not None and leaf.first >= high:
                    return
                yield leaf

    @staticmethod
    def _from(records: Sequence[BlockRecord], start: bytes) -> Sequence[BlockRecord]:
        return records[max(bisect_right(records, start, key=_first) - 1, 0) :]


def empty_table(*, oid_len: int, load: LoadBlock) -> RefTable:
    """The table of a new repository."""
    return RefTable(oid_len, (), (), load)


def build_table(entries: Sequence[RefEntry], *, oid_len: int, load: LoadBlock) -> tuple[RefTable, dict[bytes, bytes]]:
    """A table of these entries, sorted by name without duplicates, and its blocks by digest."""
    if len(entries) <= INLINE_ENTRIES:
        return RefTable(oid_len, tuple(entries), (), load), {}
    blocks: dict[bytes, bytes] = {}
    leaves = _cut_leaves(entries, oid_len, blocks)
    return RefTable(oid_len, None, _cut_index(leaves, blocks), load), blocks


class _Span(NamedTuple):
    """Successive blocks to cut anew, and which of the sorted names belong into them; all ends are half-open."""

    low: int
    high: int
    start: int
    end: int


def _spans(records: Sequence[BlockRecord], names: Sequence[bytes]) -> list[_Span]:
    """Each block that one of the names belongs into, with the block before it, which grows if that one shrinks or
    loses the name it starts with."""
    spans: list[_Span] = []
    end = 0
    for at, own in _shared_out(records, names):
        start, end = end, end + len(own)
        if spans and at - 1 < spans[-1].high:
            spans[-1] = spans[-1]._replace(high=at + 1, end=end)
        else:
            spans.append(_Span(max(at - 1, 0), at + 1, start, end))
    return spans


def _shared_out(records: Sequence[BlockRecord], names: Sequence[bytes]) -> Iterator[tuple[int, Sequence[bytes]]]:
    """The place of each block that could hold some of the sorted names, with those."""
    start = 0
    while start < len(names) and records:
        at = max(bisect_right(records, names[start], key=_first) - 1, 0)
        end = bisect_left(names, records[at + 1].first, start) if at + 1 < len(records) else len(names)
        yield at, names[start:end]
        start = end


def _beside(records: Iterable[BlockRecord], others: Iterable[BlockRecord]) -> list[BlockRecord]:
    known = {record.digest for record in others}
    return [record for record in records if record.digest not in known]


def _within(entries: Sequence[RefEntry], start: bytes, stop: bytes | None) -> Sequence[RefEntry]:
    """Those of the sorted entries from the name `start` to before `stop`."""
    low = bisect_left(entries, start, key=_name)
    high = len(entries) if stop is None else bisect_left(entries, stop, low, key=_name)
    return entries[low:high]


def _picked(entries: Iterable[RefEntry], names: Iterable[bytes]) -> dict[bytes, RefEntry]:
    wanted = frozenset(names)
    return {entry.name: entry for entry in entries if entry.name in wanted}


def _merge(entries: Sequence[RefEntry], changes: Mapping[bytes, RefEntry | None]) -> list[RefEntry]:
    merged: dict[bytes, RefEntry | None] = {entry.name: entry for entry in entries}
    merged.update(changes)
    return sorted((entry for entry in merged.values() if entry is not None), key=_name)


def _cut_leaves(entries: Sequence[RefEntry], oid_len: int, blocks: dict[bytes, bytes]) -> list[BlockRecord]:
    records = []
    for run in _runs([entry.name for entry in entries], LEAF_SPREAD, LEAF_SIZES):
        block = entries[run]
        records.append(_store(encode_leaf(block, oid_len), len(block), block[0].name, blocks))
    return records


def _cut_index(leaves: Sequence[BlockRecord], blocks: dict[bytes, bytes]) -> tuple[BlockRecord, ...]:
    records = []
    for run in _runs([leaf.first for leaf in leaves], INDEX_SPREAD, INDEX_SIZES):
        group = leaves[run]
        ref_count = sum(leaf.ref_count for leaf in group)
        records.append(_store(encode_index(group), ref_count, group[0].first, blocks))
    return tuple(records)


def _store(data: bytes, ref_count: int, first: bytes, blocks: dict[bytes, bytes]) -> BlockRecord:
    digest = hashlib.sha256(data).digest()
    blocks[digest] = data
    return BlockRecord(digest, ref_count, first)


def _runs(names: Sequence[bytes], spread: int, sizes: tuple[int, int]) -> Iterator[slice]:
    least, most = sizes
    start = 0
    for at, name in enumerate(names):
        length = at - start
        if length >= most or (length >= least and _starts_block(name, spread)):
            yield slice(start, at)
            start = at
    if start < len(names):
        yield slice(start, len(names))


def _starts_block(name: bytes, spread: int) -> bool:
    # The multiplication spreads CRC-32, which is linear: numbered names would otherwise fall in step with the modulus.
    return ((zlib.crc32(name) * 0x9E3779B1 & 0xFFFFFFFF) >> 12) % spread == 0


def _name(entry: RefEntry) -> bytes:
    return entry.name


def _first(record: BlockRecord) -> bytes:
    return record.first
