"""Imports from other servers: asked for, told of, cancelled. They are made by server.imports."""

from __future__ import annotations

from quart import Blueprint, Response

from packengine.repository.publish import now_ms
from packengine.storage.job_ports import JobRecord
from packengine.storage.ports import JobUnderWay, RepositoryRecord
from packhouse_client.types.imports import ImportJob, ImportRepository
from server.imports.asking import BadImport, NotEmpty, ask_import, latest_import, told
from server.limits import RateClass
from server.rest.access import access_to
from server.rest.body import answer, decoded
from server.rest.context import services
from server.rest.errors import ApiError, bad_request
from server.rest.operations import operation
from server.rest.writes import body_or_error

imports = Blueprint("imports", __name__)


@imports.post("/v1/repos/<repository_id>/import")
@operation(answer=ImportJob, body=ImportRepository, errors=("import_under_way", "repo_not_empty"), tag="imports")
async def ask(repository_id: str) -> Response:
    """Fill a repository from another server, over HTTPS, or bring it up to date with what it was filled from.

    The answer comes at once; GET tells how far it is. Addresses that are not public are refused unless
    `--import-allow` or `--import-allow-private` says otherwise.
    """
    caller, check = access_to(repository_id, RateClass.CREATE)
    body = await body_or_error()
    engine, settings = services().engine, services().settings

    def work() -> JobRecord:
        record = check()
        asked = decoded(body, ImportRepository)  # not before: who may not write here hears nothing else
        try:
            return ask_import(engine, settings, record, asked, caller.actor, is_admin=caller.identity.is_admin)
        except BadImport as error:
            raise bad_request(str(error)) from error
        except NotEmpty as error:
            raise ApiError(409, "repo_not_empty", str(error)) from error
        except JobUnderWay as error:
            raise ApiError(409, "import_under_way", str(error)) from error

    job = await services().run(work)
    services().import_asked()
    return answer(told(job))


@imports.get("/v1/repos/<repository_id>/import")
@operation(answer=ImportJob, tag="imports")
async def show(repository_id: str) -> Response:
    """The import of the repository that was asked for last."""
    _, check = access_to(repository_id, RateClass.READ)
    job = await services().run(lambda: _latest(check()))
    return answer(told(job))


@imports.delete("/v1/repos/<repository_id>/import")
@operation(answer=ImportJob, tag="imports")
async def cancel(repository_id: str) -> Response:
    """Cancel the import that was asked for last, if it has not ended. What it has published stays.

    One that is under way ends within some seconds: GET tells.
    """
    _, check = access_to(repository_id, RateClass.COMMIT)
    catalog = services().engine.catalog

    def work() -> JobRecord:
        record = check()
        catalog.request_cancel(_latest(record).id, now_ms=now_ms())
        return _latest(record)

    return answer(told(await services().run(work)))


def _latest(record: RepositoryRecord) -> JobRecord:
    job = latest_import(services().engine, record.id)
    if job is None:
        raise ApiError(404, "repo_not_found", f"nothing was ever imported into {record.id}")
    return job
