"""Object ids between raw bytes and the wire's hex."""

from __future__ import annotations

from binascii import Error, hexlify, unhexlify


def parse_oid(text: bytes, oid_bytes: int) -> bytes | None:
    """The raw id, or None if the text is not exactly one."""
    if len(text) != 2 * oid_bytes:
        return None
    try:
        return unhexlify(text)
    except Error:
        return None


def hex_oid(oid: bytes) -> bytes:
    """An id as the wire has it."""
    return hexlify(oid)
