"""The ref table against a dictionary: any series of changes, small and cut into blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packengine.refs import CorruptRefBlock, RefChange, RefEntry, RefTable, build_table, empty_table
from packengine.refs.blocks import decode_index
from packengine.refs.seeker import RefSeeker
from packengine.refs.table import LEAF_SIZES, LEAF_SPREAD, _starts_block

_OID_LEN = 20


class Blocks(dict[bytes, bytes]):
    """Stored blocks, and how often each was read."""

    reads = 0

    def load(self, digest: bytes) -> bytes:
        self.reads += 1
        data = self[digest]
        assert hashlib.sha256(data).digest() == digest
        return data


def entry(name: bytes, seed: int) -> RefEntry:
    oid = hashlib.sha256(b"%d" % seed).digest()[:_OID_LEN]
    return RefEntry(name, oid, oid[::-1] if seed % 5 == 0 else None)


def numbered(count: int) -> list[RefEntry]:
    return [entry(b"refs/heads/topic-%07d" % at, at) for at in range(count)]


def apply(table: RefTable, blocks: Blocks, changes: list[RefChange]) -> tuple[RefTable, dict[bytes, bytes]]:
    after, fresh = table.apply(changes)
    blocks.update(fresh)
    return after, fresh


names = st.integers(0, 3000).map(lambda at: b"refs/heads/topic-%07d" % at)
change_lists = st.lists(st.tuples(names, st.none() | st.integers(0, 99)), max_size=40)
few_changes = st.lists(
    st.tuples(st.integers(0, 650).map(lambda at: b"refs/heads/topic-%07d" % at), st.none() | st.integers(0, 99)),
    max_size=20,
)


@contextmanager
def small_blocks() -> Iterator[None]:
    """Blocks of a few refs, and of a few leaves: then 600 refs have as many blocks as millions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("packengine.refs.table.LEAF_SPREAD", 8)
        patch.setattr("packengine.refs.table.LEAF_SIZES", (2, 16))
        patch.setattr("packengine.refs.table.INDEX_SPREAD", 32)
        patch.setattr("packengine.refs.table.INDEX_SIZES", (2, 8))
        yield


def check_series(start: int, series: list[list[tuple[bytes, int | None]]]) -> None:
    """A table and a dictionary of so many refs, changed together."""
    blocks = Blocks()
    oracle = {e.name: e for e in numbered(start)}
    table, fresh = build_table(numbered(start), oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)
    for changes in series:
        merged = {name: None if seed is None else entry(name, seed) for name, seed in changes}
        table, _ = apply(table, blocks, [RefChange(name, e) for name, e in merged.items()])
        for name, new in merged.items():
            oracle.pop(name, None) if new is None else oracle.__setitem__(name, new)
        assert list(table.scan()) == [oracle[name] for name in sorted(oracle)]
        assert len(table) == len(oracle)
        for name in merged:
            assert table.get(name) == oracle.get(name)


@settings(deadline=None, max_examples=60)
@given(start=st.integers(0, 3000), series=st.lists(change_lists, max_size=6))
def test_any_series_of_changes_equals_the_same_on_a_dictionary(
    start: int, series: list[list[tuple[bytes, int | None]]]
) -> None:
    check_series(start, series)


@settings(deadline=None, max_examples=100)
@given(start=st.integers(60, 600), series=st.lists(few_changes, max_size=4))
def test_changes_across_many_blocks_of_both_levels_equal_the_same_on_a_dictionary(
    start: int, series: list[list[tuple[bytes, int | None]]]
) -> None:
    with small_blocks():
        check_series(start, series)


@settings(deadline=None, max_examples=60)
@given(start=st.integers(0, 3000), changes=change_lists)
def test_what_two_tables_do_not_share_holds_all_that_differs(
    start: int, changes: list[tuple[bytes, int | None]]
) -> None:
    blocks = Blocks()
    table, fresh = build_table(numbered(start), oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)
    merged = {name: None if seed is None else entry(name, seed) for name, seed in changes}
    after, _ = apply(table, blocks, [RefChange(name, each) for name, each in merged.items()])
    for one, other in ((table, after), (after, table)):
        apart, own = set(one.apart_from(other)), set(one.scan())
        assert own - set(other.scan()) <= apart <= own
    assert table.inline is not None or not list(table.apart_from(table))


