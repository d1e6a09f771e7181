"""Mutators for formats in which a random change would be refused at the first checksum and reach nothing behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeAlias

MutateBytes: TypeAlias = Callable[[bytes, int], bytes]
"""(data, the most bytes of the result): libFuzzer's own mutations, dictionary and comparisons included."""

Mutator: TypeAlias = Callable[[bytes, int, int, MutateBytes], bytes]
"""(data, the most bytes of the result, seed, libFuzzer's own mutations)."""


def sha1(data: bytes) -> bytes:
    """A trailer, as Git's formats end with."""
    return hashlib.sha1(data, usedforsecurity=False).digest()
