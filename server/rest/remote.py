"""Where the client of the current request reaches us."""

from __future__ import annotations

from quart import request

from server.base_url import base_url
from server.config import Settings


def request_base_url(settings: Settings) -> str:
    """As `base_url`, of the current request."""
    return base_url(settings, request.scheme, request.headers.get("Host", ""))
