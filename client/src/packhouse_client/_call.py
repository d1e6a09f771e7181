"""A request as data: what to send, and as what to read the answer. Sending it is the transports' business."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote

from msgspec import Struct

from packhouse_client.errors import BadName

T = TypeVar("T")

GET, POST, PUT, PATCH, DELETE = "GET", "POST", "PUT", "PATCH", "DELETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to send. is_repeatable: doing it twice comes to the same, so it may be sent again when no answer came."""

    method: str
    path: str
    query: Struct | None = None
    body: Struct | None = None
    headers: dict[str, str] = field(default_factory=dict)
    is_repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request that is answered with one value, as JSON."""

    request: Request
    answer: type[T]


@dataclass(frozen=True, slots=True)
class Pages(Call[T]):
    """A request whose answer goes on in further ones. The query's type has a field `cursor`."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A request that is answered with a page of a list, as Pages are."""

    request: Request
    item: type[T]


@dataclass(frozen=True, slots=True)
class Octets:
    """A request that is answered with octets, maybe many."""

    request: Request


def get(path: str, answer: type[T], query: Struct | None = None) -> Call[T]:
    """Read something."""
    return Call(Request(method=GET, path=path, query=query, is_repeatable=True), answer)


def post(path: str, body: Struct, answer: type[T]) -> Call[T]:
    """Have something done."""
    return Call(Request(method=POST, path=path, body=body), answer)


def command(path: str, answer: type[T]) -> Call[T]:
    """Have something done that needs no body."""
    return Call(Request(method=POST, path=path), answer)


def put(path: str, body: Struct, answer: type[T]) -> Call[T]:
    """Set something."""
    return Call(Request(method=PUT, path=path, body=body), answer)


def patch(path: str, body: Struct, answer: type[T]) -> Call[T]:
    """Change some of something."""
    return Call(Request(method=PATCH, path=path, body=body), answer)


def delete(path: str, answer: type[T], query: Struct | None = None) -> Call[T]:
    """Take something away. Not repeatable: the second time it would not be there."""
    return Call(Request(method=DELETE, path=path, query=query), answer)


def pages(path: str, answer: type[T], query: Struct) -> Pages[T]:
    """Read something long, page by page."""
    return Pages(Request(method=GET, path=path, query=query, is_repeatable=True), answer)


def listing(path: str, item: type[T], query: Struct) -> Listing[T]:
    """Read a list, page by page."""
    return Listing(Request(method=GET, path=path, query=query, is_repeatable=True), item)


def octets(path: str, query: Struct | None = None, headers: dict[str, str] | None = None) -> Octets:
    """Read octets."""
    return Octets(Request(method=GET, path=path, query=query, headers=headers or {}, is_repeatable=True))


def segment(text: str) -> str:
    """A name as one segment of a path. Raises BadName."""
    if text in (".", ".."):
        raise BadName(f"{text!r} is the name of nothing on a server")
    return quote(text, safe="")


def segments(text: str) -> str:
    """A name with slashes, as that many segments of a path. Raises BadName."""
    return "/".join(map(segment, text.split("/")))
