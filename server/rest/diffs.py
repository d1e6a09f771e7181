"""What a commit changed, and what lies between two."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType
from quart import Blueprint, Response

from core_ext import Cancel
from packengine.repository.browsing import (
    DiffAsked,
    FileDiff,
    Hunk,
    Line,
    LogAsked,
    Snapshot,
    compare,
    diff_page,
    path_text,
    text_of,
)
from packhouse_client.types.diffs import (
    DIFF_FILES_MAX,
    CompareQuery,
    ComparisonAnswer,
    FileDiffItem,
    HunkItem,
    LineItem,
    ReadDiff,
)
from packhouse_client.types.log import LOG_MAX
from server.rest.body import json_response
from server.rest.cursors import cursor_header
from server.rest.log import checked_size, commit_item
from server.rest.operations import operation
from server.rest.reading import read_repository

diffs = Blueprint("diffs", __name__)


@diffs.get("/v1/repos/<repository_id>/diff")
@operation(answer=list[FileDiffItem], query=ReadDiff, headers=("X-Next-Cursor",), tag="commits", reads=True)
async def changes(repository_id: str) -> Response:
    """The files that a commit changed, against its first parent or another commit, with their lines."""
    data, cursor = await read_repository(repository_id, ReadDiff, _changed)
    return json_response(data, cursor_header(cursor))


@diffs.get("/v1/repos/<repository_id>/compare/<path:spec>")
@operation(answer=ComparisonAnswer, query=CompareQuery, headers=("X-Next-Cursor",), tag="commits", reads=True)
async def comparison(repository_id: str, spec: str) -> Response:
    """What head has that base has not: `base...head` since they parted, `base..head` as they are."""

    def work(snapshot: Snapshot, query: CompareQuery, cancel: Cancel) -> tuple[bytes, str | None]:
        return _compared(snapshot, spec, query, cancel)

    data, cursor = await read_repository(repository_id, CompareQuery, work)
    return json_response(data, cursor_header(cursor))


def _changed(snapshot: Snapshot, query: ReadDiff, cancel: Cancel) -> tuple[bytes, str | None]:
    asked = DiffAsked(query.context, min(query.limit, DIFF_FILES_MAX), query.renames, query.cursor)
    page = diff_page(snapshot, query.commit, query.base, asked, cancel)
    return msgspec.json.encode([_file(file) for file in page.files]), page.cursor


def _compared(snapshot: Snapshot, spec: str, query: CompareQuery, cancel: Cancel) -> tuple[bytes, str | None]:
    log = LogAsked(min(query.limit, LOG_MAX), cursor=query.cursor)
    found = compare(snapshot, spec, log, DiffAsked(query.context, renames=query.renames), cancel)
    files = found.files
    answer = ComparisonAnswer(
        base=found.base.hex(),
        head=found.head.hex(),
        merge_base=None if found.merge_base is None else found.merge_base.hex(),
        commits=[commit_item(commit) for commit in found.commits],
        files=[] if files is None else [_file(file) for file in files.files],
        files_truncated=True if files is not None and files.cursor is not None else UNSET,
    )
    return checked_size(msgspec.json.encode(answer)), found.commits_cursor


def _file(file: FileDiff) -> FileDiffItem:
    change, lines = file.change, file.lines
    return FileDiffItem(
        path=path_text(change.path),
        status=change.status,
        additions=lines.additions,
        deletions=lines.deletions,
        hunks=[_hunk(hunk) for hunk in lines.hunks],
        old_path=UNSET if change.old_path is None else path_text(change.old_path),
        binary=True if lines.is_binary else UNSET,
        truncated=True if lines.is_cut else UNSET,
        old_mode=_mode(change.old_mode),
        mode=_mode(change.new_mode),
        old_sha=UNSET if change.old_oid is None else change.old_oid.hex(),
        sha=UNSET if change.new_oid is None else change.new_oid.hex(),
    )


def _mode(mode: int | None) -> str | UnsetType:
    return UNSET if mode is None else f"{mode:06o}"


def _hunk(hunk: Hunk) -> HunkItem:
    lines = [_line(line) for line in hunk.lines]
    return HunkItem(hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines, lines)


def _line(line: Line) -> LineItem:
    return LineItem(line.kind, text_of(line.text), True if line.is_unended else UNSET)
