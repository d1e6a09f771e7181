"""The slow twin of `core_ext.apply_delta`: deltas in the plainest Python. Format: gitformat-pack(5)."""

from __future__ import annotations

MAX_SIZE_BYTES = 9
"""A size of more digits than these is refused: it would not fit into 63 bits."""


class BadDelta(Exception):
    """The delta breaks its format, or does not fit its base."""


class TooLarge(Exception):
    """The delta announces a result over the limit."""


def apply(base: bytes, delta: bytes, *, max_result_bytes: int) -> bytes:
    """What the delta makes of its base. Raises BadDelta or TooLarge."""
    base_size, at = read_size(delta, 0)
    result_size, at = read_size(delta, at)
    if base_size != len(base):
        raise BadDelta(f"for a base of {base_size} bytes, not {len(base)}")
    if result_size > max_result_bytes:
        raise TooLarge(f"{result_size} bytes")
    result = b""
    while at < len(delta):
        piece, at = instruction(base, delta, at)
        result += piece
        if len(result) > result_size:
            raise BadDelta("makes more than it announces")
    if len(result) < result_size:
        raise BadDelta("makes less than it announces")
    return result


def read_size(delta: bytes, start: int) -> tuple[int, int]:
    """(a size of seven bits a byte, least first; where it ends)."""
    value = 0
    for index, byte in enumerate(delta[start : start + MAX_SIZE_BYTES]):
        value += (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, start + index + 1
    raise BadDelta("a size that does not end")


def instruction(base: bytes, delta: bytes, at: int) -> tuple[bytes, int]:
    """(what the instruction adds to the result, where it ends)."""
    op, at = delta[at], at + 1
    if op == 0:
        raise BadDelta("the reserved instruction")
    if op < 0x80:
        piece = delta[at : at + op]
        if len(piece) < op:
            raise BadDelta("an insert without its bytes")
        return piece, at + op
    fields = [0] * 7
    for bit in range(7):
        if op & 1 << bit:
            if at >= len(delta):
                raise BadDelta("a copy without its arguments")
            fields[bit] = delta[at]
            at += 1
    offset = int.from_bytes(fields[:4], "little")
    length = int.from_bytes(fields[4:], "little") or 0x10000
    if offset + length > len(base):
        raise BadDelta("a copy beyond the base")
    return base[offset : offset + length], at
