"""Requests of versions 0 and 1, and what bounds them. Broken ones are compared with Git's own in tests/compat."""

from __future__ import annotations

import pytest

from packengine.pktline import DELIM, FLUSH, Packet, encode_many
from packengine.protocol import (
    AckMode,
    BlobNone,
    Client,
    Deepen,
    FilterSpec,
    LegacyFetchRequest,
    LegacyUploadPackRequest,
    LegacyUploadPackRequestParser,
    PackBands,
    ProbeRequest,
    RemoteProtocolError,
    UploadPackOffer,
    WireLimits,
)
from tests.support import legacy_client

OFFER = UploadPackOffer(agent=b"packhouse/1", session_id=b"ours")
A, B, C = (bytes([number]) * 20 for number in (0xAA, 0xBB, 0xCC))
A_HEX, B_HEX = A.hex().encode(), B.hex().encode()
WANT, HAVE, SHALLOW = b"want " + A_HEX, b"have " + A_HEX, b"shallow " + A_HEX


def parse(body: bytes, *, offer: UploadPackOffer = OFFER, limits: WireLimits | None = None) -> LegacyUploadPackRequest:
    parser = LegacyUploadPackRequestParser(offer, limits or WireLimits())
    [request] = parser.feed(body) + parser.finish()
    assert (parser.feed(b"more"), parser.finish()) == ([], [])
    return request


def fetch(*packets: Packet, offer: UploadPackOffer = OFFER, limits: WireLimits | None = None) -> LegacyFetchRequest:
    request = parse(encode_many(packets), offer=offer, limits=limits)
    assert isinstance(request, LegacyFetchRequest)
    return request


def refusal(*packets: Packet, offer: UploadPackOffer = OFFER, limits: WireLimits | None = None) -> str:
    with pytest.raises(RemoteProtocolError) as caught:
        parse(encode_many(packets), offer=offer, limits=limits)
    return str(caught.value)


def test_fetch_is_read_as_git_sends_it() -> None:
    request = fetch(
        b"want %b multi_ack_detailed no-done side-band-64k thin-pack no-progress include-tag ofs-delta deepen-since "
        b"deepen-not agent=git/2.39.5 session-id=theirs filter\n" % A_HEX,
        *(b"want " + B_HEX + b"\n", b"shallow " + B_HEX, b"deepen-since 1700000000", b"deepen-not v1"),
        *(b"deepen-not refs/heads/old", b"filter blob:none\n", FLUSH, b"have " + B_HEX + b"\n", b"done\n"),
    )
    assert request == LegacyFetchRequest(
        client=Client(agent=b"git/2.39.5", session_id=b"theirs"),
        wants=(A, B),
        haves=(B,),
        done=True,
        shallow=(B,),
        deepen=Deepen(since_s=1_700_000_000, excluded_refs=(b"v1", b"refs/heads/old")),
        filter=FilterSpec((BlobNone(),)),
        thin_pack=True,
        no_progress=True,
        include_tag=True,
        ofs_delta=True,
        ack_mode=AckMode.MULTI_DETAILED,
        no_done=True,
        bands=PackBands.LARGE,
        negotiates=True,
    )


def test_nothing_is_assumed_that_a_fetch_does_not_say() -> None:
    assert fetch(WANT, FLUSH, b"done") == LegacyFetchRequest(client=Client(), wants=(A,), done=True, negotiates=True)


@pytest.mark.parametrize(
    ("words", "mode", "bands"),
    [
        (b"multi_ack", AckMode.MULTI, PackBands.NONE),
        (b"multi_ack multi_ack_detailed", AckMode.MULTI_DETAILED, PackBands.NONE),
        (b"side-band", AckMode.SINGLE, PackBands.SMALL),
        (b"side-band-64k side-band", AckMode.SINGLE, PackBands.LARGE),
        (b" multi_ack  unknown=1 whatever side-band\t", AckMode.MULTI, PackBands.SMALL),
        (b"multi_ack_detailedx xside-band-64k", AckMode.SINGLE, PackBands.NONE),
    ],
)
def test_best_of_what_is_asked_for_counts_and_unknown_words_do_not(
    words: bytes, mode: AckMode, bands: PackBands
) -> None:
    request = fetch(WANT + b" " + words, FLUSH, b"done")
    assert (request.ack_mode, request.bands) == (mode, bands)


def test_depth_is_relative_only_by_capability() -> None:
    assert fetch(WANT, b"deepen 3", FLUSH).deepen == Deepen(depth=3)
    assert fetch(WANT + b" deepen-relative", b"deepen 3", FLUSH).deepen == Deepen(depth=3, relative=True)


def test_capabilities_behind_a_later_want_count_too() -> None:
    assert fetch(WANT, b"want %b side-band" % B_HEX, FLUSH).bands is PackBands.SMALL


@pytest.mark.parametrize(("ending", "done"), [(b"done", True), (b"done\n", True), (FLUSH, False)])
def test_round_ends_with_done_or_with_the_flush_behind_the_haves(ending: Packet, done: bool) -> None:
    request = fetch(WANT, FLUSH, b"have " + B_HEX, ending, HAVE)
    assert (request.haves, request.done, request.negotiates) == ((B,), done, True)


