"""Values of the query string."""

from __future__ import annotations

from quart import request

from server.rest.errors import bad_request

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_MAX_DIGITS = 18  # of a 64-bit integer


def count_argument(name: str, default: int, maximum: int | None = None) -> int:
    """A number from 0; beyond `maximum` counts as `maximum`. Raises ApiError 400."""
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise bad_request(f"{name} is not a number: {text[:_MAX_DIGITS]!r}")
    return int(text) if maximum is None else min(int(text), maximum)


def flag_argument(name: str) -> bool:
    """true, false, 1 or 0; absent means false. Raises ApiError 400."""
    text = request.args.get(name)
    if text is None:
        return False
    if text not in _FLAGS:
        raise bad_request(f"{name} is neither true nor false: {text[:16]!r}")
    return _FLAGS[text]
