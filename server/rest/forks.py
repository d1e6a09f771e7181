"""Forks: one, or thousands in one transaction."""

from __future__ import annotations

import msgspec
from quart import Blueprint, Response

from packengine.repository import ForkPoint
from packengine.storage.ports import RepositoryRecord, TokenScope
from packhouse_client.types.forks import ForkRepository, ForksMade
from packhouse_client.types.repositories import RepositoryMade
from server.auth.minting import MintedToken, mint, remote_url
from server.limits import RateClass
from server.rest.access import access_to, check_owner
from server.rest.body import json_response, read_json
from server.rest.context import Caller, request_record, services
from server.rest.errors import ApiError, bad_request
from server.rest.instants import parsed_instant
from server.rest.oids import parsed_hex
from server.rest.operations import operation
from server.rest.remote import request_base_url

forks = Blueprint("forks", __name__)


@forks.post("/v1/repos/<repository_id>/forks")
@operation(
    answer=RepositoryMade | ForksMade,
    body=ForkRepository,
    errors=("repo_exists", "quota_exceeded", "state_gone"),
    tag="forks",
)
async def fork(repository_id: str) -> Response:
    """Fork a repository that the caller may read, whole or at a point, once or in numbers. The forks are the caller's.

    A read-only fork refuses all pushes and gets a read token.
    """
    caller, checked_source = access_to(repository_id, RateClass.CREATE, reads=True, named=True)
    body = await _body_or_error()
    forker = _Forker(caller)

    def work() -> tuple[RepositoryMade | None, bytes]:
        # All that reads or writes the catalog is one visit to a thread.
        source = checked_source()
        if isinstance(body, ApiError):
            raise body  # not before: who has no business with the repository hears nothing else
        if body.at is not None:
            check_owner(caller, source)  # the past shows what the refs do not show any more
        point = _point(body, source)
        made = forker.one(source.id, body, point) if body.count is None else forker.many(source.id, body, point)
        return (made if isinstance(made, RepositoryMade) else None), msgspec.json.encode(made)

    made, answer = await services().run(work)
    if made is not None:
        request_record().repository_id = made.id
    return json_response(answer)


async def _body_or_error() -> ForkRepository | ApiError:
    try:
        return await read_json(ForkRepository)
    except ApiError as error:
        return error


def _point(body: ForkRepository, source: RepositoryRecord) -> ForkPoint:
    """Raises ApiError 400."""
    at_ms = None if body.at is None else parsed_instant("at", body.at)
    commit = None if body.commit is None else parsed_hex("commit", body.commit)
    return ForkPoint(body.ref, commit, at_ms, source.first_version)


class _Forker:
    """Makes the forks of one request. Not on the event loop, but for its own making."""

    def __init__(self, caller: Caller) -> None:
        self._engine = services().engine
        self._caller = caller
        self._owner = caller.identity.owner
        self._base_url = request_base_url(services().settings)

    def one(self, source_id: str, body: ForkRepository, point: ForkPoint) -> RepositoryMade:
        minted = self._mint(body)
        fork_id = self._engine.fork_repository(
            source_id,
            body.id,
            self._caller.actor,
            owner=self._owner,
            read_only=body.read_only,
            token=minted.stored,
            point=point,
        )
        return self._told(fork_id, minted)

    def many(self, source_id: str, body: ForkRepository, point: ForkPoint) -> ForksMade:
        """All or none. Raises ApiError 400 for an id: only one of them could have it."""
        if body.id is not None:
            raise bad_request("id and count exclude each other")
        minted = [self._mint(body) for _ in range(body.count or 0)]
        fork_ids = self._engine.fork_repository_many(
            source_id,
            self._caller.actor,
            owner=self._owner,
            read_only=body.read_only,
            tokens=[each.stored for each in minted],
            point=point,
        )
        return ForksMade([self._told(*each) for each in zip(fork_ids, minted, strict=True)])

    def _mint(self, body: ForkRepository) -> MintedToken:
        return mint(TokenScope.READ if body.read_only else TokenScope.WRITE, self._owner)

    def _told(self, fork_id: str, minted: MintedToken) -> RepositoryMade:
        return RepositoryMade(fork_id, remote_url(self._base_url, fork_id, minted.text), minted.text)
