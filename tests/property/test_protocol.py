"""Request parsers: the same events fed whole or byte by byte, and no error but the peer's."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from packengine.pktline import Marker, encode, encode_many
from packengine.protocol import (
    SAFE_FETCH_FEATURES,
    PackData,
    ReceivePackOffer,
    ReceivePackRequestParser,
    RemoteProtocolError,
    UploadPackOffer,
    UploadPackRequestParser,
    WireLimits,
)

LIMITS = WireLimits(
    max_pkt_lines=40,
    max_request_bytes=4_000,
    max_wants=3,
    max_haves=3,
    max_ref_prefixes=3,
    max_commands=3,
    max_shallows=2,
    max_excluded_refs=2,
    max_filter_bytes=40,
    max_filter_terms=2,
    max_filter_nesting=2,
    max_object_infos=2,
    max_server_options=2,
    max_server_option_bytes=6,
    max_push_options=2,
    max_push_option_bytes=20,
    max_capability_bytes=60,
)
OIDS = st.sampled_from([b"0" * 40, b"a" * 40, b"b" * 40, b"1234567890" * 4, b"zz"])
NAMES = st.sampled_from([b"refs/heads/main", b"refs/heads/a b", b"HEAD", b"refs/heads/..", b""])
MARKERS = st.sampled_from(list(Marker))


def _line(pattern: bytes, *parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*parts).map(lambda values: pattern % values)


FETCH_KEYS = st.sampled_from(
    [
        *(b"command=fetch", b"command=ls-refs", b"command=object-info", b"command=bundle-uri\n", b"command="),
        *(b"agent=git/2", b"object-format=sha1", b"session-id=x", b"server-option=abc\n", b"server-option"),
    ]
)
FETCH_ARGUMENTS = st.one_of(
    st.sampled_from([b"done\n", b"peel", b"unborn", b"size", b"wait-for-done", b"thin-pack", b"sideband-all"]),
    st.sampled_from([b"deepen 1", b"deepen 0", b"deepen-since 5\n", b"deepen-relative", b"packfile-uris https,x"]),
    st.sampled_from([b"filter blob:none", b"filter combine:tree:1+combine:blob:none%2Btree:2\n", b"filter x"]),
    _line(b"want %b\n", OIDS),
    _line(b"have %b", OIDS),
    _line(b"shallow %b", OIDS),
    _line(b"oid %b\n", OIDS),
    _line(b"want-ref %b", NAMES),
    _line(b"deepen-not %b\n", NAMES),
    _line(b"ref-prefix %b\n", NAMES),
)
FETCH_LINES = FETCH_KEYS | FETCH_ARGUMENTS | st.binary(max_size=10)
PUSH_LINES = st.one_of(
    _line(b"%b %b %b\n", OIDS, OIDS, NAMES),
    _line(b"%b %b %b\0report-status push-options atomic", OIDS, OIDS, NAMES),
    _line(b"%b %b %b\0 side-band-64k object-format=sha1 agent=x", OIDS, OIDS, NAMES),
    _line(b"shallow %b", OIDS),
    st.sampled_from([b"push-cert\0x", b"option", b"x" * 30]),
    st.binary(max_size=10),
)


def requests(lines: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Packets in any order, mostly well framed, with any tail."""
    packets = st.lists(lines.map(encode) | MARKERS.map(lambda marker: marker.value), max_size=12).map(b"".join)
    tails = st.sampled_from([b"", b"0000", b"PACK" * 3, b"0003", b"00"])
    return st.tuples(packets, tails).map(b"".join)


def framed_commands() -> st.SearchStrategy[bytes]:
    """A key or two in front of arguments that may be those of another command."""
    keys, arguments = st.lists(FETCH_KEYS, min_size=1, max_size=3), st.lists(FETCH_ARGUMENTS, max_size=6)
    return st.tuples(keys, arguments).map(lambda both: encode_many([*both[0], Marker.DELIM, *both[1], Marker.FLUSH]))


Parser = UploadPackRequestParser | ReceivePackRequestParser


def outcome(parser: Parser, pieces: list[bytes]) -> tuple[list[object], bytes, bytes | None]:
    """(events but pack data, all pack data, the sentence of the error)."""
    events: list[object] = []
    pack = b""
    sentence = None
    try:
        for piece in pieces:
            for event in parser.feed(piece):
                if isinstance(event, PackData):
                    pack += event.data
                else:
                    events.append(event)
        events += parser.finish()
    except RemoteProtocolError as error:
        sentence = error.sentence
    assert sentence is None or (len(sentence) < 1_000 and b"\n" not in sentence)
    return events, pack, sentence


def upload_pack_parser() -> Parser:
    features = SAFE_FETCH_FEATURES | {b"packfile-uris"}
    return UploadPackRequestParser(UploadPackOffer(agent=b"a", fetch_features=features, bundle_uri=True), LIMITS)


def receive_pack_parser() -> Parser:
    return ReceivePackRequestParser(ReceivePackOffer(agent=b"a", push_options=True), LIMITS)


def assert_same_in_any_pieces(make: Callable[[], Parser], body: bytes, at: int) -> None:
    whole = outcome(make(), [body])
    assert outcome(make(), [body[index : index + 1] for index in range(len(body))]) == whole
    assert outcome(make(), [body[:at], b"", body[at:]]) == whole


@given(requests(FETCH_LINES) | framed_commands(), st.integers(0, 400))
def test_upload_pack_request_is_the_same_in_any_pieces(body: bytes, at: int) -> None:
    assert_same_in_any_pieces(upload_pack_parser, body, at)


@given(requests(PUSH_LINES), st.integers(0, 400))
def test_push_is_the_same_in_any_pieces(body: bytes, at: int) -> None:
    assert_same_in_any_pieces(receive_pack_parser, body, at)


@given(st.binary(max_size=200))
def test_any_bytes_make_events_or_the_peers_error_and_nothing_else(body: bytes) -> None:
    for parser in (upload_pack_parser(), receive_pack_parser()):
        outcome(parser, [body])
