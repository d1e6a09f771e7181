"""Repositories: made, listed, told, deleted."""

from __future__ import annotations

from msgspec import UNSET
from quart import Blueprint, Response

from packengine.storage.ports import RepositoryRecord, TokenScope
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
from server.rest.access import accessible, authenticated
from server.rest.body import answer, read_json
from server.rest.context import checked_repository_id, request_record, services
from server.rest.errors import bad_request
from server.rest.operations import operation
from server.rest.query import read_query
from server.rest.remote import request_base_url

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
    )
    return _made(repository_id, minted)


@repositories.get("/v1/repos")
@operation(answer=list[RepositoryItem], query=ListRepositories, headers=("X-Total-Count",), tag="repos")
async def listing() -> Response:
    """A page of the repositories that the caller may see, newest first."""
    caller = authenticated(RateClass.READ)
    query = read_query(ListRepositories)
    limit = min(query.limit, REPOSITORIES_MAX)
    records, total = await services().run(
        services().engine.catalog.repositories, limit=limit, offset=query.offset, owner=caller.identity.owner
    )
    return answer([_item(record) for record in records], {"X-Total-Count": str(total)})


@repositories.get("/v1/repos/<repository_id>")
@operation(answer=RepositoryAnswer, tag="repos", reads=True)
async def show(repository_id: str) -> Response:
    """One repository, with its refs and what it amounts to."""
    _, record = await accessible(repository_id, RateClass.READ, reads=True)
    details = await services().run(services().engine.describe, record.id)
    item = _item(details.record)
    return answer(
        RepositoryAnswer(
            id=item.id,
            owner=item.owner,
            created_at=item.created_at,
            source_id=item.source_id,
            read_only=item.read_only,
            refs=[RefItem(name, sha) for name, sha in details.refs],
            size_bytes=details.size_bytes,
            head_sha=UNSET if details.head_sha is None else details.head_sha,
            commit_count=details.commit_count,
            fork_count=details.fork_count,
        )
    )


@repositories.delete("/v1/repos/<repository_id>")
@operation(answer=RepositoryDeleted, query=DeleteRepository, errors=("fork_dependency",), tag="repos")
async def delete(repository_id: str) -> Response:
    """Delete a repository: alone, leaving its forks (`force`), or with them (`cascade`)."""
    caller, record = await accessible(repository_id, RateClass.COMMIT, owner_first=True)
    query = read_query(DeleteRepository)
    if query.force and query.cascade:
        raise bad_request("force and cascade exclude each other")
    deleted = await services().run(
        services().engine.delete_repository, record.id, caller.actor, force=query.force, cascade=query.cascade
    )
    return answer(RepositoryDeleted(deleted=deleted if query.cascade else UNSET))


def _new_id(text: str | None) -> str | None:
    return None if text is None else checked_repository_id(text)


def _made(repository_id: str, minted: MintedToken) -> Response:
    request_record().repository_id = repository_id
    remote = remote_url(request_base_url(services().settings), repository_id, minted.text)
    return answer(RepositoryMade(id=repository_id, remote=remote, token=minted.text))


def _item(record: RepositoryRecord) -> RepositoryItem:
    source_id = UNSET if record.source_id is None else record.source_id
    return RepositoryItem(record.id, record.owner, record.created_at_s, source_id, record.read_only)
