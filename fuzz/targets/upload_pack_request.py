"""Any body of a version 2 request gives the same events or the same RemoteProtocolError, whole or byte by byte."""

from __future__ import annotations

from fuzz.requests import check_parser
from packengine.protocol import SAFE_FETCH_FEATURES, UploadPackOffer, UploadPackRequestParser, WireLimits

_OFFER = UploadPackOffer(
    agent=b"fuzz/1",
    session_id=b"session",
    fetch_features=SAFE_FETCH_FEATURES | {b"packfile-uris"},
    bundle_uri=True,
)


def check(body: bytes) -> None:
    """Raises if the parser breaks the rule."""
    check_parser(parser, body)


def parser(limits: WireLimits) -> UploadPackRequestParser:
    """One that understands all there is."""
    return UploadPackRequestParser(_OFFER, limits)
