"""Answers of octets from a repository: with validators, and so that no browser takes them for a page of ours."""

from __future__ import annotations

import math

from quart import Response, request
from quart.wrappers.response import ResponseBody

from server.git.static_answer import Conditions, StaticAnswer
from server.rest.context import services
from server.rest.streaming import Source, StreamBody

_GUARDS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; sandbox"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""Whatever somebody committed, it is not to run as a script of this origin."""

CACHE_CONTROL = "private, no-cache"
"""Kept by nobody but the client, who asks each time whether it may still have it: an unchanged one costs a 304."""


def conditions() -> Conditions:
    """Those of the current request."""
    headers = request.headers
    if_none_match = headers.get("If-None-Match")
    if request.method == "HEAD":
        return Conditions(if_none_match)
    return Conditions(if_none_match, headers.get("If-Range"), headers.get("Range"))


def octets(answer: StaticAnswer, body: bytes | ResponseBody = b"") -> Response:
    """An answer with exactly those headers, and the guards."""
    response = Response(body)
    response.status_code = answer.status
    response.headers.clear()
    for name, value in answer.headers:
        response.headers.add(name.decode("ascii"), value.decode("latin-1"))
    response.headers.extend(_GUARDS)
    return response


def streamed(source: Source) -> StreamBody:
    """A body of what a source gives."""
    patience_s = services().settings.request_timeout_secs if request.http_version == "2" else math.inf
    return StreamBody(source, services().streams, patience_s=patience_s)
