"""The commits before a revision."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from msgspec import UNSET
from quart import Blueprint, Response

from core_ext import Cancel
from packengine.repository.browsing import CommitInfo, LogAsked, Snapshot, log_page
from packhouse_client.types.log import LOG_MAX, CommitItem, ListCommits, PersonItem
from server.rest.body import json_response
from server.rest.cursors import cursor_header
from server.rest.errors import bad_request
from server.rest.operations import operation
from server.rest.reading import read_repository

MAX_ANSWER_BYTES = 64 * 1024 * 1024

log = Blueprint("log", __name__)


@log.get("/v1/repos/<repository_id>/commits")
@operation(answer=list[CommitItem], query=ListCommits, headers=("X-Next-Cursor",), tag="commits", reads=True)
async def listing(repository_id: str) -> Response:
    """The commits that a revision reaches, newest first; those that changed a path, or of a time."""
    data, cursor = await read_repository(repository_id, ListCommits, _listed)
    return json_response(data, cursor_header(cursor))


def commit_item(commit: CommitInfo) -> CommitItem:
    """A commit as it is told."""
    author, committer = commit.author, commit.committer
    return CommitItem(
        sha=commit.oid.hex(),
        tree=commit.tree.hex(),
        parents=[oid.hex() for oid in commit.parents],
        author=PersonItem(author.name, author.email),
        committer=PersonItem(committer.name, committer.email),
        message=commit.message,
        timestamp=committer.timestamp_s,
        author_timestamp=author.timestamp_s,
        message_truncated=True if commit.is_cut else UNSET,
    )


def checked_size(data: bytes) -> bytes:
    """An answer with commits in it. Raises ApiError 400 for one that is larger than any history has need of."""
    if len(data) > MAX_ANSWER_BYTES:
        raise bad_request(f"the answer has {len(data)} bytes, more than {MAX_ANSWER_BYTES}: ask for fewer commits")
    return data


def _listed(snapshot: Snapshot, query: ListCommits, cancel: Cancel) -> tuple[bytes, str | None]:
    asked = LogAsked(
        limit=min(query.limit, LOG_MAX),
        skip=query.skip,
        path=query.path,
        since_s=_seconds("since", query.since),
        until_s=_seconds("until", query.until),
        cursor=query.cursor,
    )
    page = log_page(snapshot, query.ref, asked, cancel)
    return checked_size(msgspec.json.encode([commit_item(commit) for commit in page.commits])), page.cursor


def _seconds(name: str, text: str | None) -> int | None:
    """A time as seconds since 1970; without a zone it is UTC."""
    if text is None or (text.isascii() and text.isdigit() and len(text) <= 11):
        return None if text is None else int(text)
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request(f"query: {name}={text[:32]!r}: neither seconds since 1970 nor a time of ISO 8601") from None
    return max(0, int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()))  # no commit is older
