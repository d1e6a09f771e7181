"""Filters as clients write them. Format: git-rev-list(1), "--filter"."""

from __future__ import annotations

import pytest

from packengine.protocol import (
    BlobLimit,
    BlobNone,
    FilterSpec,
    FilterTerm,
    ObjectType,
    RemoteProtocolError,
    SparseOid,
    TreeDepth,
    WireLimits,
    parse_filter_spec,
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        (b"blob:none", [BlobNone()]),
        (b"blob:limit=0", [BlobLimit(0)]),
        (b"blob:limit=1023", [BlobLimit(1_023)]),
        (b"blob:limit=1k", [BlobLimit(1 << 10)]),
        (b"blob:limit=2M", [BlobLimit(2 << 20)]),
        (b"blob:limit=3g", [BlobLimit(3 << 30)]),
        (b"blob:limit=0x1fK", [BlobLimit(31 << 10)]),
        (b"blob:limit=010", [BlobLimit(8)]),
        (b"blob:limit=18446744073709551615", [BlobLimit((1 << 64) - 1)]),
        (b"blob:limit=01777777777777777777777", [BlobLimit((1 << 64) - 1)]),
        (b"tree:0", [TreeDepth(0)]),
        (b"tree:5", [TreeDepth(5)]),
        (b"object:type=commit", [ObjectType("commit")]),
        (b"object:type=tag", [ObjectType("tag")]),
        (b"sparse:oid=main:some path", [SparseOid(b"main:some path")]),
        (b"combine:blob:none", [BlobNone()]),
        (b"combine:tree:3+blob:none", [TreeDepth(3), BlobNone()]),
        (b"combine:tree%3A3+blob%3anone", [TreeDepth(3), BlobNone()]),
        (b"combine:sparse:oid=a%2Bb%25", [SparseOid(b"a+b%")]),
        (b"combine:combine:tree:1%2Bblob:none+tree:2", [TreeDepth(1), BlobNone(), TreeDepth(2)]),
        (b"combine:combine:combine:tree:1%252Btree:2%2Btree:3+tree:4", [TreeDepth(depth) for depth in (1, 2, 3, 4)]),
        (b"combine:+blob:none++", [BlobNone()]),
        (b"combine:+", []),
        (b"combine:sparse:oid=100%", [SparseOid(b"100%")]),
        (b"combine:sparse:oid=%zz%00", [SparseOid(b"%zz%00")]),
    ],
)
def test_filter_is_read_as_git_reads_it(text: bytes, terms: list[FilterTerm]) -> None:
    assert parse_filter_spec(text) == FilterSpec(tuple(terms))


def test_depth_below_all_trees_is_cut_to_what_a_walk_counts_with() -> None:
    assert parse_filter_spec(b"tree:18446744073709551615") == FilterSpec((TreeDepth((1 << 32) - 1),))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "invalid filter-spec ''"),
        (b"blob:some", "invalid filter-spec 'blob:some'"),
        (b"blob:none ", "invalid filter-spec 'blob:none '"),
        (b"auto", "invalid filter-spec 'auto'"),
        (b"blob:limit=", "invalid filter-spec 'blob:limit='"),
        (b"blob:limit=-1", "invalid filter-spec 'blob:limit=-1'"),
        (b"blob:limit=1kk", "invalid filter-spec 'blob:limit=1kk'"),
        (b"blob:limit=1t", "invalid filter-spec 'blob:limit=1t'"),
        (b"blob:limit=08", "invalid filter-spec 'blob:limit=08'"),
        (b"blob:limit=18446744073709551616", "invalid filter-spec 'blob:limit=18446744073709551616'"),
        (b"blob:limit=18014398509481984k", "invalid filter-spec 'blob:limit=18014398509481984k'"),
        (b"tree:", "expected 'tree:<depth>'"),
        (b"tree:x", "expected 'tree:<depth>'"),
        (b"object:type=", "'' for 'object:type=<type>' is not a valid object type"),
        (b"object:type=Blob", "'Blob' for 'object:type=<type>' is not a valid object type"),
        (b"sparse:path=x", "sparse:path filters support has been dropped"),
        (b"combine:", "expected something after combine:"),
        (b"combine:combine%3A", "expected something after combine:"),
        (b"combine:tree:1+bogus", "invalid filter-spec 'bogus'"),
        (b"combine:sparse:oid=a b", "must escape char in sub-filter-spec: ' '"),
        (b"combine:sparse:oid=~", "must escape char in sub-filter-spec: '~'"),
        (b"combine:tree:1+sparse:oid=[", "must escape char in sub-filter-spec: '['"),
        (b"combine:sparse:oid=\xff", r"must escape char in sub-filter-spec: '\xff'"),
        (b"sparse:\x1b\n", r"invalid filter-spec 'sparse:\x1b\n'"),
    ],
)
def test_broken_filter_is_refused_in_gits_words(text: bytes, sentence: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        parse_filter_spec(text)
    assert caught.value.sentence.decode() == sentence


def nested(depth: int) -> bytes:
    return b"combine:" * depth + b"blob:none"


def test_combinations_are_bounded_in_depth() -> None:
    limits = WireLimits(max_filter_nesting=3)
    assert parse_filter_spec(nested(3), limits) == FilterSpec((BlobNone(),))
    with pytest.raises(RemoteProtocolError, match="more than 3 combinations inside one another"):
        parse_filter_spec(nested(4), limits)


def test_terms_are_bounded_across_combinations() -> None:
    limits = WireLimits(max_filter_terms=3)
    assert len(parse_filter_spec(b"combine:tree:1+combine:tree:2%2Btree:3", limits).terms) == 3
    with pytest.raises(RemoteProtocolError, match="more than 3 terms"):
        parse_filter_spec(b"combine:tree:1+combine:tree:2%2Btree:3%2Btree:4", limits)


def test_length_is_bounded_before_anything_is_decoded() -> None:
    with pytest.raises(RemoteProtocolError, match="a filter-spec of 65000 bytes, more than 16384"):
        parse_filter_spec(b"combine:" + b"%" * 64_992)


def test_digits_without_end_are_no_number() -> None:
    with pytest.raises(RemoteProtocolError, match="expected 'tree:<depth>'"):
        parse_filter_spec(b"tree:" + b"9" * 10_000)
