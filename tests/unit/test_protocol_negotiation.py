"""What a fetch is answered: the rules of gitprotocol-v2(5), and above all that no pack comes too early."""

from __future__ import annotations

import pytest

from packengine.protocol import (
    Client,
    FetchRequest,
    LocalProtocolError,
    Outcome,
    negotiate,
)

A, B, C = (bytes([number]) * 20 for number in (1, 2, 3))


def fetch(wants: str, haves: str, *, done: bool = False, wait_for_done: bool = False) -> FetchRequest:
    ids = {"A": A, "B": B, "C": C}
    return FetchRequest(
        client=Client(),
        wants=tuple(ids[each] for each in wants),
        haves=tuple(ids[each] for each in haves),
        done=done,
        thin_pack=True,
        no_progress=True,
        include_tag=True,
        ofs_delta=True,
        wait_for_done=wait_for_done,
    )


@pytest.mark.parametrize(
    ("request_", "common", "all_reached", "outcome"),
    [
        # A clone, and a clone that says so.
        (fetch("A", ""), "", False, Outcome.PACK),
        (fetch("A", "", done=True), "", False, Outcome.PACK),
        # Rounds of a negotiation: no pack unless everything wanted is reached.
        (fetch("A", "BC"), "", False, Outcome.ACKNOWLEDGMENTS),
        (fetch("A", "BC"), "B", False, Outcome.ACKNOWLEDGMENTS),
        (fetch("A", "BC"), "B", True, Outcome.ACKNOWLEDGMENTS_AND_PACK),
        # Nothing in common reaches nothing, whatever the caller says.
        (fetch("A", "BC"), "", True, Outcome.ACKNOWLEDGMENTS),
        # The client has given up, or has enough: no acknowledgments any more.
        (fetch("A", "BC", done=True), "", False, Outcome.PACK),
        (fetch("A", "BC", done=True), "B", True, Outcome.PACK),
        # wait-for-done: never ready, so never a pack that was not asked for.
        (fetch("A", "BC", wait_for_done=True), "B", True, Outcome.ACKNOWLEDGMENTS),
        (fetch("", "BC", wait_for_done=True), "B", True, Outcome.ACKNOWLEDGMENTS),
        (fetch("A", "BC", wait_for_done=True, done=True), "B", True, Outcome.PACK),
        (fetch("A", "", wait_for_done=True), "", False, Outcome.PACK),
        # Nobody wants anything.
        (fetch("", ""), "", False, Outcome.NOTHING),
        (fetch("", "B", done=True), "", True, Outcome.NOTHING),
    ],
)
def test_decision_follows_from_the_request_alone(
    request_: FetchRequest, common: str, all_reached: bool, outcome: Outcome
) -> None:
    decided = negotiate(request_, [{"B": B, "C": C}[each] for each in common], all_reached=all_reached)
    assert decided.outcome is outcome
    assert decided.sends_pack is (outcome in (Outcome.PACK, Outcome.ACKNOWLEDGMENTS_AND_PACK))


@pytest.mark.parametrize(
    ("request_", "may"),
    [
        (fetch("A", "B"), True),
        (fetch("A", ""), False),
        (fetch("A", "B", done=True), False),
        (fetch("A", "B", wait_for_done=True), False),
    ],
)
def test_reach_need_be_found_out_only_where_it_decides(request_: FetchRequest, may: bool) -> None:
    assert request_.may_get_ready is may
    outcomes = {negotiate(request_, request_.haves, all_reached=reached).outcome for reached in (False, True)}
    assert (len(outcomes) == 2) is may


def test_ref_that_is_wanted_by_name_is_a_want() -> None:
    assert negotiate(FetchRequest(client=Client(), want_refs=(b"HEAD",)), [], all_reached=False).sends_pack


def test_what_the_client_did_not_name_is_not_acknowledged() -> None:
    with pytest.raises(LocalProtocolError, match="03" * 20):
        negotiate(fetch("A", "B"), [B, C], all_reached=False)
