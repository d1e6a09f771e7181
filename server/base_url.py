"""Where the client of a request reaches us, for the URLs that answers tell."""

from __future__ import annotations

import re

from hypercorn.typing import HTTPScope

from server.config import Settings

_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


def base_url(settings: Settings, scheme: str, host: str) -> str:
    """The public base URL, else the scheme and Host of the request.

    A Host header that could not stand in a URL is not repeated; the address we listen on is told instead.
    """
    if settings.public_base_url is not None:
        return settings.public_base_url
    return f"{scheme}://{host}" if _HOST.fullmatch(host) else settings.base_url


def base_url_of(settings: Settings, scope: HTTPScope) -> str:
    """As `base_url`, of an ASGI request."""
    host = next((value for name, value in scope["headers"] if name.lower() == b"host"), b"")
    return base_url(settings, scope["scheme"], host.decode("latin-1"))
