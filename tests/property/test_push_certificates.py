"""Certificates of pushes: the same push fed whole or byte by byte, and commands that are exactly what is signed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from packengine.pktline import FLUSH, Packet, encode_many
from packengine.protocol import (
    PackData,
    PushCommands,
    ReceivePackEvent,
    ReceivePackOffer,
    ReceivePackRequestParser,
    RemoteProtocolError,
    WireLimits,
)
from tests.support.wire_client import certificate_text, signed_push_request

OFFER = ReceivePackOffer(agent=b"a", push_options=True, push_certificate_nonce=b"n")
LIMITS = WireLimits(max_commands=3, max_push_options=2, max_shallows=2, max_push_certificate_bytes=500)

oids = st.sampled_from([bytes(20), b"\xaa" * 20, b"\xbb" * 20])
names = st.sampled_from([b"refs/heads/main", b"refs/heads/a b", b"refs/heads/..", b"HEAD"])
commands = st.lists(st.tuples(oids, oids, names), max_size=4)
options = st.lists(st.sampled_from([b"", b"a", b"b c", b"-----BEGIN "]), max_size=3)
armors = st.sampled_from(
    [b"", b"-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n", b"-----BEGIN x\n\n"]
)
LINES = [
    *(b"certificate version 0.1\n", b"pusher me\n", b"nonce 1\n", b"push-option a\n", b"\n", b"pushee x\n"),
    *(b"-----BEGIN SSH SIGNATURE-----\n", b"push-cert-end\n", b"push-cert-end", b"push-cert\0", b"\0\n", b""),
    b"%b %b refs/heads/main\n" % (b"0" * 40, b"aa" * 20),
]
packets: st.SearchStrategy[Packet] = st.one_of(st.sampled_from(LINES), st.just(FLUSH))


def outcome(body: bytes, pieces: list[bytes]) -> tuple[list[ReceivePackEvent], bytes, str | None]:
    parser = ReceivePackRequestParser(OFFER, LIMITS)
    events: list[ReceivePackEvent] = []
    pack = b""
    try:
        for piece in pieces:
            for event in parser.feed(piece):
                if isinstance(event, PackData):
                    pack += event.data
                else:
                    events.append(event)
        parser.finish()
    except RemoteProtocolError as error:
        return events, pack, str(error)
    return events, pack, None


def assert_same_in_any_pieces(body: bytes, at: int) -> None:
    whole = outcome(body, [body])
    assert outcome(body, [body[i : i + 1] for i in range(len(body))]) == whole
    assert outcome(body, [body[:at], body[at:]]) == whole


@given(commands, options, armors, st.integers(0, 600))
def test_signed_push_is_the_same_in_any_pieces(
    moves: list[tuple[bytes, bytes, bytes]], said: list[bytes], armor: bytes, at: int
) -> None:
    text = certificate_text(moves, push_options=said)
    body = signed_push_request(text, armor, b"PACK", push_options=said)
    assert_same_in_any_pieces(body, at)
    [event, *_] = [*outcome(body, [body])[0], None]
    if isinstance(event, PushCommands):
        assert event.certificate is not None
        assert event.certificate.payload == text
        assert event.certificate.signature == armor
        assert [(each.old, each.new, each.name) for each in event.commands] == moves


@given(st.lists(packets, max_size=14), st.integers(0, 600))
def test_whatever_follows_the_opening_is_the_same_in_any_pieces(following: list[Packet], at: int) -> None:
    assert_same_in_any_pieces(encode_many([b"push-cert\0push-options", *following]), at)
