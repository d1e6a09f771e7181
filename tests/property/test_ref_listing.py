"""Refs as pkt-lines, made of a table's blocks: byte for byte what each ref told by itself would be."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packengine.pktline import encode
from packengine.protocol import Client, LsRefsRequest, ls_refs_answer
from packengine.refs import BlockRecord, CorruptRefBlock, HiddenRefs, Peeling, RefEntry, RefTable, build_table
from packengine.refs.blocks import decode_leaf, encode_leaf, list_leaf
from packengine.refs.listing import list_entries

HEAD = (b"HEAD", b"\x01" * 20, b"\x02" * 20, b"refs/heads/main")


def twin(entries: Iterable[RefEntry], peeling: Peeling) -> bytes:
    """What a listing is, said slowly."""
    packets = []
    for name, oid, peeled in entries:
        line = b"%b %b" % (oid.hex().encode(), name)
        if peeled is not None and peeling is Peeling.IN_LINE:
            line += b" peeled:" + peeled.hex().encode()
        packets.append(encode(line + b"\n"))
        if peeled is not None and peeling is Peeling.OWN_LINE:
            packets.append(encode(b"%b %b^{}\n" % (peeled.hex().encode(), name)))
    return b"".join(packets)


def entry_lists(oid_len: int, most: int) -> st.SearchStrategy[list[RefEntry]]:
    oids = st.binary(min_size=oid_len, max_size=oid_len)
    names = st.text("ab/\x00é~", min_size=1, max_size=6).map(lambda name: b"refs/" + name.encode())
    entries = st.builds(RefEntry, names, oids, st.none() | oids)
    found = st.lists(entries, max_size=most, unique_by=lambda entry: entry.name)
    return found.map(lambda entries: sorted(entries, key=lambda entry: entry.name))


def table_of(entries: list[RefEntry], oid_len: int, *, in_blocks: bool) -> RefTable:
    stored: dict[bytes, bytes] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("packengine.refs.table.INLINE_ENTRIES", 0 if in_blocks else 64)
        patch.setattr("packengine.refs.table.LEAF_SPREAD", 3)
        patch.setattr("packengine.refs.table.LEAF_SIZES", (1, 4))
        patch.setattr("packengine.refs.table.INDEX_SIZES", (1, 3))
        table, blocks = build_table(entries, oid_len=oid_len, load=stored.__getitem__)
    stored.update(blocks)
    return table


@settings(deadline=None)
@given(
    data=st.data(),
    oid_len=st.sampled_from([20, 32]),
    peeling=st.sampled_from(Peeling),
    in_blocks=st.booleans(),
    prefix=st.sampled_from([b"", b"refs/a", b"refs/b/", b"refs/\xc3", b"zzz"]),
    after=st.none() | st.sampled_from([b"refs/a", b"refs/ab", b"refs/z"]),
    patterns=st.lists(st.sampled_from([b"refs/a", b"!refs/a/b", b"refs/b", b"refs/ab/", b"refs"]), max_size=3),
)
def test_a_listing_is_what_every_ref_told_by_itself_would_be(
    data: st.DataObject,
    oid_len: int,
    peeling: Peeling,
    in_blocks: bool,
    prefix: bytes,
    after: bytes | None,
    patterns: list[bytes],
) -> None:
    entries = data.draw(entry_lists(oid_len, 40))
    refs = table_of(entries, oid_len, in_blocks=in_blocks)
    hidden = HiddenRefs.of_patterns(patterns)
    wanted = [
        entry
        for entry in entries
        if entry.name.startswith(prefix) and not hidden.hides(entry.name) and (after is None or entry.name > after)
    ]
    assert b"".join(hidden.listing(refs, peeling, prefix, after=after)) == twin(wanted, peeling)


@given(entries=entry_lists(20, 20), peel=st.booleans())
def test_an_answer_of_a_listing_is_that_of_the_refs_it_lists(entries: list[RefEntry], peel: bool) -> None:
    request = LsRefsRequest(Client(), peel=peel, symrefs=True, unborn=True, ref_prefixes=())
    refs = table_of(entries, 20, in_blocks=True)
    by_listing = ls_refs_answer(request, [HEAD], refs.listing(b"", None, request.peeling))
    one_by_one = ls_refs_answer(request, [HEAD, *((name, oid, peeled, None) for name, oid, peeled in entries)])
    assert b"".join(by_listing) == b"".join(one_by_one)


def damaged_at(data: st.DataObject, block: bytes) -> bytes:
    at = data.draw(st.integers(0, len(block) - 1))
    return block[:at] + bytes([block[at] ^ data.draw(st.integers(1, 255))]) + block[at + 1 :]


@given(data=st.data(), peeling=st.sampled_from(Peeling))
def test_a_damaged_block_is_refused_or_listed_as_it_decodes(data: st.DataObject, peeling: Peeling) -> None:
    entries = data.draw(entry_lists(20, 6).filter(bool))
    block = damaged_at(data, encode_leaf(entries, 20))
    try:
        listing = list_leaf(BlockRecord(bytes(32), len(entries), b"refs/"), block, 20, b"", None, peeling)
    except CorruptRefBlock:
        return
    assert listing == twin(decode_leaf(block, 20), peeling)


@pytest.mark.parametrize("count", [1, 3])
def test_a_block_of_another_number_of_refs_than_its_index_says_is_refused(count: int) -> None:
    entries = [RefEntry(b"refs/a", b"\x01" * 20), RefEntry(b"refs/b", b"\x02" * 20)]
    record = BlockRecord(bytes(32), count, b"refs/a")
    with pytest.raises(CorruptRefBlock, match=f"one of 2 refs, its index says {count}"):
        list_leaf(record, encode_leaf(entries, 20), 20, b"", None, Peeling.UNTOLD)


def test_a_block_out_of_order_is_refused() -> None:
    entries = [RefEntry(b"refs/b", b"\x01" * 20), RefEntry(b"refs/a", b"\x02" * 20)]
    with pytest.raises(CorruptRefBlock, match="out of order"):
        list_leaf(BlockRecord(bytes(32), 2, b"refs/b"), encode_leaf(entries, 20), 20, b"", None, Peeling.UNTOLD)


@pytest.mark.parametrize(("peeling", "longest"), [(Peeling.UNTOLD, 65474), (Peeling.OWN_LINE, 65471)])
def test_a_name_longer_than_a_packet_is_refused(peeling: Peeling, longest: int) -> None:
    fits = RefEntry(b"r" * longest, b"\x01" * 20, b"\x02" * 20)
    assert list_entries([fits], 20, peeling) == twin([fits], peeling)
    with pytest.raises(ValueError, match=f"a name of {longest + 1} bytes"):
        list_entries([fits._replace(name=fits.name + b"r")], 20, peeling)


def test_an_id_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="not 20 bytes"):
        list_entries([RefEntry(b"refs/a", b"\x01" * 32)], 20, Peeling.UNTOLD)