def test_flush_in_place_of_haves_negotiates_all_the_same() -> None:
    request = fetch(WANT, FLUSH, FLUSH)
    assert (request.haves, request.done, request.negotiates) == ((), False, True)


def test_body_that_ends_behind_its_needs_asks_for_the_boundary_alone() -> None:
    body = legacy_client.boundary_request([A], [b"deepen 1"])
    parser = LegacyUploadPackRequestParser(OFFER, WireLimits())
    assert parser.feed(body) == []
    [request] = parser.finish()
    assert isinstance(request, LegacyFetchRequest)
    assert (request.deepen.depth, request.negotiates) == (1, False)


@pytest.mark.parametrize("body", [b"0000", b"00000009done\n", encode_many([SHALLOW, FLUSH])])
def test_request_without_wants_is_a_probe(body: bytes) -> None:
    assert parse(body) == ProbeRequest()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        encode_many([WANT]),
        encode_many([WANT, FLUSH]) + b"00",
        encode_many([WANT, FLUSH]) + b"0032have",
        encode_many([WANT, FLUSH, HAVE]),
    ],
)
def test_body_that_ends_anywhere_else_is_broken(body: bytes) -> None:
    parser = LegacyUploadPackRequestParser(OFFER, WireLimits())
    assert parser.feed(body) == []
    for _ in range(2):
        with pytest.raises(RemoteProtocolError, match="the remote end hung up unexpectedly"):
            parser.finish()


def test_repeated_ids_count_once_in_the_order_they_came() -> None:
    request = parse(legacy_client.request([B, A, B], [C, A, C]), limits=WireLimits(max_wants=2, max_haves=2))
    assert isinstance(request, LegacyFetchRequest)
    assert (request.wants, request.haves) == ((B, A), (C, A))


def test_object_format_is_the_offers_or_not_said() -> None:
    offer = UploadPackOffer(agent=b"a", object_format="sha256")
    long = b"want " + b"ab" * 32
    for words in (b"", b" object-format=sha256"):
        assert fetch(long + words, FLUSH, b"done", offer=offer).wants == (b"\xab" * 32,)
    assert refusal(long + b" object-format=sha1", FLUSH, offer=offer) == (
        "mismatched object format: server sha256; client sha1"
    )
    assert refusal(WANT, FLUSH, offer=offer).startswith("git upload-pack: protocol error, expected to get object ID")


def test_session_id_is_taken_only_from_whom_we_told_ours() -> None:
    told = fetch(WANT + b" session-id=a\x01b", FLUSH, b"done")
    untold = fetch(WANT + b" session-id=x", FLUSH, b"done", offer=UploadPackOffer(agent=b"a"))
    assert (told.client.session_id, untold.client.session_id) == (b"a.b", None)


@pytest.mark.parametrize("line", [SHALLOW, b"deepen 1", b"deepen-since 1", b"deepen-not v1"])
def test_boundary_that_is_not_offered_is_no_line(line: bytes) -> None:
    bare = UploadPackOffer(agent=b"a", fetch_features=frozenset())
    assert line.decode() in refusal(WANT, line, FLUSH, offer=bare)


def test_filter_that_is_not_offered_cannot_be_asked_for() -> None:
    bare = UploadPackOffer(agent=b"a", fetch_features=frozenset())
    sentence = "git upload-pack: filtering capability not negotiated"
    assert refusal(WANT + b" filter", b"filter blob:none", FLUSH, offer=bare) == sentence


@pytest.mark.parametrize(
    ("packets", "limits", "sentence"),
    [
        ([WANT, b"want " + B_HEX], WireLimits(max_wants=1), "upload-pack: more than 1 want lines"),
        ([WANT, FLUSH, HAVE, b"have " + B_HEX], WireLimits(max_haves=1), "upload-pack: more than 1 have lines"),
        ([WANT, SHALLOW, b"shallow " + B_HEX], WireLimits(max_shallows=1), "upload-pack: more than 1 shallow lines"),
        (
            [WANT, b"deepen-not a", b"deepen-not b"],
            WireLimits(max_excluded_refs=1),
            "upload-pack: more than 1 deepen-not lines",
        ),
        ([WANT + b" a b"], WireLimits(max_capability_bytes=2), "a capability list of 3 bytes, more than 2"),
        ([WANT, FLUSH, HAVE], WireLimits(max_pkt_lines=2), "more than 2 pkt-lines"),
        ([WANT, FLUSH], WireLimits(max_request_bytes=48), "more than 48 bytes of pkt-lines"),
    ],
)
def test_limit_is_named_when_it_is_passed(packets: list[Packet], limits: WireLimits, sentence: str) -> None:
    assert refusal(*packets, FLUSH, limits=limits) == sentence


@pytest.mark.parametrize("packets", [[DELIM], [WANT, DELIM], [WANT, FLUSH, DELIM]])
def test_marker_of_version_2_breaks_the_request(packets: list[Packet]) -> None:
    assert refusal(*packets) == "protocol error: got an unexpected packet 0001"


def test_error_stays() -> None:
    parser = LegacyUploadPackRequestParser(OFFER, WireLimits())
    for _ in range(2):
        with pytest.raises(RemoteProtocolError, match="nonsense"):
            parser.feed(encode_many([b"nonsense", FLUSH]))
    with pytest.raises(RemoteProtocolError, match="nonsense"):
        parser.finish()
