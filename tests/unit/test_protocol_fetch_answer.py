"""The answer to a fetch of version 2 in front of its pack. Format: gitprotocol-v2(5), "fetch"."""

from __future__ import annotations

import pytest

from packengine.pktline import DELIM, FLUSH, encode_many
from packengine.protocol import (
    EARLY_KEEP_ALIVE,
    Client,
    FetchRequest,
    FetchSections,
    Negotiated,
    Outcome,
    ShallowInfo,
    fetch_error,
    fetch_head,
    negotiate,
    progress,
)
from tests.support import wire_client

A, B, C = (bytes([number]) * 20 for number in (1, 2, 3))
A_HEX, B_HEX, C_HEX = (oid.hex().encode() for oid in (A, B, C))
PLAIN = FetchRequest(client=Client(), wants=(A,), haves=(B, C))
IN_BANDS = FetchRequest(client=Client(), wants=(A,), haves=(B, C), sideband_all=True)
NO_SECTIONS = FetchSections()
ALL_SECTIONS = FetchSections(
    shallow_info=ShallowInfo(shallow=(A, B), unshallow=(C,)),
    wanted_refs=[(A, b"refs/heads/main"), (B, b"HEAD")],
    packfile_uris=[(C, b"https://example.org/pack")],
)


def negotiated(outcome: Outcome, *common: bytes) -> Negotiated:
    return Negotiated(outcome, common)


def test_common_haves_are_acknowledged_in_order_and_a_flush_ends_the_round() -> None:
    head = fetch_head(PLAIN, negotiate(PLAIN, [C, B], all_reached=False), NO_SECTIONS)
    assert head == (
        b"0014acknowledgments\n" + b"0031ACK %b\n" % (b"03" * 20) + b"0031ACK %b\n" % (b"02" * 20) + b"0000"
    )


def test_nothing_in_common_is_a_nak() -> None:
    head = fetch_head(PLAIN, negotiate(PLAIN, [], all_reached=False), NO_SECTIONS)
    assert head == b"0014acknowledgments\n0008NAK\n0000"


def test_ready_ends_with_a_delimiter_and_the_pack_follows() -> None:
    head = fetch_head(PLAIN, negotiate(PLAIN, [B], all_reached=True), NO_SECTIONS)
    ack = b"0031ACK %b\n" % (b"02" * 20)
    assert head == b"0014acknowledgments\n" + ack + b"000aready\n0001000dpackfile\n"


def test_without_a_round_there_are_no_acknowledgments() -> None:
    assert fetch_head(PLAIN, negotiated(Outcome.PACK, B), NO_SECTIONS) == b"000dpackfile\n"


@pytest.mark.parametrize("request_", [PLAIN, IN_BANDS])
def test_nothing_wanted_is_answered_by_nothing(request_: FetchRequest) -> None:
    assert fetch_head(request_, negotiated(Outcome.NOTHING), ALL_SECTIONS) == b""


def test_sections_stand_in_the_documents_order() -> None:
    head = fetch_head(PLAIN, negotiated(Outcome.ACKNOWLEDGMENTS_AND_PACK, B), ALL_SECTIONS)
    assert wire_client.decode(head) == [
        *(b"acknowledgments\n", b"ACK " + B_HEX + b"\n", b"ready\n", DELIM),
        *(b"shallow-info\n", b"shallow " + A_HEX, b"shallow " + B_HEX, b"unshallow " + C_HEX, DELIM),
        *(b"wanted-refs\n", A_HEX + b" refs/heads/main\n", B_HEX + b" HEAD\n", DELIM),
        *(b"packfile-uris\n", C_HEX + b" https://example.org/pack\n", DELIM),
        b"packfile\n",
    ]


def test_sections_belong_to_the_pack_and_not_to_a_round_without_one() -> None:
    head = fetch_head(PLAIN, negotiated(Outcome.ACKNOWLEDGMENTS), ALL_SECTIONS)
    assert wire_client.decode(head) == [b"acknowledgments\n", b"NAK\n", FLUSH]


def test_boundary_that_does_not_change_is_a_section_without_lines() -> None:
    head = fetch_head(PLAIN, negotiated(Outcome.PACK), FetchSections(shallow_info=ShallowInfo()))
    assert wire_client.decode(head) == [b"shallow-info\n", DELIM, b"packfile\n"]


@pytest.mark.parametrize("outcome", [Outcome.ACKNOWLEDGMENTS, Outcome.ACKNOWLEDGMENTS_AND_PACK, Outcome.PACK])
def test_sideband_all_puts_each_line_into_band_1_and_leaves_markers_alone(outcome: Outcome) -> None:
    plain = wire_client.decode(fetch_head(PLAIN, negotiated(outcome, B), ALL_SECTIONS))
    in_bands = wire_client.decode(fetch_head(IN_BANDS, negotiated(outcome, B), ALL_SECTIONS))
    assert in_bands == [b"\1" + packet if isinstance(packet, bytes) else packet for packet in plain]


def test_words_and_keep_alives_may_stand_before_a_head_in_bands() -> None:
    early = progress(b"Counting\r") + EARLY_KEEP_ALIVE
    head = fetch_head(IN_BANDS, negotiated(Outcome.PACK), ALL_SECTIONS)
    answer = wire_client.parse_fetch_answer(early + head + encode_many([b"\1PACK", FLUSH]), sideband_all=True)
    assert (answer.messages, answer.pack, answer.error) == (b"Counting\r", b"PACK", None)
    assert (answer.shallow, answer.unshallow) == ([A, B], [C])
    assert answer.wanted_refs == {b"refs/heads/main": A, b"HEAD": B}
    assert answer.packfile_uris == [(C, b"https://example.org/pack")]


def test_early_keep_alive_is_the_one_that_the_document_names() -> None:
    assert EARLY_KEEP_ALIVE == b"0005\2"


def test_error_in_place_of_a_head_is_framed_as_the_head_would_be() -> None:
    assert fetch_error(PLAIN, b"no") == fetch_error(None, b"no") == b"000aERR no"
    assert fetch_error(IN_BANDS, b"no") == b"0008\3no\n"
