"""History: the commits that a revision reaches, newest first, in pages."""

from __future__ import annotations

from dataclasses import dataclass

from core_ext import Cancel, CorruptObject, MissingObject
from packengine.repository.browsing.commits import CommitInfo, read_commit
from packengine.repository.browsing.cursors import CursorGone, decode_cursor, encode_cursor
from packengine.repository.browsing.paths import path_bytes
from packengine.repository.browsing.revisions import UnbornHead, commit_named
from packengine.repository.browsing.snapshot import Snapshot
from packengine.repository.errors import BadCursor

MAX_COMMITS = 500
"""Of one page."""

MAX_LOOKED_AT = 1_000_000
MAX_LOOKED_AT_WITH_PATH = 50_000
"""Commits that one request looks at, a second's work. Where few fit, a page is shorter than asked, with a cursor."""


@dataclass(frozen=True, slots=True)
class LogAsked:
    """Which commits. path: those that changed it, as `git log -- path`; times: of the committer, in seconds."""

    limit: int
    skip: int = 0
    path: str = ""
    since_s: int | None = None
    until_s: int | None = None
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """What `tip` reaches, less what `hidden` reaches."""

    tip: bytes
    hidden: bytes | None = None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Commits, and where the list goes on."""

    commits: list[CommitInfo]
    cursor: str | None


def log_page(snapshot: Snapshot, revision: str, asked: LogAsked, cancel: Cancel) -> LogPage:
    """A page of what a revision reaches; nothing of an unborn HEAD. Raises UnknownRevision, BadPath, BadCursor."""
    parameters = ("log", asked.path, asked.since_s, asked.until_s)
    if asked.cursor is not None:
        tip, after = decode_cursor(asked.cursor, parameters, 2)
        _check_commit(snapshot, tip)
    else:
        after = None
        try:
            tip = commit_named(snapshot, revision)
        except UnbornHead:
            return LogPage([], None)
    commits, after = commits_within(snapshot, Range(tip), asked, after, cancel)
    return LogPage(commits, None if after is None else encode_cursor(parameters, tip, after))


def commits_within(
    snapshot: Snapshot, span: Range, asked: LogAsked, after: bytes | None, cancel: Cancel
) -> tuple[list[CommitInfo], bytes | None]:
    """The next commits of a range, and where it goes on. Of what was asked, cursor is not looked at."""
    if asked.limit == 0:
        return [], None
    path = path_bytes(asked.path) or None
    try:
        oids, after = snapshot.objects.log(
            [span.tip],
            hidden=[] if span.hidden is None else [span.hidden],
            path=path,
            since_s=asked.since_s,
            until_s=asked.until_s,
            limit=asked.limit,
            skip=asked.skip,
            max_looked_at=MAX_LOOKED_AT if path is None else MAX_LOOKED_AT_WITH_PATH,
            cursor=after,
            cancel=cancel,
        )
    except (ValueError, MissingObject, CorruptObject) as error:
        if after is None:
            raise
        raise BadCursor from error  # it names commits, which may be gone, or none if somebody tampered with it
    return [read_commit(snapshot, oid) for oid in oids], after


def _check_commit(snapshot: Snapshot, oid: bytes) -> None:
    header = snapshot.objects.header(oid)
    if header is None or header[0] != "commit":
        raise CursorGone
