"""Any body of a fetch before version 2 gives the same event or the same RemoteProtocolError, whole or byte by byte."""

from __future__ import annotations

from fuzz.requests import check_parser
from packengine.protocol import LegacyUploadPackRequestParser, UploadPackOffer, WireLimits


def check(body: bytes) -> None:
    """Raises if the parser breaks the rule."""
    check_parser(parser, body)


def parser(limits: WireLimits) -> LegacyUploadPackRequestParser:
    """One that understands all there is."""
    return LegacyUploadPackRequestParser(UploadPackOffer(agent=b"fuzz/1", session_id=b"session"), limits)
