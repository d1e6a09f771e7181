"""How a request for unchanging bytes is answered: whole, in part, or with a word that nothing changed (RFC 9110).

No I/O: headers in, an answer's head and the span of bytes that follows it out.
"""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.http import parse_etags, parse_range_header

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What there is to be had."""

    size_bytes: int
    etag: str
    """Strong, without quotes: equal for equal bytes only."""

    content_type: str
    cache_control: str


@dataclass(frozen=True, slots=True)
class Conditions:
    """The headers that decide how much of it is sent."""

    if_none_match: str | None = None
    if_range: str | None = None
    range: str | None = None


@dataclass(frozen=True, slots=True)
class StaticAnswer:
    """The head of an answer, and which bytes are its body: half-open, empty where there is none."""

    status: int
    headers: Headers
    start: int = 0
    stop: int = 0


def answer_for(content: Content, conditions: Conditions) -> StaticAnswer:
    """The answer to a GET. The answer to a HEAD has the same head if it is asked for without ranges."""
    if _has_it(content, conditions.if_none_match):
        return StaticAnswer(304, _validators(content))
    span = _asked_span(content, conditions)
    if span is None:
        return _part(content, 200, 0, content.size_bytes)
    start, stop = span
    if start >= stop:
        headers = (_header("content-range", f"bytes */{content.size_bytes}"), _header("content-length", "0"))
        return StaticAnswer(416, headers)
    return _part(content, 206, start, stop, _header("content-range", f"bytes {start}-{stop - 1}/{content.size_bytes}"))


def _part(content: Content, status: int, start: int, stop: int, *others: tuple[bytes, bytes]) -> StaticAnswer:
    headers = (
        _header("content-type", content.content_type),
        _header("content-length", str(stop - start)),
        _header("accept-ranges", "bytes"),
        *_validators(content),
        *others,
    )
    return StaticAnswer(status, headers, start, stop)


def _validators(content: Content) -> Headers:
    return (_header("etag", f'"{content.etag}"'), _header("cache-control", content.cache_control))


def _has_it(content: Content, if_none_match: str | None) -> bool:
    return if_none_match is not None and parse_etags(if_none_match).contains_weak(content.etag)


def _asked_span(content: Content, conditions: Conditions) -> tuple[int, int] | None:
    """The one range that was asked for, empty if it lies behind the end; None if all is to be sent.

    Several ranges at once are answered with everything, as the RFC allows: nobody who resumes a download asks for them.
    """
    if conditions.if_range is not None and conditions.if_range.strip() != f'"{content.etag}"':
        return None
    asked = parse_range_header(conditions.range)
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return None
    size_bytes = content.size_bytes
    start, stop = asked.ranges[0]
    if start < 0:
        return max(size_bytes + start, 0), size_bytes
    return start, size_bytes if stop is None else min(stop, size_bytes)


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    return name.encode(), value.encode()
