"""What can be changed of a repository, and its return from deletion."""

from __future__ import annotations

from quart import Blueprint, Response

from packengine.repository import Actor, Engine, RepositoryDetails
from packengine.storage.ports import RepositoryRecord, TokenScope
from packhouse_client.types.repositories import RepositoryAnswer, RepositoryMade
from packhouse_client.types.settings import UndeleteRepository, UpdateRepository
from server.auth.minting import mint, remote_url
from server.limits import RateClass
from server.rest.access import access_to, authenticated, check_owner
from server.rest.body import answer, decoded
from server.rest.context import checked_repository_id, services
from server.rest.operations import operation
from server.rest.reading import state_of
from server.rest.remote import request_base_url
from server.rest.repositories import told
from server.rest.writes import body_or_error

settings = Blueprint("settings", __name__)


@settings.patch("/v1/repos/<repository_id>")
@operation(answer=RepositoryAnswer, body=UpdateRepository, tag="repos")
async def update(repository_id: str) -> Response:
    """Change what the body names. HEAD is moved first: if there is no such branch, nothing is changed."""
    caller, check = access_to(repository_id, RateClass.COMMIT)
    body, engine = await body_or_error(), services().engine

    def work() -> RepositoryDetails:
        record = check()
        _update(engine, record, decoded(body, UpdateRepository), caller.actor)
        return engine.describe(record.id, first_version=record.first_version)

    return answer(told(await services().writes.run(work)))


@settings.post("/v1/repos/<repository_id>/undelete")
@operation(answer=RepositoryMade, body=UndeleteRepository, errors=("repo_exists", "quota_exceeded"), tag="repos")
async def undelete(repository_id: str) -> Response:
    """Bring back a repository that was deleted lately, with its refs as they were, and a new write token.

    Of several that had the id, the one that was deleted last. What was forked from it is its fork again.
    """
    caller = authenticated(RateClass.CREATE)
    known_id, body, engine = checked_repository_id(repository_id), await body_or_error(), services().engine
    minted = mint(TokenScope.WRITE, caller.identity.owner)

    def check(record: RepositoryRecord) -> None:
        check_owner(caller, record)
        decoded(body, UndeleteRepository)  # not before: who has no business with the repository hears nothing else

    record = await services().writes.run(
        lambda: engine.undelete_repository(known_id, caller.actor, token=minted.stored, check=check)
    )
    remote = remote_url(request_base_url(services().settings), record.id, minted.text)
    return answer(RepositoryMade(id=record.id, remote=remote, token=minted.text))


def _update(engine: Engine, record: RepositoryRecord, wish: UpdateRepository, actor: Actor) -> None:
    if wish.default_branch is not None:
        engine.move_head(state_of(engine, record), wish.default_branch, actor)
    engine.catalog.update_repository(
        record.id,
        description=wish.description,
        read_only=wish.read_only,
        is_public=None if wish.visibility is None else wish.visibility == "public",
        first_version=record.first_version,
    )
