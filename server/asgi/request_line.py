"""What a request line and its headers may be, and Hypercorn passes on as it came. Format: RFC 9112."""

from __future__ import annotations

import re
from typing import cast
from urllib.parse import unquote

from hypercorn.typing import HTTPScope

_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://(?P<authority>[^/?]*)(?P<path>[^?]*)")


def in_origin_form(scope: HTTPScope) -> HTTPScope:
    """The same request with a path that starts with a slash.

    A target in absolute form (section 3.2.2) is what clients send to proxies, and servers have to take it; its
    authority counts, not the Host header.
    """
    match = _ABSOLUTE.match(scope["raw_path"])
    if match is None:
        return scope
    raw_path = match["path"] or b"/"
    others = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
    changed = {"path": unquote(raw_path.decode("ascii")), "raw_path": raw_path}
    return cast("HTTPScope", {**scope, **changed, "headers": [(b"host", match["authority"]), *others]})


def has_two_lengths(scope: HTTPScope) -> bool:
    """Whether a proxy may have seen another end of this request than we do (section 6.1): request smuggling."""
    names = {name.lower() for name, _ in scope["headers"]}
    return {b"content-length", b"transfer-encoding"} <= names


def has_no_body(scope: HTTPScope) -> bool:
    """Whether the head has said already that nothing follows it (section 6.3). HTTP/2 says so in other ways."""
    if scope["http_version"] not in ("1.0", "1.1"):
        return False
    return all(_announces_nothing(name.lower(), value) for name, value in scope["headers"])


def _announces_nothing(name: bytes, value: bytes) -> bool:
    return name != b"transfer-encoding" and (name != b"content-length" or value == b"0")
