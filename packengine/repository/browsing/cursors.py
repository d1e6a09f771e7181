"""Where a list goes on: an opaque word that clients hand back.

It says of which list it is, so that one of another list, or of other parameters, is refused. It carries no authority:
whatever it names is looked up as if the client had named it.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from packengine.repository.errors import BadCursor, BrowsingRefused

MAX_CURSOR_CHARACTERS = 256 * 1024
_TAG_BYTES = 6
_LENGTH_BYTES = 4


class CursorGone(BrowsingRefused):
    """The refs do not reach any more what the cursor is of."""

    def __init__(self) -> None:
        super().__init__("what the cursor is of is gone; begin anew")


def encode_cursor(parameters: object, *fields: bytes) -> str:
    """A cursor of the list that has these parameters."""
    framed = b"".join(len(field).to_bytes(_LENGTH_BYTES, "big") + field for field in fields)
    return urlsafe_b64encode(_tag(parameters) + framed).rstrip(b"=").decode("ascii")


def decode_cursor(text: str, parameters: object, count: int) -> list[bytes]:
    """So many fields of a cursor. Raises BadCursor."""
    data = _decoded(text)
    fields, at = [], _TAG_BYTES
    while at < len(data):
        end = at + _LENGTH_BYTES + int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
        fields.append(data[at + _LENGTH_BYTES : end])
        if end > len(data):
            raise BadCursor
        at = end
    if data[:_TAG_BYTES] != _tag(parameters) or len(fields) != count:
        raise BadCursor
    return fields


def _decoded(text: str) -> bytes:
    if len(text) <= MAX_CURSOR_CHARACTERS and text.isascii():
        try:
            return urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except binascii.Error:
            pass  # told below
    raise BadCursor


def _tag(parameters: object) -> bytes:
    return sha256(repr(parameters).encode()).digest()[:_TAG_BYTES]
