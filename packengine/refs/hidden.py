"""Refs that an operator hides: not listed, not to be pushed to. Patterns mean what Git's transfer.hideRefs says.

A pattern `P` stands for the ref `P` and for all below `P/`, so among sorted names it is one point and one range. The
ends of all patterns' ranges cut the names into stretches of one verdict each; found once, they let a listing leap over
what is hidden instead of reading it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from packengine.refs.blocks import RefEntry
from packengine.refs.listing import Peeling
from packengine.refs.table import RefTable

_AFTER_SLASH = bytes([ord("/") + 1])


@dataclass(frozen=True, slots=True)
class HiddenRefs:
    """Which names are hidden; none, unless made by `of_patterns`."""

    turns: tuple[bytes, ...] = ()
    """Where the verdict changes, in name order: hidden from the first on, shown from the second, and so on in pairs."""

    @classmethod
    def of_patterns(cls, patterns: Iterable[bytes]) -> HiddenRefs:
        """Values of transfer.hideRefs in their order: the last that matches decides, and `!` in front shows again.

        A slash at the end changes nothing; neither does `^`, which asks for a match of full names, as all are here.
        """
        trimmed = [pattern.rstrip(b"/") for pattern in patterns]
        turns: list[bytes] = []
        for end in sorted({end for pattern in trimmed for end in _ends(_name_of(pattern))}):
            if _is_hidden(end, trimmed) != (len(turns) % 2 == 1):
                turns.append(end)
        return cls(tuple(turns))

    def hides(self, name: bytes) -> bool:
        """Whether the ref of this name is hidden. HEAD is a name too."""
        return bisect_right(self.turns, name) % 2 == 1

    def shown(self, refs: RefTable, prefix: bytes = b"", *, after: bytes | None = None) -> Iterator[RefEntry]:
        """The entries that start with `prefix` and are not hidden, in name order. Hidden ranges are not read.

        after: a name, of which this and what comes before are not read either.
        """
        for start, stop in self._shown_within(prefix, after):
            yield from refs.scan(start, stop)

    def listing(
        self, refs: RefTable, peeling: Peeling, prefix: bytes = b"", *, after: bytes | None = None
    ) -> Iterator[bytes]:
        """The same entries as pkt-lines, in pieces of at most a block."""
        for start, stop in self._shown_within(prefix, after):
            yield from refs.listing(start, stop, peeling)

    def shown_peeled(self, refs: RefTable, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """(oid, peeled oid) of each annotated tag whose name starts with `prefix` and is not hidden, in name order."""
        for start, stop in self._shown_within(prefix):
            yield from refs.peeled(start, stop)

    def _shown_within(self, prefix: bytes, after: bytes | None = None) -> Iterator[tuple[bytes, bytes | None]]:
        """Half-open ranges of the names that start with `prefix` and are shown; the last may have no end."""
        beyond = _after(prefix)
        for start, stop in self._shown_ranges(prefix if after is None else max(prefix, after + b"\0")):
            if beyond is not None and start >= beyond:
                return
            yield start, min(filter(None, (stop, beyond)), default=None)

    def _shown_ranges(self, lowest: bytes) -> Iterator[tuple[bytes, bytes | None]]:
        """Half-open ranges of names that are shown, none before `lowest`; the last has no end."""
        later = self.turns[bisect_right(self.turns, lowest) :]
        ends = [*([] if self.hides(lowest) else [lowest]), *later, None]
        for start, stop in zip(ends[::2], ends[1::2], strict=True):
            assert start is not None  # noqa: S101  # for the type checker: None stands last, at an odd place
            yield start, stop


def _name_of(pattern: bytes) -> bytes:
    return pattern.removeprefix(b"!").removeprefix(b"^")


def _ends(name: bytes) -> tuple[bytes, ...]:
    """Where the point `name` and the range below `name/` begin and end."""
    return name, name + b"\0", name + b"/", name + _AFTER_SLASH


def _after(prefix: bytes) -> bytes | None:
    """The least name behind all that start with `prefix`; None if nothing is."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None


def _is_hidden(name: bytes, patterns: Sequence[bytes]) -> bool:
    for pattern in reversed(patterns):
        prefix = _name_of(pattern)
        if name == prefix or name.startswith(prefix + b"/"):
            return not pattern.startswith(b"!")
    return False
