"""Parsers of remotes' answers: the same events fed whole or byte by byte, and no error but the remote's.

And a round trip: what our own server's side writes, our client's side reads as it was meant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packengine.pktline import Marker, encode
from packengine.protocol import Client as ProtocolClient
from packengine.protocol import (
    ListedRef,
    LsRefsRequest,
    PackData,
    ProtocolError,
    ProtocolVersion,
    UploadPackOffer,
    advertise_upload_pack,
    ls_refs_answer,
)
from packengine.protocol.client import (
    AdvertisementParser,
    AnswerLimits,
    AnswerParser,
    FetchAnswerParser,
    LegacyFetchAnswerParser,
    LsRefsAnswerParser,
    Progress,
    RemoteRef,
    RemoteRefused,
)

LIMITS = AnswerLimits(
    max_refs=3,
    max_listing_bytes=1_000,
    max_capability_bytes=100,
    max_capabilities=4,
    max_pack_bytes=30,
    max_progress_bytes=20,
    max_acknowledgments=2,
)
OIDS = st.sampled_from([b"0" * 40, b"a" * 40, b"1234567890" * 4, b"zz"])
NAMES = st.sampled_from([b"HEAD", b"refs/heads/main", b"refs/tags/v1", b"refs/tags/v1^{}", b"capabilities^{}", b""])


def _line(pattern: bytes, *parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*parts).map(lambda values: pattern % values)


LINES = st.one_of(
    st.sampled_from([b"# service=git-upload-pack\n", b"version 1\n", b"version 2\n", b"agent=x", b"fetch=shallow\n"]),
    st.sampled_from([b"acknowledgments\n", b"packfile\n", b"shallow-info\n", b"ready\n", b"NAK\n", b"ERR no\n"]),
    st.sampled_from([b"\x01PACK", b"\x01", b"\x02words\r", b"\x03fatal\n", b"\x04", b"\x01" + b"x" * 20]),
    _line(b"%b %b\n", OIDS, NAMES),
    _line(b"%b %b\0side-band-64k symref=HEAD:refs/heads/main\n", OIDS, NAMES),
    _line(b"%b %b symref-target:%b\n", OIDS, NAMES, NAMES),
    _line(b"unborn %b\n", NAMES),
    _line(b"ACK %b\n", OIDS),
    _line(b"ACK %b common\n", OIDS),
    _line(b"ACK %b ready\n", OIDS),
    st.binary(max_size=10),
)
STREAMS = st.tuples(
    st.lists(LINES.map(encode) | st.sampled_from([marker.value for marker in Marker]), max_size=10).map(b"".join),
    st.sampled_from([b"", b"0000", b"0003", b"00", b"000", b"fff1x", b"zzzz"]),
).map(b"".join)

PARSERS: dict[str, Callable[[], AnswerParser[Any]]] = {
    "advertisement": lambda: AdvertisementParser("sha1", LIMITS),
    "ls-refs": lambda: LsRefsAnswerParser("sha1", LIMITS),
    "fetch": lambda: FetchAnswerParser("sha1", LIMITS),
    "legacy": lambda: LegacyFetchAnswerParser("sha1", LIMITS, done=False),
    "legacy-done": lambda: LegacyFetchAnswerParser("sha1", LIMITS, done=True),
}


def outcome(parser: AnswerParser[Any], pieces: list[bytes]) -> tuple[list[object], type | None, str]:
    events: list[object] = []
    try:
        for piece in pieces:
            events += parser.feed(piece)
        events += parser.finish()
    except ProtocolError as error:
        with pytest.raises(type(error)):
            parser.feed(b"")
        return events, type(error), str(error)
    return events, None, ""


@pytest.mark.parametrize("name", PARSERS)
@given(stream=STREAMS)
def test_a_parser_gives_the_same_events_fed_whole_or_byte_by_byte(name: str, stream: bytes) -> None:
    whole = outcome(PARSERS[name](), [stream])
    assert outcome(PARSERS[name](), [stream[at : at + 1] for at in range(len(stream))]) == whole
    events, _, sentence = whole
    assert len(sentence) < 1_000
    assert sentence.isprintable()
    assert sum(len(event.data) for event in events if isinstance(event, PackData)) <= LIMITS.max_pack_bytes
    assert sum(len(event.text) for event in events if isinstance(event, Progress)) <= LIMITS.max_progress_bytes


@given(sentence=st.binary(max_size=300))
def test_a_refusal_is_shown_in_printable_words(sentence: bytes) -> None:
    refused = RemoteRefused(sentence)
    assert str(refused).isprintable() or not str(refused)
    assert len(str(refused)) <= 900


REFS = st.dictionaries(
    st.integers(0, 50).map(lambda number: b"refs/heads/%02d" % number), st.binary(min_size=20, max_size=20), max_size=8
).filter(lambda refs: all(any(oid) for oid in refs.values()))


def listed(refs: dict[bytes, bytes]) -> list[ListedRef]:
    """As our server lists them: HEAD first, which names the first branch."""
    names = sorted(refs)
    head: list[ListedRef] = [(b"HEAD", refs[names[0]], None, names[0])] if names else []
    return [*head, *((name, refs[name], None, None) for name in names)]


@given(refs=REFS, version=st.sampled_from([ProtocolVersion.V0, ProtocolVersion.V1]))
def test_what_our_server_advertises_our_client_reads(refs: dict[bytes, bytes], version: ProtocolVersion) -> None:
    offer = UploadPackOffer(agent=b"us/1")
    parser = AdvertisementParser("sha1", AnswerLimits())
    parser.feed(b"".join(advertise_upload_pack(offer, listed(refs), version)))
    [told] = parser.finish()
    assert told.offer.version is version
    assert told.refs is not None
    assert told.refs.refs == tuple(RemoteRef(name, refs[name]) for name in sorted(refs))
    assert told.refs.head == (min(refs) if refs else None)


@given(refs=REFS)
def test_what_our_server_lists_our_client_reads(refs: dict[bytes, bytes]) -> None:
    request = LsRefsRequest(ProtocolClient(), peel=False, symrefs=True, unborn=True, ref_prefixes=())
    parser = LsRefsAnswerParser("sha1", AnswerLimits())
    parser.feed(b"".join(ls_refs_answer(request, listed(refs))))
    [told] = parser.finish()
    assert told.refs == tuple(RemoteRef(name, refs[name]) for name in sorted(refs))
    assert told.head == (min(refs) if refs else None)
