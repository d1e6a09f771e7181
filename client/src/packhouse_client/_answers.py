"""What both transports do with a request before it is sent, and with an answer when it is there."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import httpx
import msgspec

from packhouse_client._call import Listing, Request
from packhouse_client.errors import BY_CODE, ApiError, UnexpectedAnswer
from packhouse_client.types.errors import ERRORS, ErrorBody

T = TypeVar("T")

NEXT_CURSOR = "X-Next-Cursor"
_SHOWN_CHARACTERS = 200


class _Envelope(msgspec.Struct):
    error: msgspec.Raw


def prepared(http: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
    """The request as httpx sends it."""
    headers = {"Accept": "*/*", **request.headers}
    content = None
    if request.body is not None:
        content = msgspec.json.encode(request.body)
        headers["Content-Type"] = "application/json"
    return http.build_request(
        request.method, request.path, params=_parameters(request), content=content, headers=headers
    )


def is_done(response: httpx.Response) -> bool:
    """Whether it is an answer and no failure. 304 is one: it was asked for by If-None-Match."""
    return response.is_success or response.status_code == httpx.codes.NOT_MODIFIED


def decoded(response: httpx.Response, answer: type[T]) -> T:
    """The body, which was read. Raises UnexpectedAnswer."""
    try:
        return msgspec.json.decode(response.content, type=answer)
    except msgspec.DecodeError as error:
        raise UnexpectedAnswer(f"{response.request.url}: {error}") from error


def items_of(listing: Listing[T], response: httpx.Response) -> list[T]:
    """The items of a page."""
    return decoded(response, list[listing.item])  # type: ignore[name-defined]  # a type that is known at run time


def next_page(request: Request, response: httpx.Response) -> Request | None:
    """What to ask for after this page; None: it was the last one."""
    cursor = response.headers.get(NEXT_CURSOR)
    if cursor is None or request.query is None:
        return None
    return replace(request, query=msgspec.structs.replace(request.query, cursor=cursor))


def failure(response: httpx.Response) -> Exception:
    """The exception that an answer other than success stands for; its body was read."""
    try:
        raw = msgspec.json.decode(response.content, type=_Envelope).error
        code = msgspec.json.decode(raw, type=ErrorBody).code
        known = ERRORS.get(code)
        body = msgspec.json.decode(raw, type=ErrorBody if known is None else known.body)
    except msgspec.DecodeError:
        shown = response.text[:_SHOWN_CHARACTERS]
        return UnexpectedAnswer(f"{response.request.url}: {response.status_code} {response.reason_phrase}: {shown}")
    return BY_CODE.get(code, ApiError)(response.status_code, body, response.headers.get("X-Request-Id"))


def _parameters(request: Request) -> dict[str, str]:
    """What the query says other than its defaults, which the server knows as well."""
    if request.query is None:
        return {}
    found = {}
    for field in msgspec.structs.fields(request.query):
        value = getattr(request.query, field.name)
        if value is not None and value != field.default:
            found[field.encode_name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found
