"""Purges of what must not be there: asked for, told of, cancelled. They are made by server.purges."""

from __future__ import annotations

from quart import Blueprint, Response

from packengine.repository.publish import now_ms
from packengine.storage.job_ports import JobRecord
from packengine.storage.ports import JobUnderWay, RepositoryRecord
from packhouse_client.types.purges import PurgeJob, PurgeRepository
from server.limits import RateClass
from server.purges.asking import BadPurge, ask_purge, latest_purge, told
from server.rest.access import access_to
from server.rest.body import answer, decoded
from server.rest.context import services
from server.rest.errors import ApiError, bad_request
from server.rest.operations import operation
from server.rest.writes import body_or_error

purges = Blueprint("purges", __name__)


@purges.post("/v1/repos/<repository_id>/purge")
@operation(answer=PurgeJob, body=PurgeRepository, errors=("purge_under_way",), tag="repositories")
async def ask(repository_id: str) -> Response:
    """Take a blob, or all that ever was at a path, out of the whole history, through forks that are the caller's.

    Commits that reach it get new ids, refs follow, and what was before can neither be restored nor fetched. The answer
    comes at once; GET tells how far it is, and what holds the bytes still.
    """
    caller, check = access_to(repository_id, RateClass.CREATE)
    body = await body_or_error()
    engine = services().engine

    def work() -> PurgeJob:
        record = check()
        asked = decoded(body, PurgeRepository)  # not before: who may not write here hears nothing else
        try:
            job = ask_purge(engine, record, asked, caller.actor, is_admin=caller.identity.is_admin)
        except BadPurge as error:
            raise bad_request(str(error)) from error
        except JobUnderWay as error:
            raise ApiError(409, "purge_under_way", str(error)) from error
        return told(job, engine.limits)

    made = await services().run(work)
    services().purge_asked()
    return answer(made)


@purges.get("/v1/repos/<repository_id>/purge")
@operation(answer=PurgeJob, tag="repositories")
async def show(repository_id: str) -> Response:
    """The purge of the repository that was asked for last."""
    _, check = access_to(repository_id, RateClass.READ)
    return answer(await services().run(lambda: told(_latest(check()), services().engine.limits)))


@purges.delete("/v1/repos/<repository_id>/purge")
@operation(answer=PurgeJob, tag="repositories")
async def cancel(repository_id: str) -> Response:
    """Cancel the purge that was asked for last, if it has not ended. A repository that is purged already stays so.

    One that is under way ends within some seconds: GET tells.
    """
    _, check = access_to(repository_id, RateClass.COMMIT)
    engine = services().engine

    def work() -> PurgeJob:
        record = check()
        engine.catalog.request_cancel(_latest(record).id, now_ms=now_ms())
        return told(_latest(record), engine.limits)

    return answer(await services().run(work))


def _latest(record: RepositoryRecord) -> JobRecord:
    job = latest_purge(services().engine, record.id)
    if job is None:
        raise ApiError(404, "repo_not_found", f"nothing was ever purged from {record.id}")
    return job
