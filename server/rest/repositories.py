"""Repositories: made, listed, told, deleted."""

from __future__ import annotations

import re

import msgspec
from msgspec import UNSET
from quart import Blueprint, Response

from packengine.repository.lifecycle import Profile, RepositoryDetails
from packengine.storage.ports import RepositoryMissing, RepositoryPlace, RepositoryRecord, TokenScope
from packhouse_client.types.repositories import (
    REPOSITORIES_MAX,
    CreateRepository,
    DeleteRepository,
    ListRepositories,
    RefItem,
    RepositoryAnswer,
    RepositoryDeleted,
    RepositoryItem,
    RepositoryMade,
)
from server.auth.minting import MintedToken, mint, remote_url
from server.limits import RateClass
from server.rest.access import access_to, accessible, authenticated
from server.rest.body import answer, json_response, read_json
from server.rest.context import REPOSITORY_ID, checked_repository_id, request_record, services
from server.rest.cursors import NEXT_CURSOR, cursor_header
from server.rest.errors import ApiError, bad_request
from server.rest.operations import operation
from server.rest.query import read_query
from server.rest.remote import request_base_url

_CURSOR = re.compile(rf"(?P<id>{REPOSITORY_ID.pattern})\.(?P<first_version>[0-9]{{1,18}})")

repositories = Blueprint("repositories", __name__)


@repositories.post("/v1/repos")
@operation(
    answer=RepositoryMade,
    body=CreateRepository,
    errors=("invalid_repo_id", "repo_exists", "quota_exceeded"),
    tag="repos",
)
async def create() -> Response:
    """Make an empty repository, with a write token that does not expire."""
    caller = authenticated(RateClass.CREATE)
    body = await read_json(CreateRepository)
    owner = caller.identity.owner
    minted = mint(TokenScope.WRITE, owner)
    repository_id = await services().run(
        services().engine.create_repository,
        _new_id(body.id),
        caller.actor,
        owner=owner,
        object_format=body.object_format,
        default_branch=body.default_branch,
        read_only=body.read_only,
        token=minted.stored,
        profile=Profile(body.description, is_public=body.visibility == "public"),
    )
    return _made(repository_id, minted)


@repositories.get("/v1/repos")
@operation(answer=list[RepositoryItem], query=ListRepositories, headers=("X-Total-Count", NEXT_CURSOR), tag="repos")
async def listing() -> Response:
    """A page of the repositories that the caller may see, newest first: an administrator all, others their own."""
    caller = authenticated(RateClass.READ)
    query = read_query(ListRepositories)
    limit = min(query.limit, REPOSITORIES_MAX)
    before = None if query.cursor is None else _place(query.cursor)
    owner = caller.identity.owner

    def work() -> tuple[bytes, dict[str, str]]:
        catalog = services().engine.catalog
        try:
            records, total = catalog.repositories(
                limit=limit, offset=query.offset, owner=owner, search=query.search, before=before
            )
        except RepositoryMissing as error:  # where the page before is said to have ended
            raise _bad_cursor() from error
        next_cursor = cursor_header(_cursor(records[-1]) if len(records) == limit > 0 else None)
        return msgspec.json.encode([_item(record) for record in records]), {"X-Total-Count": str(total), **next_cursor}

    return json_response(*await services().run(work))


@repositories.get("/v1/repos/<repository_id>")
@operation(answer=RepositoryAnswer, tag="repos", reads=True)
async def show(repository_id: str) -> Response:
    """One repository, with its refs and what it amounts to."""
    _, check = access_to(repository_id, RateClass.READ, reads=True)
    engine = services().engine

    def work() -> bytes:
        record = check()
        return msgspec.json.encode(told(engine.describe(record.id, first_version=record.first_version)))

    return json_response(await services().run(work))


@repositories.delete("/v1/repos/<repository_id>")
@operation(answer=RepositoryDeleted, query=DeleteRepository, errors=("fork_dependency",), tag="repos")
async def delete(repository_id: str) -> Response:
    """Delete a repository: alone, leaving its forks (`force`), or with them (`cascade`), if all of them may be deleted.

    It can come back for some days, as long as nobody takes its id.
    """
    caller, record = await accessible(repository_id, RateClass.COMMIT, owner_first=True)
    query = read_query(DeleteRepository)
    if query.force and query.cascade:
        raise bad_request("force and cascade exclude each other")
    identity = caller.identity
    deleted = await services().run(
        services().engine.delete_repository,
        record.id,
        caller.actor,
        force=query.force,
        cascade=query.cascade,
        first_version=record.first_version,
        may_delete=lambda fork: identity.is_admin or identity.owns(fork.owner),
    )
    return answer(RepositoryDeleted(deleted=deleted if query.cascade else UNSET))


def told(details: RepositoryDetails) -> RepositoryAnswer:
    """What a client hears of a repository."""
    return RepositoryAnswer(
        **msgspec.structs.asdict(_item(details.record)),
        default_branch=details.default_branch,
        object_format=details.object_format,
        refs=[RefItem(name, sha) for name, sha in details.refs],
        refs_truncated=details.has_more_refs,
        size_bytes=details.size_bytes,
        head_sha=UNSET if details.head_sha is None else details.head_sha,
        commit_count=details.commit_count,
        fork_count=details.fork_count,
    )


def _new_id(text: str | None) -> str | None:
    return None if text is None else checked_repository_id(text)


def _made(repository_id: str, minted: MintedToken) -> Response:
    request_record().repository_id = repository_id
    remote = remote_url(request_base_url(services().settings), repository_id, minted.text)
    return answer(RepositoryMade(id=repository_id, remote=remote, token=minted.text))


def _item(record: RepositoryRecord) -> RepositoryItem:
    return RepositoryItem(
        id=record.id,
        owner=record.owner,
        created_at=record.created_at_s,
        source_id=UNSET if record.source_id is None else record.source_id,
        read_only=record.read_only,
        description=record.description,
        visibility="public" if record.is_public else "private",
    )


def _cursor(record: RepositoryRecord) -> str:
    """Where a page ends, as clients hand it back."""
    return f"{record.id}.{record.first_version}"


def _place(cursor: str) -> RepositoryPlace:
    """Raises ApiError 400."""
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise _bad_cursor()
    return RepositoryPlace(match["id"], int(match["first_version"]))


def _bad_cursor() -> ApiError:
    return bad_request("query: the cursor is none that a list of repositories gave")
