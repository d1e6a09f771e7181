"""Rounds of a fetch from a remote: which haves are told when, and when it is enough."""

from __future__ import annotations

import pytest

from packengine.pktline import FLUSH
from packengine.protocol import LocalProtocolError, ProtocolVersion, RemoteProtocolError
from packengine.protocol.client import Acknowledged, AnswerLimits, Negotiation, RemoteOffer
from packengine.protocol.client._negotiation import MAX_HAVES
from tests.support.wire_client import decode

V2 = RemoteOffer(ProtocolVersion.V2, {b"ls-refs": None, b"fetch": None})
LEGACY = {b"side-band-64k": None, b"ofs-delta": None, b"object-format": b"sha1"}
DETAILED = RemoteOffer(ProtocolVersion.V0, {**LEGACY, b"multi_ack_detailed": None, b"no-done": None})
WANT = bytes(20)
NOTHING = Acknowledged((), is_ready=False)


def oids(count: int, start: int = 1) -> list[bytes]:
    return [number.to_bytes(20, "big") for number in range(start, start + count)]


def negotiation(offer: RemoteOffer = V2, known_common: list[bytes] | None = None) -> Negotiation:
    return Negotiation(offer, "sha1", AnswerLimits(), b"us/1", wants=[WANT], known_common=known_common or [])


def told(body: bytes) -> tuple[list[bytes], bool]:
    """(haves, whether it is done)."""
    lines = [line for line in decode(body) if isinstance(line, bytes)]
    haves = [bytes.fromhex(line[5:45].decode()) for line in lines if line.startswith(b"have ")]
    return haves, b"done\n" in lines


def test_who_has_nothing_is_done_at_once() -> None:
    body, _ = negotiation().request([])
    assert told(body) == ([], True)


def test_what_the_remote_is_known_to_have_is_told_in_every_request() -> None:
    known = oids(2)
    rounds = negotiation(known_common=known)
    haves = oids(rounds.batch, 100)
    assert told(rounds.request(haves)[0]) == ([*known, *haves], False)
    rounds.take(NOTHING)
    assert told(rounds.request([])[0]) == (known, True)


def test_what_was_acknowledged_is_repeated_and_the_rest_is_not() -> None:
    rounds = negotiation()
    haves = oids(rounds.batch)
    rounds.request(haves)
    rounds.take(Acknowledged((haves[3],), is_ready=False))
    assert list(rounds.common) == [haves[3]]
    later = oids(rounds.batch, 100)
    assert told(rounds.request(later)[0])[0] == [haves[3], *later]


def test_batches_grow() -> None:
    rounds = negotiation()
    sizes: list[int] = []
    while rounds.batch:
        sizes.append(rounds.batch)
        rounds.request(oids(rounds.batch, sum(sizes)))
        rounds.take(NOTHING)
    assert sizes[:8] == [16, 32, 64, 128, 256, 512, 1024, 2048]
    assert max(sizes) == 2048
    assert sum(sizes) == MAX_HAVES


def test_a_remote_with_nothing_in_common_is_fetched_whole_in_the_end() -> None:
    rounds = negotiation()
    sent = 0
    while rounds.batch:
        size = rounds.batch
        body, _ = rounds.request(oids(size, sent + 1))
        assert told(body)[1] is False
        rounds.take(NOTHING)
        sent += size
    assert sent == MAX_HAVES
    assert told(rounds.request([])[0]) == ([], True)


def test_after_an_acknowledgment_some_in_vain_are_enough() -> None:
    rounds = negotiation()
    haves = oids(rounds.batch)
    rounds.request(haves)
    rounds.take(Acknowledged((haves[0],), is_ready=False))
    sent = 0
    while rounds.batch:
        sent += rounds.batch
        rounds.request(oids(rounds.batch, 1_000 * sent))
        rounds.take(NOTHING)
    assert 256 <= sent < 600
    assert told(rounds.request([])[0]) == ([haves[0]], True)


def test_a_remote_that_is_ready_hears_done() -> None:
    rounds = negotiation(DETAILED)
    haves = oids(rounds.batch)
    rounds.request(haves)
    rounds.take(Acknowledged((haves[0],), is_ready=True))
    assert rounds.batch == 0
    assert told(rounds.request([])[0]) == ([haves[0]], True)


def test_who_said_done_expects_a_pack() -> None:
    rounds = negotiation()
    rounds.request([])
    with pytest.raises(RemoteProtocolError, match="sent no pack"):
        rounds.take(NOTHING)


def test_what_was_not_told_cannot_be_acknowledged() -> None:
    rounds = negotiation()
    rounds.request(oids(rounds.batch))
    with pytest.raises(RemoteProtocolError, match="not told of"):
        rounds.take(Acknowledged((b"\xff" * 20,), is_ready=False))


def test_more_haves_than_were_asked_for_are_our_fault() -> None:
    rounds = negotiation()
    with pytest.raises(LocalProtocolError):
        rounds.request(oids(rounds.batch + 1))


def test_before_version_2_capabilities_stand_behind_the_first_want() -> None:
    first, second = oids(2)
    rounds = Negotiation(DETAILED, "sha1", AnswerLimits(), b"us/1", wants=[first, second])
    words = b"multi_ack_detailed no-done ofs-delta side-band-64k object-format=sha1"
    assert decode(rounds.request([])[0]) == [
        b"want %b %b\n" % (first.hex().encode(), words),
        b"want %b\n" % second.hex().encode(),
        FLUSH,
        b"done\n",
    ]


def test_a_round_before_version_2_ends_with_a_flush() -> None:
    rounds = negotiation(DETAILED)
    assert decode(rounds.request(oids(rounds.batch))[0])[-1] is FLUSH


def test_a_remote_that_cannot_acknowledge_in_detail_has_one_round() -> None:
    rounds = negotiation(RemoteOffer(ProtocolVersion.V0, LEGACY))
    assert rounds.batch == 256
    assert told(rounds.request(oids(256))[0])[1] is True


def test_a_remote_without_bands_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="side-band"):
        negotiation(RemoteOffer(ProtocolVersion.V0, {b"ofs-delta": None})).request([])


def test_a_remote_without_fetch_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="does not offer fetch"):
        negotiation(RemoteOffer(ProtocolVersion.V2, {b"ls-refs": None})).request([])
