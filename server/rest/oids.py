"""Object ids in requests: hex digits in lower case."""

from __future__ import annotations

import re

from packengine.repository import RepositoryState
from server.rest.errors import bad_request

_HEX = re.compile(r"[0-9a-f]+")
_LENGTHS = frozenset({40, 64})


def parsed_oid(name: str, text: str, state: RepositoryState) -> bytes:
    """An id as the repository writes its own. Raises ApiError 400, naming the field or parameter."""
    digits = 2 * state.manifest.oid_len
    if len(text) != digits or _HEX.fullmatch(text) is None:
        raise bad_request(f"{name} is not {digits} hex digits in lower case: {text[:digits]!r}")
    return bytes.fromhex(text)


def parsed_hex(name: str, text: str) -> bytes:
    """An id of either kind of repository, which then does not hold one of the other kind. Raises ApiError 400."""
    if len(text) not in _LENGTHS or _HEX.fullmatch(text) is None:
        raise bad_request(f"{name} is not 40 or 64 hex digits in lower case: {text[:64]!r}")
    return bytes.fromhex(text)


def parsed_oid_or_none(name: str, text: str | None, state: RepositoryState) -> bytes | None:
    """The same of one that may be null."""
    return None if text is None else parsed_oid(name, text, state)
