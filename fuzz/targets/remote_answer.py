"""Any answer of a remote gives the same events or the same error, whole or byte by byte, within its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fuzz.pieces import all_cuts
from packengine.protocol import PackData, ProtocolError
from packengine.protocol.client import (
    Acknowledged,
    Advertisement,
    AdvertisementParser,
    AnswerLimits,
    AnswerParser,
    FetchAnswerParser,
    LegacyFetchAnswerParser,
    LsRefsAnswerParser,
    Progress,
    RemoteRefs,
)

NARROW = AnswerLimits(
    max_refs=3,
    max_listing_bytes=600,
    max_capability_bytes=120,
    max_capabilities=4,
    max_pack_bytes=60,
    max_progress_bytes=40,
    max_acknowledgments=2,
)
"""Limits that inputs of some hundred bytes reach."""

_PARSERS: tuple[Callable[[AnswerLimits], AnswerParser[Any]], ...] = (
    lambda limits: AdvertisementParser("sha1", limits),
    lambda limits: LsRefsAnswerParser("sha1", limits),
    lambda limits: FetchAnswerParser("sha1", limits),
    lambda limits: LegacyFetchAnswerParser("sha1", limits, done=False),
    lambda limits: LegacyFetchAnswerParser("sha1", limits, done=True),
)


@dataclass(frozen=True)
class Outcome:
    """What a parser made of an answer."""

    events: list[object]
    error: str | None


def check(body: bytes) -> None:
    """Raises if a parser breaks the rule. Each takes the answer as if it were its own."""
    for make in _PARSERS:
        for limits in (AnswerLimits(), NARROW):
            whole, *others = [parse(make(limits), pieces) for pieces in all_cuts(body)]
            assert all(other == whole for other in others), f"{whole} whole, {others} in pieces"
            check_limits(whole, limits)


def check_limits(outcome: Outcome, limits: AnswerLimits) -> None:
    """Nothing was handed out that a limit forbids, and an error is fit to be shown."""
    events = outcome.events
    assert sum(len(event.data) for event in events if isinstance(event, PackData)) <= limits.max_pack_bytes
    assert sum(len(event.text) for event in events if isinstance(event, Progress)) <= limits.max_progress_bytes
    for event in events:
        if isinstance(event, Acknowledged):
            assert len(event.common) <= limits.max_acknowledgments
        listed = event.refs if isinstance(event, Advertisement) else event
        if isinstance(listed, RemoteRefs):
            assert len({ref.name for ref in listed.refs}) == len(listed.refs) <= limits.max_refs
    assert outcome.error is None or (len(outcome.error) < 1_000 and outcome.error.isprintable())


def parse(parser: AnswerParser[Any], pieces: list[bytes]) -> Outcome:
    """Feed all pieces, then end the body. An error stays."""
    events: list[object] = []
    sentence: str | None = None
    try:
        for piece in pieces:
            events += parser.feed(piece)
        events += parser.finish()
    except ProtocolError as error:
        sentence = str(error)
    assert sentence is None or error_again(parser) == sentence, "the error did not stay"
    return Outcome(events, sentence)


def error_again(parser: AnswerParser[Any]) -> str | None:
    """What the parser has against more."""
    try:
        parser.feed(b"")
    except ProtocolError as error:
        return str(error)
    return None
