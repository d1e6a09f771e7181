"""Any delta over any base gives what the plain-Python twin gives, bytes or refusal; one that we make leads back."""

from __future__ import annotations

from core_ext import CorruptDelta, LimitExceeded, apply_delta, encode_delta
from fuzz.mutators.delta import mutate, split
from tests.support import delta_twin

__all__ = ["check", "mutate"]

MAX_RESULT_BYTES = 1 << 17
"""Two copies of the longest length reach it."""


def check(data: bytes) -> None:
    """Raises if applying or making deltas breaks the rule. Data is a base and a delta, as the mutator joins them."""
    base, delta = split(data)
    assert native(base, delta) == twin(base, delta)
    check_encoder(base, delta)


def native(base: bytes, delta: bytes) -> bytes | str:
    """The result, or the class of the refusal."""
    try:
        return apply_delta(base, delta, max_result_bytes=MAX_RESULT_BYTES)
    except CorruptDelta:
        return "corrupt"
    except LimitExceeded:
        return "too large"


def twin(base: bytes, delta: bytes) -> bytes | str:
    """The same, as it should be."""
    try:
        return delta_twin.apply(base, delta, max_result_bytes=MAX_RESULT_BYTES)
    except delta_twin.BadDelta:
        return "corrupt"
    except delta_twin.TooLarge:
        return "too large"


def check_encoder(base: bytes, target: bytes) -> None:
    """A delta keeps to its limit, and makes its target."""
    for max_delta_bytes in (len(target) // 2, 2 * len(target) + 64):
        delta = encode_delta(base, target, max_delta_bytes=max_delta_bytes)
        if delta is not None:
            assert len(delta) <= max_delta_bytes
            assert delta_twin.apply(base, delta, max_result_bytes=len(target)) == target
