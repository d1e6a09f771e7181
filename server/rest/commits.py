"""Commits made over REST."""

from __future__ import annotations

import binascii

from quart import Blueprint, Response

from packengine.repository import RepositoryState
from packengine.repository.browsing import path_bytes
from packengine.repository.commit_objects import CommitWords
from packengine.repository.commits import CommitRequest
from packengine.repository.tree_changes import FILE_MODES, Change, DeleteFile, MoveFile, WriteFile
from packengine.repository.writing import Writer
from packengine.storage.ports import Committed
from packhouse_client.types.commits import Change as ChangeBody
from packhouse_client.types.commits import CommitMade, DeleteChange, MakeCommit, MoveChange, WriteChange
from server.config import Settings
from server.rest.body import decoded
from server.rest.context import services
from server.rest.errors import bad_request
from server.rest.oids import parsed_oid_or_none
from server.rest.operations import operation
from server.rest.persons import ident_of
from server.rest.writes import begin_write

_MODES = {f"{mode:o}": mode for mode in sorted(FILE_MODES)}

commits = Blueprint("commits", __name__)


@commits.post("/v1/repos/<repository_id>/commits")
@operation(answer=CommitMade, body=MakeCommit, errors=("ref_conflict", "repo_byte_quota_exceeded"), tag="commits")
async def make_commit(repository_id: str) -> Response:
    """Commit changes of files to a branch, without a clone. The branch must stand for the parent that is named.

    A body may have a file of `--max-commit-blob-bytes` in base64 and `--rest-body-limit-bytes` beside it.
    """
    writing = begin_write(repository_id)
    settings = services().settings
    body = await writing.body(commit_body_limit_bytes(settings))
    engine_commits = services().engine.commits

    def write(state: RepositoryState, writer: Writer) -> tuple[CommitMade, Committed | None]:
        asked = decoded(body, MakeCommit)
        request = _request(asked, state, settings.max_commit_blob_bytes)
        made = engine_commits.commit(state, request, writer)
        return CommitMade(made.commit.hex(), made.tree.hex(), asked.branch), made.committed

    return await writing.answer(write)


def commit_body_limit_bytes(settings: Settings) -> int:
    """The largest body of a commit: a file of the largest size in base64, and what any body may have beside it."""
    return settings.rest_body_limit_bytes + (settings.max_commit_blob_bytes + 2) // 3 * 4


def _request(asked: MakeCommit, state: RepositoryState, max_blob_bytes: int) -> CommitRequest:
    committer = None if asked.committer is None else ident_of(asked.committer)
    return CommitRequest(
        branch=asked.branch,
        parent=parsed_oid_or_none("parent", asked.parent, state),
        words=CommitWords(asked.message, ident_of(asked.author), committer),
        changes=[_change(change, max_blob_bytes) for change in asked.changes],
        force=asked.force,
    )


def _change(change: ChangeBody, max_blob_bytes: int) -> Change:
    match change:
        case WriteChange():
            return WriteFile(_path(change.path), _content(change, max_blob_bytes), _mode(change))
        case DeleteChange(path):
            return DeleteFile(_path(path))
        case MoveChange(source, target):
            return MoveFile(_path(source), _path(target))


def _path(text: str) -> bytes:
    """As trees are told, with C-style quotes where there are any; nothing is trimmed off it."""
    return path_bytes(text) if text.startswith('"') else text.encode()


def _mode(change: WriteChange) -> int | None:
    if change.mode is None:
        return None
    if change.mode not in _MODES:
        raise bad_request(f"{change.path[:80]}: mode {change.mode[:16]!r} is none of {', '.join(_MODES)}")
    return _MODES[change.mode]


def _content(change: WriteChange, max_blob_bytes: int) -> bytes:
    if change.content is not None and change.content_base64 is not None:
        raise bad_request(f"{change.path[:80]}: content and contentBase64 exclude each other")
    content = (change.content or "").encode() if change.content_base64 is None else _decoded(change)
    if len(content) > max_blob_bytes:
        raise bad_request(f"{change.path[:80]}: the content has {len(content)} bytes, the limit is {max_blob_bytes}")
    return content


def _decoded(change: WriteChange) -> bytes:
    try:
        return binascii.a2b_base64(change.content_base64 or "", strict_mode=True)
    except ValueError as error:
        raise bad_request(f"{change.path[:80]}: contentBase64 is not base64: {error}") from error
