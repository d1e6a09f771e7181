"""What a client may ask of a fetch is understood in any order, and what we answer in front of the pack is read back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import given
from hypothesis import strategies as st

from packengine.pktline import DELIM, FLUSH, encode_many
from packengine.protocol import (
    SAFE_FETCH_FEATURES,
    BlobLimit,
    BlobNone,
    Client,
    Deepen,
    FetchRequest,
    FetchSections,
    FilterSpec,
    FilterTerm,
    Negotiated,
    ObjectType,
    Outcome,
    ShallowInfo,
    SparseOid,
    TreeDepth,
    UploadPackOffer,
    UploadPackRequestParser,
    WireLimits,
    fetch_head,
    parse_filter_spec,
)
from tests.support import wire_client

OFFER = UploadPackOffer(agent=b"a", fetch_features=SAFE_FETCH_FEATURES | {b"packfile-uris"})
Value = TypeVar("Value")


def tuples(values: st.SearchStrategy[Value], *, unique: bool = True) -> st.SearchStrategy[tuple[Value, ...]]:
    return st.lists(values, max_size=4, unique=unique).map(tuple)


# --- filters ----------------------------------------------------------------------------------------------------------

SIZES = st.integers(0, (1 << 64) - 1)
TERMS: st.SearchStrategy[FilterTerm] = st.one_of(
    st.just(BlobNone()),
    SIZES.map(BlobLimit),
    st.integers(0, (1 << 32) - 1).map(TreeDepth),
    st.builds(ObjectType, st.sampled_from(["commit", "tree", "blob", "tag"])),
    st.binary(max_size=20).filter(lambda name: b"\0" not in name).map(SparseOid),
)


def write_term(term: FilterTerm) -> bytes:
    match term:
        case BlobNone():
            return b"blob:none"
        case BlobLimit(limit_bytes):
            return b"blob:limit=%d" % limit_bytes
        case TreeDepth(depth):
            return b"tree:%d" % depth
        case ObjectType(kind):
            return b"object:type=" + kind.encode()
        case SparseOid(name):
            return b"sparse:oid=" + name


def encoded(text: bytes) -> bytes:
    """All that is not a letter or a digit in percent signs: more than is needed, and always allowed."""
    return b"".join(bytes([byte]) if chr(byte).isascii() and chr(byte).isalnum() else b"%%%02X" % byte for byte in text)


Filter = tuple[bytes, tuple[FilterTerm, ...]]
"""A text, and what it means."""


def combine(parts: list[Filter]) -> Filter:
    texts, terms = zip(*parts, strict=True)
    return b"combine:" + b"+".join(map(encoded, texts)), sum(terms, ())


FILTERS = st.recursive(
    TERMS.map(lambda term: (write_term(term), (term,))),
    lambda filters: st.lists(filters, min_size=1, max_size=3).map(combine),
    max_leaves=8,
)


@given(FILTERS)
def test_filter_means_what_was_written_however_it_is_combined(written: Filter) -> None:
    text, terms = written
    assert parse_filter_spec(text) == FilterSpec(terms)


# --- requests ---------------------------------------------------------------------------------------------------------

OIDS = st.binary(min_size=20, max_size=20)
NAMES = st.sampled_from([b"refs/heads/main", b"refs/tags/v1", b"HEAD", b"refs/heads/a b"])
DEEPEN = st.one_of(
    st.builds(Deepen, relative=st.booleans()),
    st.builds(Deepen, depth=st.integers(1, 0x7FFFFFFF), relative=st.booleans()),
    st.builds(Deepen, since_s=st.integers(0, 1 << 40), excluded_refs=tuples(NAMES), relative=st.booleans()),
    st.builds(Deepen, excluded_refs=tuples(NAMES)),
)
FLAGS = ("done", "thin_pack", "no_progress", "include_tag", "ofs_delta", "wait_for_done", "sideband_all")


@st.composite
def fetches(draw: Callable[[st.SearchStrategy[Any]], Any]) -> FetchRequest:
    flags = {flag: draw(st.booleans()) for flag in FLAGS}
    protocols = tuples(st.sampled_from([b"https", b"http"])) if flags["sideband_all"] else st.just(())
    return FetchRequest(
        client=Client(agent=b"x", server_options=draw(tuples(st.sampled_from([b"a", b"b=c", b""]), unique=False))),
        wants=draw(tuples(OIDS)),
        want_refs=draw(tuples(NAMES)),
        haves=draw(tuples(OIDS)),
        shallow=draw(tuples(OIDS)),
        deepen=draw(DEEPEN),
        filter=draw(st.none() | TERMS.map(lambda term: FilterSpec((term,)))),
        packfile_uris=draw(protocols),
        **flags,
    )


def lines_of(request: FetchRequest) -> list[list[bytes]]:
    """The arguments; the order within an inner list matters, that of the lists does not."""
    deepen = request.deepen
    flags = [flag.replace("_", "-").encode() for flag in FLAGS if getattr(request, flag)]
    relative = [b"deepen-relative"] if deepen.relative else []
    return [
        *([flag] for flag in [*flags, *relative]),
        [b"want " + oid.hex().encode() for oid in request.wants],
        [b"have " + oid.hex().encode() for oid in request.haves],
        [b"shallow " + oid.hex().encode() for oid in request.shallow],
        [b"want-ref " + name for name in request.want_refs],
        [] if deepen.depth is None else [b"deepen %d" % deepen.depth],
        [] if deepen.since_s is None else [b"deepen-since %d" % deepen.since_s],
        [b"deepen-not " + name for name in deepen.excluded_refs],
        [] if request.filter is None else [b"filter " + write_term(request.filter.terms[0])],
        [b"packfile-uris " + b",".join(request.packfile_uris)] if request.packfile_uris else [],
    ]


@given(fetches(), st.randoms(use_true_random=False))
def test_request_is_read_as_it_was_written_in_whatever_order(request: FetchRequest, random: Any) -> None:
    groups = lines_of(request)
    random.shuffle(groups)
    keys = [b"command=fetch", b"agent=x", *(b"server-option=" + option for option in request.client.server_options)]
    lines = [line + b"\n" for group in groups for line in group]
    parser = UploadPackRequestParser(OFFER, WireLimits())
    assert parser.feed(encode_many([*keys, DELIM, *lines, FLUSH])) == [request]


# --- answers ----------------------------------------------------------------------------------------------------------

WANTED_REFS = st.dictionaries(NAMES, OIDS)
SECTIONS = st.builds(
    FetchSections,
    shallow_info=st.none() | st.builds(ShallowInfo, shallow=tuples(OIDS), unshallow=tuples(OIDS)),
    wanted_refs=WANTED_REFS.map(lambda refs: [(oid, name) for name, oid in refs.items()]),
    packfile_uris=st.lists(st.tuples(OIDS, st.sampled_from([b"https://example.org/a", b"http://b/c?d=e"]))),
)
DECISIONS = st.builds(Negotiated, st.sampled_from(Outcome), tuples(OIDS))


@given(fetches(), DECISIONS, SECTIONS)
def test_head_is_read_back_as_it_was_meant(
    request: FetchRequest, negotiated: Negotiated, sections: FetchSections
) -> None:
    head = fetch_head(request, negotiated, sections)
    pack = encode_many([b"\1PACK", FLUSH]) if negotiated.sends_pack else b""
    answer = wire_client.parse_fetch_answer(head + pack, sideband_all=request.sideband_all)
    acknowledges = negotiated.outcome in (Outcome.ACKNOWLEDGMENTS, Outcome.ACKNOWLEDGMENTS_AND_PACK)
    assert tuple(answer.acknowledged) == (negotiated.common if acknowledges else ())
    assert answer.is_nak is (acknowledges and not negotiated.common)
    assert answer.is_ready is (negotiated.outcome is Outcome.ACKNOWLEDGMENTS_AND_PACK)
    assert answer.pack == (b"PACK" if negotiated.sends_pack else None)
    said = sections if negotiated.sends_pack else FetchSections()
    info = said.shallow_info or ShallowInfo()
    assert (tuple(answer.shallow), tuple(answer.unshallow)) == (info.shallow, info.unshallow)
    assert [(oid, name) for name, oid in answer.wanted_refs.items()] == list(said.wanted_refs)
    assert answer.packfile_uris == list(said.packfile_uris)
