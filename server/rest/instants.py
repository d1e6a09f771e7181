"""Moments in requests: milliseconds since 1970, or RFC 3339."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from server.rest.errors import bad_request

_MS = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_DIGITS = 15
_LEAST_MS = 10**11
"""March 1973. What is less was meant as seconds, and would be taken for a time before everything."""


def parsed_instant(name: str, value: int | str) -> int:
    """In ms since the epoch. Raises ApiError 400, naming the field or parameter."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS):
        return _parsed_text(name, value)
    number = int(value)
    if not _LEAST_MS <= number < 10**_MAX_DIGITS:
        raise bad_request(f"{name}={number} is no time in milliseconds since 1970")
    return number


def _parsed_text(name: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(
            f"{name}={text[:40]!r} is neither milliseconds since 1970 nor a date and time as in RFC 3339"
        ) from None
    if moment.tzinfo is None:
        raise bad_request(f"{name}={text[:40]!r} has no offset from UTC: write Z, or one as +01:00")
    return (moment - _EPOCH) // _MS
