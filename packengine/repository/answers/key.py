"""What a pack section depends on, and the key that follows: no repository in it, so that all forks share one entry.

Whoever asks with a key has shown before that everything named here may be had (design, law 8): an entry holds nothing
that its wants and tags do not reach, and no delta whose base its haves do not.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass

_PURPOSE = b"packhouse pack section 1"
_NUMBER = struct.Struct(">Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerQuestion:
    """One pack section, asked for. Collections are sets: neither order nor repetition makes a difference."""

    object_format: str
    wants: Collection[bytes]
    """What is sent with all that it reaches: also the parents of commits that end history no longer."""

    haves: Collection[bytes] = ()
    """What the client holds with all that it reaches: also those commits themselves."""

    shallow: Collection[bytes] = ()
    """Commits that have no parents, as far as this answer goes."""

    filters: Sequence[bytes] = ()
    """The name of each filter, in their order."""

    tags: Collection[bytes] = ()
    """Annotated tags that go along with what they tag."""

    elsewhere: Collection[bytes] = ()
    """Digests of packs that the client gets in another way."""

    thin: bool
    ofs_delta: bool
    level: int
    band_bytes: int
    """The largest packet of the frame; 0 for a pack without bands."""

    def key(self) -> bytes:
        """SHA-256 of a canonical encoding: every field in order, counted, each item behind its length."""
        options = [b"%d" % number for number in (self.thin, self.ofs_delta, self.level, self.band_bytes)]
        parts = (
            [self.object_format.encode()],
            _sorted(self.wants),
            _sorted(self.haves),
            _sorted(self.shallow),
            self.filters,
            _sorted(self.tags),
            _sorted(self.elsewhere),
            options,
        )
        return hashlib.sha256(b"".join([_PURPOSE, *map(_encoded, parts)])).digest()


def _sorted(items: Collection[bytes]) -> Collection[bytes]:
    return sorted(set(items)) if len(items) > 1 else items


def _encoded(items: Collection[bytes]) -> bytes:
    count = _NUMBER.pack(len(items))
    if not items:
        return count
    lengths = set(map(len, items))
    if len(lengths) == 1:  # thousands of ids: the same bytes, ten times as fast
        before_each = _NUMBER.pack(lengths.pop())
        return count + before_each + before_each.join(items)
    return count + b"".join(_NUMBER.pack(len(item)) + item for item in items)
