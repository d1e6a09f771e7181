"""Versions 0 and 1: one event however the body is cut, and answers that keep to the rules whatever is common."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from packengine.pktline import Marker, encode, encode_many
from packengine.protocol import (
    AckMode,
    Client,
    LegacyFetchRequest,
    LegacyUploadPackRequest,
    LegacyUploadPackRequestParser,
    RemoteProtocolError,
    UploadPackOffer,
    WireLimits,
    negotiate_legacy,
)
from tests.support import wire_client

LIMITS = WireLimits(
    max_pkt_lines=40,
    max_request_bytes=4_000,
    max_wants=3,
    max_haves=3,
    max_shallows=2,
    max_excluded_refs=2,
    max_capability_bytes=60,
)
OIDS = st.sampled_from([b"a" * 40, b"b" * 40, b"C" * 40, b"1234567890" * 4, b"zz"])
WORDS = st.sampled_from(
    [
        b"",
        b" multi_ack",
        b" multi_ack_detailed no-done",
        b" side-band filter",
        b" object-format=sha256",
        b" agent=x" * 9,
    ]
)
NEEDS = st.one_of(
    st.tuples(OIDS, WORDS).map(lambda parts: b"want %b%b\n" % parts),
    OIDS.map(lambda oid: b"shallow " + oid),
    st.sampled_from(
        [b"deepen 1", b"deepen 0", b"deepen-since 7", b"deepen-not v1", b"deepen-not v2", b"deepen-not v3"]
    ),
    st.sampled_from([b"filter blob:none", b"filter x", b"command=fetch"]),
    st.binary(max_size=10),
)
HAVES = st.one_of(OIDS.map(lambda oid: b"have %b\n" % oid), st.sampled_from([b"done", b"done\n", b"have", b"want"]))
TAILS = st.sampled_from([b"", b"0000", b"00000000", b"0009done\n", b"0003", b"00", b"0009do", b"PACK"])


def good_needs() -> st.SearchStrategy[bytes]:
    wants = st.lists(OIDS.filter(lambda oid: oid != b"zz"), min_size=1, max_size=3)
    return wants.map(lambda oids: encode_many([*(b"want " + oid for oid in oids), Marker.FLUSH]))


def bodies() -> st.SearchStrategy[bytes]:
    """Packets in any order, mostly well framed, often good up to the haves, with any tail."""
    any_needs = st.lists(NEEDS.map(encode) | st.sampled_from(Marker).map(lambda marker: marker.value), max_size=8)
    haves = st.lists(HAVES.map(encode), max_size=5).map(b"".join)
    return st.tuples(any_needs.map(b"".join) | good_needs(), haves, TAILS).map(b"".join)


def outcome(pieces: list[bytes]) -> tuple[list[LegacyUploadPackRequest], bytes | None]:
    """(events, the sentence of the error)."""
    parser = LegacyUploadPackRequestParser(UploadPackOffer(agent=b"a"), LIMITS)
    events: list[LegacyUploadPackRequest] = []
    try:
        for piece in pieces:
            events += parser.feed(piece)
        events += parser.finish()
    except RemoteProtocolError as error:
        return events, error.sentence
    return events, None


@given(bodies() | st.binary(max_size=200), st.integers(0, 400))
def test_request_is_the_same_in_any_pieces(body: bytes, at: int) -> None:
    whole = outcome([body])
    assert outcome([body[index : index + 1] for index in range(len(body))]) == whole
    assert outcome([body[:at], b"", body[at:]]) == whole


@given(bodies())
def test_body_makes_one_request_or_one_error(body: bytes) -> None:
    events, sentence = outcome([body])
    assert len(events) == (1 if sentence is None else 0)
    assert sentence is None or (len(sentence) < 1_000 and b"\n" not in sentence)


IDS = [bytes([number]) * 20 for number in range(1, 6)]


@st.composite
def rounds(draw: st.DrawFn) -> tuple[LegacyFetchRequest, list[bytes], int | None]:
    """(request, what is common, from where on all wants are reached)."""
    haves = draw(st.lists(st.sampled_from(IDS), unique=True))
    request = LegacyFetchRequest(
        client=Client(),
        wants=(bytes(20),),
        haves=tuple(haves),
        done=draw(st.booleans()),
        ack_mode=draw(st.sampled_from(AckMode)),
        no_done=draw(st.booleans()),
        negotiates=True,
    )
    common = [have for have in haves if draw(st.booleans())]
    return request, common, draw(st.none() | st.integers(0, len(common)))


@given(rounds())
def test_pack_follows_done_or_ready_and_always_a_last_word(
    round_: tuple[LegacyFetchRequest, list[bytes], int | None],
) -> None:
    request, common, reached_at = round_
    negotiated = negotiate_legacy(request, common, reached_at)
    lines = wire_client.lines(wire_client.decode(negotiated.lines))
    is_ready = any(line.endswith(b" ready") for line in lines)
    assert negotiated.sends_pack is (request.done or (request.no_done and is_ready))
    assert not is_ready or (common and reached_at is not None and request.ack_mode is AckMode.MULTI_DETAILED)
    if negotiated.sends_pack:
        assert lines[-1] == (b"NAK" if not common else b"ACK " + last_word(request, common))
    elif request.ack_mode is not AckMode.SINGLE:
        assert lines[-1] == b"NAK"


def last_word(request: LegacyFetchRequest, common: list[bytes]) -> bytes:
    return (common[0] if request.ack_mode is AckMode.SINGLE else common[-1]).hex().encode()


@given(rounds())
def test_every_common_have_is_acknowledged_where_the_client_wants_all(
    round_: tuple[LegacyFetchRequest, list[bytes], int | None],
) -> None:
    request, common, reached_at = round_
    lines = wire_client.lines(wire_client.decode(negotiate_legacy(request, common, reached_at).lines))
    named = {bytes.fromhex(line.split()[1].decode()) for line in lines if line != b"NAK"}
    assert named <= set(request.haves)
    if request.ack_mode is AckMode.SINGLE:
        assert named == set(common[:1])
    else:
        assert named >= set(common)
