"""What all request parsers must keep to, whatever bytes they are fed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fuzz.pieces import all_cuts
from packengine.protocol import (
    LegacyUploadPackRequestParser,
    PackData,
    ReceivePackRequestParser,
    RemoteProtocolError,
    UploadPackRequestParser,
    WireLimits,
)

Parser = UploadPackRequestParser | LegacyUploadPackRequestParser | ReceivePackRequestParser

NARROW = WireLimits(
    max_pkt_lines=40,
    max_request_bytes=3_000,
    max_wants=4,
    max_haves=4,
    max_ref_prefixes=3,
    max_commands=4,
    max_shallows=2,
    max_excluded_refs=2,
    max_filter_bytes=80,
    max_filter_terms=3,
    max_filter_nesting=2,
    max_object_infos=3,
    max_server_options=2,
    max_server_option_bytes=20,
    max_push_options=3,
    max_push_option_bytes=40,
    max_push_certificate_bytes=400,
    max_capability_bytes=120,
)
"""Limits that inputs of some hundred bytes reach."""


@dataclass(frozen=True)
class Outcome:
    """What a parser made of a body."""

    events: list[object]
    """All but pack data, which comes in pieces of its own."""

    pack: bytes
    sentence: bytes | None
    """What the peer is told, if it broke the protocol."""


def check_parser(make: Callable[[WireLimits], Parser], body: bytes) -> None:
    """The same events in whatever pieces; no exception but the peer's fault, which is fit to be told and stays."""
    for limits in (WireLimits(), NARROW):
        whole, *others = [parse(make(limits), pieces) for pieces in all_cuts(body)]
        assert all(other == whole for other in others), f"{whole} whole, {others} in pieces"
        assert body.endswith(whole.pack)
        assert whole.sentence is None or is_tellable(whole.sentence), f"not to be told: {whole.sentence!r}"


def is_tellable(sentence: bytes) -> bool:
    """Whether it fits into one line of a terminal and contains nothing that would steer one."""
    return 0 < len(sentence) < 1_000 and all(0x20 <= byte < 0x7F for byte in sentence)


def parse(parser: Parser, pieces: list[bytes]) -> Outcome:
    """Feed all pieces, then end the body."""
    events: list[object] = []
    pack = b""
    sentence: bytes | None = None
    try:
        for piece in pieces:
            for event in parser.feed(piece):
                if isinstance(event, PackData):
                    assert event.data, "pack data without data"
                    pack += event.data
                else:
                    events.append(event)
        events += parser.finish()
    except RemoteProtocolError as error:
        sentence = error.sentence
    assert sentence_at_the_end(parser) == sentence, "the error did not stay"
    return Outcome(events, pack, sentence)


def sentence_at_the_end(parser: Parser) -> bytes | None:
    """What the parser has against the body's ending here."""
    try:
        parser.finish()
    except RemoteProtocolError as error:
        return error.sentence
    return None