def test_one_change_apart_reads_an_index_block_of_each_table_and_one_leaf() -> None:
    blocks = Blocks()
    table, fresh = build_table(numbered(50_000), oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)
    changed = entry(b"refs/heads/topic-0025000", 7)
    after, _ = apply(table, blocks, [RefChange(changed.name, changed)])
    blocks.reads = 0
    assert changed in set(after.apart_from(table))
    assert blocks.reads == 3


def test_a_change_of_one_value_rewrites_one_block_of_each_level() -> None:
    blocks = Blocks()
    table, fresh = build_table(numbered(50_000), oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)
    changed = entry(b"refs/heads/topic-0025000", 7)
    after, rewritten = apply(table, blocks, [RefChange(changed.name, changed)])
    assert after.get(changed.name) == changed
    assert len(rewritten) == 2
    assert len(after.index) == len(table.index)


@pytest.mark.parametrize("count", [5_000, 50_000, 150_000])
def test_a_new_ref_reads_and_rewrites_the_blocks_around_it_however_many_there_are(count: int) -> None:
    blocks = Blocks()
    table, fresh = build_table(numbered(count), oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)
    new = entry(b"refs/heads/topic-%07d-new" % (count // 2), 7)
    blocks.reads = 0
    after, rewritten = apply(table, blocks, [RefChange(new.name, new)])
    # To find out that it is new, a leaf and its index; then two of each, the blocks before them being looked at too.
    assert blocks.reads <= 6
    assert len(rewritten) <= 5
    assert (after.get(new.name), len(after)) == (new, count + 1)


def test_changes_all_over_read_each_block_twice_at_most() -> None:
    blocks = Blocks()
    table, fresh = build_table(numbered(50_000), oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)
    created = [entry(b"refs/heads/topic-%07d-new" % at, at) for at in range(0, 50_000, 100)]
    blocks.reads = 0
    after, _ = apply(table, blocks, [RefChange(new.name, new) for new in reversed(created)])
    assert blocks.reads <= 2 * len(fresh)
    assert len(after) == 50_000 + len(created)


@settings(deadline=None, max_examples=60)
@given(count=st.integers(0, 3000), asked=st.lists(names, max_size=400))
def test_a_lookup_of_many_names_equals_as_many_lookups(count: int, asked: list[bytes]) -> None:
    blocks = Blocks()
    table, fresh = build_table(numbered(count), oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)
    asked += [b"", b"refs/", b"refs/heads/topic-", b"refs/heads/topic-9999999", b"refs/tags/z"]
    single = {name: table.get(name) for name in asked}
    blocks.reads = 0
    assert table.get_many(asked) == {name: found for name, found in single.items() if found is not None}
    assert blocks.reads <= len(blocks)


def test_a_lookup_reads_one_block_of_each_level() -> None:
    blocks = Blocks()
    table, fresh = build_table(numbered(50_000), oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)
    blocks.reads = 0
    assert table.get(b"refs/heads/topic-0031415") == numbered(31_416)[-1]
    assert blocks.reads == 2


def test_a_prefix_is_a_range_scan() -> None:
    blocks = Blocks()
    table, fresh = build_table(numbered(50_000), oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)
    blocks.reads = 0
    assert len(list(table.with_prefix(b"refs/heads/topic-00123"))) == 100
    assert blocks.reads <= 4


@settings(deadline=None, max_examples=100)
@given(count=st.integers(0, 300), low=names | st.just(b""), high=st.none() | names)
def test_annotated_tags_and_values_are_those_of_a_scan(count: int, low: bytes, high: bytes | None) -> None:
    blocks = Blocks()
    entries = [entry(e.name, at % 50) for at, e in enumerate(numbered(3000)[:: 3000 // (count + 1)])]
    with small_blocks():
        table, fresh = build_table(entries, oid_len=_OID_LEN, load=blocks.load)
        blocks.update(fresh)
        within = [e for e in table.scan() if e.name >= low and (high is None or e.name < high)]
        assert list(table.peeled(low, high)) == [(e.oid, e.peeled) for e in within if e.peeled is not None]
        assert set().union(*table.values()) == {e.oid for e in table.scan()}


def test_annotated_tags_and_values_are_found_with_no_entry_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = Blocks()
    table, fresh = build_table(numbered(5_000), oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)

    def never(*_: object) -> None:
        raise AssertionError("an object for each ref")

    monkeypatch.setattr("packengine.refs.table.decode_leaf", never)
    blocks.reads = 0
    assert sum(1 for _ in table.peeled(b"", None)) == 1_000
    assert sum(map(len, table.values())) == 5_000
    assert blocks.reads == 2 * len(fresh)


@pytest.mark.parametrize("cut", [1, 30, 45])
def test_a_leaf_that_is_cut_short_tells_neither_tags_nor_values(cut: int) -> None:
    blocks = Blocks()
    table, fresh = build_table(numbered(100), oid_len=_OID_LEN, load=lambda digest: blocks[digest])
    leaves = {leaf.digest for block in table.index for leaf in decode_index(fresh[block.digest])}
    blocks.update({digest: data[:-cut] if digest in leaves else data for digest, data in fresh.items()})
    with pytest.raises(CorruptRefBlock):
        list(table.peeled(b"", None))
    with pytest.raises(CorruptRefBlock):
        list(table.values())


@pytest.mark.parametrize("count", [0, 1, 64])
def test_a_small_table_has_no_blocks(count: int) -> None:
    table, blocks = build_table(numbered(count), oid_len=_OID_LEN, load=Blocks().load)
    assert blocks == {}
    assert len(table) == count


def test_the_empty_table_holds_nothing() -> None:
    table = empty_table(oid_len=_OID_LEN, load=Blocks().load)
    assert list(table.scan()) == []
    assert table.get(b"refs/heads/main") is None


def test_names_that_all_start_blocks_still_fill_them() -> None:
    """A stranger who picks names whose hash starts a block everywhere meets the least block size."""
    chosen = [name for name in (b"refs/heads/%d" % at for at in range(200_000)) if _starts_block(name, LEAF_SPREAD)]
    table, blocks = build_table([entry(name, 1) for name in sorted(chosen)], oid_len=_OID_LEN, load=Blocks().load)
    assert len(chosen) > 500
    assert len(blocks) <= len(chosen) // LEAF_SIZES[0] + 2
    assert len(table) == len(chosen)


def test_checking_the_blocks_of_two_tables_reads_what_they_share_once() -> None:
    blocks = Blocks()
    table, fresh = build_table(numbered(50_000), oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)
    changed = entry(b"refs/heads/topic-0025000", 7)
    after, rewritten = apply(table, blocks, [RefChange(changed.name, changed)])
    checked: set[bytes] = set()
    blocks.reads = 0
    table.check_blocks(checked)
    after.check_blocks(checked)
    assert blocks.reads == len(fresh) + len(rewritten)
    blocks[next(iter(fresh))] = b"damaged"
    with pytest.raises(AssertionError):  # what `load` raises
        table.check_blocks(set())


places = st.integers(0, 3100).map(lambda at: b"refs/heads/topic-%07d" % at) | st.sampled_from([b"", b"refs/", b"s"])


@settings(deadline=None, max_examples=60)
@given(count=st.integers(0, 3000), starts=st.lists(places, max_size=30), sort=st.booleans())
def test_a_seeker_finds_the_first_name_from_any_place_in_any_order(count: int, starts: list[bytes], sort: bool) -> None:
    blocks = Blocks()
    entries = numbered(count)
    table, fresh = build_table(entries, oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)
    seeker = RefSeeker(table)
    for start in sorted(starts) if sort else starts:
        assert seeker.first_from(start) == next((e.name for e in entries if e.name >= start), None)


def test_a_seeker_that_only_goes_forward_reads_each_block_once() -> None:
    blocks = Blocks()
    entries = numbered(20_000)
    table, fresh = build_table(entries, oid_len=_OID_LEN, load=blocks.load)
    blocks.update(fresh)
    seeker = RefSeeker(table)
    for each in entries:
        assert seeker.first_from(each.name + b"/") != each.name
    assert blocks.reads <= len(fresh)
