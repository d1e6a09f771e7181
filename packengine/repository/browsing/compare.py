"""Two revisions beside each other: what the second has that the first has not, as commits and as files."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core_ext import Cancel
from packengine.repository.browsing.changes import TreePair
from packengine.repository.browsing.commits import CommitInfo
from packengine.repository.browsing.cursors import CursorGone, decode_cursor, encode_cursor
from packengine.repository.browsing.diffs import DiffAsked, DiffPage, diff_of_trees
from packengine.repository.browsing.log import LogAsked, Range, commits_within
from packengine.repository.browsing.revisions import commit_named, tree_of
from packengine.repository.browsing.snapshot import Snapshot
from packengine.repository.errors import BrowsingRefused

_SPEC = re.compile(r"(?P<left>.*?)(?P<dots>\.\.\.?)(?P<right>.*)", re.DOTALL)
"""No ref's name has two dots in a row, ends with one or begins with one: the first two or three part the names."""

_PARAMETERS = ("compare",)


class BadComparison(BrowsingRefused):
    """Not two revisions with dots between, or two of which nothing can be told."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """commits: those that head has and base has not, newest first, `commits_cursor` tells where they go on.

    files: what changed from the merge base to head (three dots), or from base to head (two); None on later pages of
    the commits.
    """

    base: bytes
    head: bytes
    merge_base: bytes | None
    commits: list[CommitInfo]
    commits_cursor: str | None
    files: DiffPage | None


@dataclass(frozen=True, slots=True)
class _Ends:
    base: bytes
    head: bytes
    is_direct: bool


def compare(snapshot: Snapshot, spec: str, log: LogAsked, diff: DiffAsked, cancel: Cancel) -> Comparison:
    """`base...head` or `base..head`; a name that is left out is HEAD.

    Of what is asked of the log, limit and cursor count. Raises BadComparison, UnknownRevision, BadCursor, TooFarApart.
    """
    ends, after = _ends(snapshot, spec, log.cursor)
    commits, next_after = commits_within(snapshot, Range(ends.head, ends.base), LogAsked(log.limit), after, cancel)
    merge_base = next(iter(snapshot.objects.merge_bases(ends.base, ends.head)), None)
    files = None
    if log.cursor is None:
        files = diff_of_trees(snapshot, _pair(snapshot, ends, merge_base), diff, cancel)
    cursor = None if next_after is None else encode_cursor((*_PARAMETERS, spec), ends.base, ends.head, next_after)
    return Comparison(ends.base, ends.head, merge_base, commits, cursor, files)


def _ends(snapshot: Snapshot, spec: str, cursor: str | None) -> tuple[_Ends, bytes | None]:
    """Which commits are compared, and where their list goes on. A cursor holds on to its commits."""
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise BadComparison("two revisions are compared as base...head or base..head")
    is_direct = match["dots"] == ".."
    if cursor is None:
        base, head = (commit_named(snapshot, match[side]) for side in ("left", "right"))
        return _Ends(base, head, is_direct), None
    base, head, after = decode_cursor(cursor, (*_PARAMETERS, spec), 3)
    for oid in (base, head):
        if (snapshot.objects.header(oid) or ("", 0))[0] != "commit":
            raise CursorGone
    return _Ends(base, head, is_direct), after


def _pair(snapshot: Snapshot, ends: _Ends, merge_base: bytes | None) -> TreePair:
    old = ends.base if ends.is_direct else merge_base
    if old is None:
        raise BadComparison("the two have no common ancestor: compare them with two dots")
    return TreePair(tree_of(snapshot, old), tree_of(snapshot, ends.head))
