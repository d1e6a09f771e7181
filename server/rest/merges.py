"""Merges over REST: of branches, of forks that come home, and of what forks take over from their sources."""

from __future__ import annotations

from quart import Blueprint, Response

from packengine.repository import Engine, InvalidRepositoryId, RepositoryState
from packengine.repository.merges import Merged as EngineMerged
from packengine.repository.merges import MergeRequest, Strategy
from packengine.repository.sync import branch_to_sync, source_id_of, sync_branch
from packengine.repository.writing import Writer
from packengine.storage.ports import Committed
from packhouse_client.types.merges import Merge, Merged, Sync
from server.rest.access import check_owner
from server.rest.body import decoded
from server.rest.context import REPOSITORY_ID, Caller, services
from server.rest.operations import operation
from server.rest.persons import ident_of
from server.rest.writes import begin_write, body_or_error

merges = Blueprint("merges", __name__)


@merges.post("/v1/repos/<repository_id>/merge")
@operation(
    answer=Merged, body=Merge, errors=("merge_conflict", "ref_conflict", "repo_byte_quota_exceeded"), tag="merges"
)
async def merge(repository_id: str) -> Response:
    """Merge a branch into another one, which is made if it does not exist.

    A target that moves meanwhile is merged into anew. `sourceRepo`: a repository that the caller may read.
    """
    writing = begin_write(repository_id)
    body = await body_or_error()
    engine, caller = services().engine, writing.caller

    def write(state: RepositoryState, writer: Writer) -> tuple[Merged, Committed | None]:
        asked = decoded(body, Merge)
        elsewhere = None if asked.source_repo == repository_id else asked.source_repo
        origin = None if elsewhere is None else _readable(engine, caller, elsewhere)
        request = MergeRequest(
            asked.source_branch, asked.target_branch, Strategy(asked.strategy), asked.message, ident_of(asked.author)
        )
        return _told(engine.merges.merge(state, request, writer, origin=origin), asked.target_branch)

    return await writing.answer(write, threads=services().merges)


@merges.post("/v1/repos/<repository_id>/sync")
@operation(
    answer=Merged, body=Sync, errors=("merge_conflict", "ref_conflict", "repo_byte_quota_exceeded"), tag="merges"
)
async def sync(repository_id: str) -> Response:
    """Merge a branch of a fork's source into the fork's branch of that name: by fast-forward where that will do."""
    writing = begin_write(repository_id)
    body = await body_or_error()
    engine, caller = services().engine, writing.caller

    def write(state: RepositoryState, writer: Writer) -> tuple[Merged, Committed | None]:
        asked = decoded(body, Sync)
        source = _readable(engine, caller, source_id_of(state))
        branch = branch_to_sync(state, asked.branch)
        return _told(sync_branch(engine.merges, state, source, branch, writer, author=ident_of(asked.author)), branch)

    return await writing.answer(write, threads=services().merges)


def _readable(engine: Engine, caller: Caller, repository_id: str) -> RepositoryState:
    """The newest state of another repository. Raises InvalidRepositoryId, RepositoryMissing, ApiError 403."""
    if REPOSITORY_ID.fullmatch(repository_id) is None:
        raise InvalidRepositoryId("a repository id is 4 to 64 of a-z, 0-9, _ and -")
    state = engine.load(repository_id)
    if not state.record.is_public:
        check_owner(caller, state.record)
    return state


def _told(merged: EngineMerged, target_branch: str) -> tuple[Merged, Committed | None]:
    commit, tree, source = merged.commit.hex(), merged.tree.hex(), merged.source.hex()
    return Merged(commit, tree, merged.is_fast_forward, source, target_branch), merged.committed
