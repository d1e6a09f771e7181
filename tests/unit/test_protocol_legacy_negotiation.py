"""ACK and NAK lines of versions 0 and 1, and when the pack may come. What Git says is compared in tests/compat."""

from __future__ import annotations

import pytest

from packengine.pktline import FLUSH
from packengine.protocol import (
    AckMode,
    Client,
    Deepen,
    LegacyFetchRequest,
    LegacyNegotiated,
    LocalProtocolError,
    ShallowInfo,
    legacy_head,
    negotiate_legacy,
)
from tests.support import wire_client

IDS = {name: bytes([number]) * 20 for number, name in enumerate("ABCD", 0xA1)}


def request(
    mode: AckMode,
    haves: str,
    *,
    done: bool = False,
    no_done: bool = False,
    negotiates: bool = True,
    deepen: Deepen | None = None,
) -> LegacyFetchRequest:
    return LegacyFetchRequest(
        client=Client(),
        wants=(bytes(20),),
        haves=tuple(IDS[name] for name in haves),
        done=done,
        ack_mode=mode,
        no_done=no_done,
        negotiates=negotiates,
        deepen=deepen or Deepen(),
    )


def said(negotiated: LegacyNegotiated) -> str:
    """The lines with names in place of `ACK <id>`, separated by commas; `+ pack` if it follows."""
    lines = [line.decode() for line in wire_client.lines(wire_client.decode(negotiated.lines))]
    text = ", ".join(lines)
    for name, oid in IDS.items():
        text = text.replace(f"ACK {oid.hex()}", name)
    return text + " + pack" if negotiated.sends_pack else text


def decided(request_: LegacyFetchRequest, common: str, reached_at: int | None) -> str:
    return said(negotiate_legacy(request_, [IDS[name] for name in common], reached_at))


SINGLE, MULTI, DETAILED = AckMode.SINGLE, AckMode.MULTI, AckMode.MULTI_DETAILED


@pytest.mark.parametrize(
    ("mode", "haves", "common", "reached_at", "flushed", "done"),
    [
        (SINGLE, "", "", None, "NAK", "NAK + pack"),
        (SINGLE, "AB", "", None, "NAK", "NAK + pack"),
        (SINGLE, "ABC", "BC", 1, "B", "B + pack"),
        (MULTI, "", "", None, "NAK", "NAK + pack"),
        (MULTI, "AB", "", None, "NAK", "NAK + pack"),
        (MULTI, "ABC", "AC", None, "A continue, C continue, NAK", "A continue, C continue, C + pack"),
        (
            MULTI,
            "ABC",
            "A",
            1,
            "A continue, B continue, C continue, NAK",
            "A continue, B continue, C continue, A + pack",
        ),
        (DETAILED, "", "", None, "NAK", "NAK + pack"),
        (DETAILED, "AB", "", None, "NAK", "NAK + pack"),
        (DETAILED, "ABC", "AC", None, "A common, C common, NAK", "A common, C common, C + pack"),
        (DETAILED, "AB", "AB", 1, "A common, B common, B ready, NAK", "A common, B common, B + pack"),
        (DETAILED, "AB", "AB", None, "A common, B common, NAK", "A common, B common, B + pack"),
        (DETAILED, "ABCD", "AC", 2, "A common, C common, D ready, NAK", "A common, C common, D ready, C + pack"),
        # An unknown have in front of the last known one: ready only if something is said about it.
        (DETAILED, "BA", "A", 1, "A common, NAK", "A common, A + pack"),
    ],
)
def test_lines_follow_from_what_is_common_and_from_when_all_is_reached(
    mode: AckMode, haves: str, common: str, reached_at: int | None, flushed: str, done: str
) -> None:
    assert decided(request(mode, haves), common, reached_at) == flushed
    assert decided(request(mode, haves, done=True), common, reached_at) == done


@pytest.mark.parametrize(
    ("mode", "haves", "common", "reached_at", "expected"),
    [
        (DETAILED, "AB", "AB", 1, "A common, B common, B ready, NAK, B + pack"),
        (DETAILED, "ABC", "A", 1, "A common, B ready, C ready, NAK, A + pack"),
        (DETAILED, "AB", "AB", None, "A common, B common, NAK"),
        (DETAILED, "BA", "A", 1, "A common, NAK"),
        (DETAILED, "AB", "", None, "NAK"),
        (MULTI, "AB", "A", 1, "A continue, B continue, NAK"),
        (SINGLE, "AB", "A", 1, "A"),
    ],
)
def test_pack_without_done_follows_ready_and_nothing_else(
    mode: AckMode, haves: str, common: str, reached_at: int | None, expected: str
) -> None:
    assert decided(request(mode, haves, no_done=True), common, reached_at) == expected


def test_wants_without_ancestry_are_reached_only_once_something_is_common() -> None:
    assert decided(request(DETAILED, "AB"), "", 0) == "NAK"
    assert decided(request(DETAILED, "BA"), "B", 0) == "B common, A ready, NAK"


@pytest.mark.parametrize(("mode", "haves", "may"), [(SINGLE, "A", False), (MULTI, "", False), (DETAILED, "A", True)])
def test_reach_need_be_found_out_only_where_it_may_decide(mode: AckMode, haves: str, may: bool) -> None:
    assert request(mode, haves).may_get_ready is may
    assert request(mode, haves, done=True).may_get_ready is may


def test_request_for_the_boundary_alone_gets_no_line_and_no_pack() -> None:
    assert decided(request(DETAILED, "", negotiates=False), "", None) == ""


def test_have_that_the_client_did_not_name_is_never_acknowledged() -> None:
    with pytest.raises(LocalProtocolError, match="a2a2"):
        negotiate_legacy(request(DETAILED, "A"), [IDS["B"]], None)


ASKED = Deepen(depth=1)


def test_new_boundary_stands_in_front_of_the_lines_in_a_section_of_its_own() -> None:
    info = ShallowInfo(shallow=(IDS["A"], IDS["B"]), unshallow=(IDS["C"],))
    asked = request(DETAILED, "", done=True, deepen=ASKED)
    head = legacy_head(asked, info, negotiate_legacy(asked, [], None))
    assert wire_client.decode(head) == [
        *(b"shallow " + IDS[name].hex().encode() for name in "AB"),
        b"unshallow " + IDS["C"].hex().encode(),
        FLUSH,
        b"NAK\n",
    ]


@pytest.mark.parametrize("deepen", [ASKED, Deepen(since_s=0), Deepen(excluded_refs=(b"v1",))])
def test_boundary_that_stays_is_told_as_an_empty_section(deepen: Deepen) -> None:
    asked = request(DETAILED, "", negotiates=False, deepen=deepen)
    assert legacy_head(asked, ShallowInfo(), negotiate_legacy(asked, [], None)) == b"0000"


def test_client_that_asked_for_no_boundary_hears_of_none() -> None:
    unasked = request(DETAILED, "", done=True)
    negotiated = negotiate_legacy(unasked, [], None)
    assert legacy_head(unasked, ShallowInfo(shallow=(IDS["A"],)), negotiated) == b"0008NAK\n"
    assert legacy_head(unasked, None, negotiated) == b"0008NAK\n"


def test_boundary_that_was_asked_for_cannot_be_left_out() -> None:
    asked = request(DETAILED, "", done=True, deepen=ASKED)
    with pytest.raises(LocalProtocolError):
        legacy_head(asked, None, negotiate_legacy(asked, [], None))
