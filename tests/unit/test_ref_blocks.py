"""Ref blocks: what was encoded comes back; what is damaged is refused, or is another block with bytes of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packengine.refs import BlockRecord, CorruptRefBlock, RefEntry, RefTable, build_table
from packengine.refs.blocks import (
    decode_index,
    decode_leaf,
    encode_index,
    encode_leaf,
    find_in_leaf,
    revalue_leaf,
)

names = st.binary(min_size=1, max_size=30)


def entry_lists(oid_len: int) -> st.SearchStrategy[list[RefEntry]]:
    oids = st.binary(min_size=oid_len, max_size=oid_len)
    entries = st.builds(RefEntry, names, oids, st.none() | oids)
    unsorted = st.lists(entries, min_size=1, max_size=8, unique_by=lambda entry: entry.name)
    return unsorted.map(lambda found: sorted(found, key=lambda entry: entry.name))


records = st.builds(BlockRecord, st.binary(min_size=32, max_size=32), st.integers(0, (1 << 32) - 1), names)
record_lists = st.lists(records, min_size=1, max_size=8, unique_by=lambda record: record.first).map(
    lambda found: sorted(found, key=lambda record: record.first)
)

OID = bytes(range(20))
LEAF = [RefEntry(b"refs/a", OID), RefEntry(b"refs/b\xff", OID, OID[::-1]), RefEntry(b"refs/c", OID)]
INDEX = [BlockRecord(bytes([at]) * 32, at, b"refs/%d" % at) for at in range(3)]
BLOCKS: dict[str, tuple[bytes, Callable[[bytes], tuple[object, ...]]]] = {
    "leaf": (encode_leaf(LEAF, 20), lambda data: decode_leaf(data, 20)),
    "index": (encode_index(INDEX), decode_index),
}


@given(data=st.data(), oid_len=st.sampled_from([20, 32]))
def test_a_leaf_block_comes_back_as_it_was(data: st.DataObject, oid_len: int) -> None:
    entries = data.draw(entry_lists(oid_len))
    assert list(decode_leaf(encode_leaf(entries, oid_len), oid_len)) == entries


@given(found=record_lists)
def test_an_index_block_comes_back_as_it_was(found: list[BlockRecord]) -> None:
    assert list(decode_index(encode_index(found))) == found


@pytest.mark.parametrize("kind", BLOCKS)
def test_a_block_that_is_cut_inside_an_entry_is_refused(kind: str) -> None:
    data, decode = BLOCKS[kind]
    whole = decode(data)
    shorter = []
    for length in range(len(data)):
        try:
            shorter.append(decode(data[:length]))
        except CorruptRefBlock:
            continue
    # Only a cut between two entries leaves a block; whoever named it knows how many refs it had.
    assert shorter == [whole[:1], whole[:2]]


@pytest.mark.parametrize("kind", BLOCKS)
def test_a_changed_bit_is_refused_or_makes_the_block_that_has_these_bytes(kind: str) -> None:
    data, decode = BLOCKS[kind]
    refused = 0
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            try:
                found = decode(bytes(changed))
            except CorruptRefBlock:
                refused += 1
                continue
            again = encode_leaf(found, 20) if kind == "leaf" else encode_index(found)  # type: ignore[arg-type]
            assert again == changed
    assert refused > 100


@pytest.mark.parametrize("kind", BLOCKS)
@given(noise=st.binary(max_size=200))
def test_noise_is_refused_in_one_way(kind: str, noise: bytes) -> None:
    data, decode = BLOCKS[kind]
    for garbage in (noise, data[:6] + noise, data + noise + b"\x00"):
        try:
            decode(garbage)
        except CorruptRefBlock:
            continue


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        encode_leaf([], 20),
        encode_leaf(LEAF[::-1], 20),
        encode_leaf([LEAF[0], LEAF[0]], 20),
        encode_leaf([RefEntry(b"refs/a", OID + bytes(12))], 32),
        encode_index(INDEX),
        encode_leaf(LEAF, 20) + b"\x00",
        encode_leaf(LEAF[:1], 20)[:8].replace(b"\x06\x00", b"\x06\x02") + encode_leaf(LEAF[:1], 20)[8:] + b"\x02" * 40,
    ],
    ids=["nothing", "empty", "out of order", "twice", "sha256", "index", "more after it", "flag"],
)
def test_a_damaged_leaf_is_refused(damaged: bytes) -> None:
    with pytest.raises(CorruptRefBlock):
        decode_leaf(damaged, 20)


@pytest.mark.parametrize(
    "damaged",
    [b"", encode_index([]), encode_index(INDEX[::-1]), encode_index([INDEX[0]] * 2), encode_leaf(LEAF, 20)],
    ids=["nothing", "empty", "out of order", "twice", "leaf"],
)
def test_a_damaged_index_is_refused(damaged: bytes) -> None:
    with pytest.raises(CorruptRefBlock):
        decode_index(damaged)


def test_a_leaf_with_fewer_refs_than_its_index_says_is_refused() -> None:
    blocks: dict[bytes, bytes] = {}
    table, fresh = build_table(
        [RefEntry(b"refs/heads/%03d" % at, OID) for at in range(100)], oid_len=20, load=blocks.__getitem__
    )
    blocks.update(fresh)
    leaf = next(data for data in fresh.values() if data.startswith(b"PHRL"))
    cut = encode_leaf(decode_leaf(leaf, 20)[:-1], 20)
    blocks[hashlib.sha256(leaf).digest()] = cut
    with pytest.raises(CorruptRefBlock, match="its index says"):
        list(RefTable(20, None, table.index, blocks.__getitem__).scan())


@pytest.mark.parametrize("entry", LEAF)
def test_each_entry_of_a_leaf_is_found_in_place(entry: RefEntry) -> None:
    assert find_in_leaf(encode_leaf(LEAF, 20), 20, entry.name) == entry


@pytest.mark.parametrize("name", [b"", b"refs/", b"refs/aa", b"refs/b", b"refs/d", b"refs/b\xff\x00"])
def test_what_a_leaf_does_not_have_is_not_found(name: bytes) -> None:
    assert find_in_leaf(encode_leaf(LEAF, 20), 20, name) is None


def test_values_are_written_in_place_where_no_entry_moves() -> None:
    changed = [RefEntry(b"refs/a", OID[::-1]), RefEntry(b"refs/b\xff", OID[::-1], OID)]
    assert revalue_leaf(encode_leaf(LEAF, 20), 20, changed) == encode_leaf([*changed, LEAF[2]], 20)


@pytest.mark.parametrize(
    "entry", [RefEntry(b"refs/aa", OID), RefEntry(b"refs/a", OID, OID), RefEntry(b"refs/b\xff", OID)]
)
def test_what_would_move_entries_is_not_written_in_place(entry: RefEntry) -> None:
    assert revalue_leaf(encode_leaf(LEAF, 20), 20, [entry]) is None


@pytest.mark.parametrize("size", [0, 5, *range(7, len(encode_leaf(LEAF[:1], 20)))])
def test_a_leaf_that_is_cut_short_is_told_before_its_entry_is_used(size: int) -> None:
    with pytest.raises(CorruptRefBlock):
        find_in_leaf(encode_leaf(LEAF[:1], 20)[:size], 20, b"refs/a")
