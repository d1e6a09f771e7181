"""Rules by ref pattern: what an owner forbids where, and what a token may move.

A pattern is a full ref name in which each `*` stands for any run of bytes, slashes and nothing at all included, as in
Git's refspecs; there may be several, and `**` is the same as `*`. So `refs/heads/release/*` covers
`refs/heads/release/1/hotfix` too: where a rule is to protect, too wide is the safe side. Without a `*` it is one name.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from packengine.refs.names import is_valid_ref_name

MAX_PATTERN_BYTES = 256
_WHATEVER = b"*"
_COMPILED_KEPT = 1024


class BadRefPattern(ValueError):
    """A pattern that could match no ref, or that means something else than it looks like."""


@dataclass(frozen=True, slots=True)
class RefRule:
    """What is forbidden for the refs of one pattern. Of several rules that match a ref, all hold."""

    pattern: str
    deny_deletion: bool = False
    deny_force: bool = False
    """Whether a ref may move only to a commit that descends from its value."""

    pushers: tuple[str, ...] | None = None
    """Who may create, move and delete; None for whoever may push. The administrator always may."""

    signed_only: bool = False
    """Whether a push certificate of a known key is needed."""


@dataclass(frozen=True, slots=True)
class RefPatterns:
    """Some patterns, ready to be matched against many names."""

    globs: tuple[tuple[bytes, ...], ...]
    """For each what stands between its stars."""

    prefixes: tuple[bytes, ...]
    """What names must begin with to match at all: asked first, for most names match nothing."""

    @staticmethod
    def of(patterns: Iterable[str]) -> RefPatterns:
        """These patterns, which have been checked."""
        return _compiled(tuple(patterns))

    def match(self, name: bytes) -> bool:
        """Whether one of them matches. Cost: for each pattern the name's length, however many stars there are."""
        return name.startswith(self.prefixes) and any(_matches(pieces, name) for pieces in self.globs)


def check_pattern(pattern: str) -> None:
    """Raises BadRefPattern."""
    shown = f"pattern {pattern[:80]!r}"
    if len(pattern.encode("utf-8", "replace")) > MAX_PATTERN_BYTES:
        raise BadRefPattern(f"{shown} is longer than {MAX_PATTERN_BYTES} bytes")
    if not pattern.startswith("refs/"):
        raise BadRefPattern(f"{shown} is no full name of refs: those begin with refs/, as refs/heads/main")
    if not is_valid_ref_name(pattern.encode("utf-8", "replace").replace(_WHATEVER, b"x")):
        raise BadRefPattern(f"{shown} matches no ref: besides *, only what may stand in a ref's name can")


@lru_cache(_COMPILED_KEPT)
def _compiled(patterns: tuple[str, ...]) -> RefPatterns:
    globs = tuple(tuple(pattern.encode().split(_WHATEVER)) for pattern in patterns)
    return RefPatterns(globs, tuple({pieces[0] for pieces in globs}))


def _matches(pieces: tuple[bytes, ...], name: bytes) -> bool:
    """The leftmost place for each piece leaves the most for the next ones: nothing is ever tried twice."""
    if len(pieces) == 1:
        return name == pieces[0]
    at, end = len(pieces[0]), len(name) - len(pieces[-1])
    if end < at or not name.startswith(pieces[0]) or not name.endswith(pieces[-1]):
        return False
    for piece in pieces[1:-1]:
        found = name.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
