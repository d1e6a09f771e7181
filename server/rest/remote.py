"""Where the client of the current request reaches us, for the URLs that answers tell."""

from __future__ import annotations

import re

from quart import request

from server.config import Settings

_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


def request_base_url(settings: Settings) -> str:
    """The public base URL, else the scheme and host of the request.

    A Host header that could not stand in a URL is not repeated; the address we listen on is told instead.
    """
    if settings.public_base_url is not None:
        return settings.public_base_url
    host = request.headers.get("Host", "")
    return f"{request.scheme}://{host}" if _HOST.fullmatch(host) else settings.base_url
