"""The error envelope `{"error":{"code","message",…}}`, and which of the engine's errors is which answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec
from quart import Quart, Response
from werkzeug.exceptions import HTTPException

from packengine.repository import BranchNameError, ForkDependency, InvalidRepositoryId
from packengine.storage.ports import CatalogBusy, RepositoryExists, RepositoryMissing
from server.rest.context import request_record

BUSY_RETRY_AFTER_S = 1

_log = logging.getLogger("packhouse.rest")


class ApiError(Exception):
    """An answer other than success."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        extra: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})


def bad_request(message: str, status: int = 400) -> ApiError:
    """A request that cannot be understood."""
    return ApiError(status, "bad_request", message)


def install_error_handlers(app: Quart) -> None:
    """Every answer that is not a success goes through one of these, the framework's own included."""
    app.register_error_handler(ApiError, _api_error)
    app.register_error_handler(HTTPException, _framework_error)
    for kind in (
        InvalidRepositoryId,
        BranchNameError,
        RepositoryExists,
        RepositoryMissing,
        ForkDependency,
        CatalogBusy,
    ):
        app.register_error_handler(kind, _engine_error)
    app.register_error_handler(Exception, _internal_error)


async def _api_error(error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101  # for the type checker: registered for nothing else
    return _envelope(error)


async def _engine_error(error: Exception) -> Response:
    return _envelope(_converted(error))


async def _framework_error(error: Exception) -> Response:
    """Unknown routes, wrong methods, bodies over the limit: whatever Quart itself refuses."""
    assert isinstance(error, HTTPException)  # noqa: S101  # for the type checker: registered for nothing else
    allow = dict(error.get_headers()).get("Allow")
    headers = {"Allow": allow} if allow else {}
    return _envelope(ApiError(error.code or 500, "bad_request", error.name.lower(), headers=headers))


async def _internal_error(error: Exception) -> Response:
    _log.error("request failed", exc_info=error, extra={"fields": {"request_id": request_record().request_id}})
    return _envelope(ApiError(500, "internal", "internal"))


def _converted(error: Exception) -> ApiError:
    match error:
        case InvalidRepositoryId():
            return ApiError(400, "invalid_repo_id", str(error))
        case RepositoryExists():
            return ApiError(409, "repo_exists", str(error))
        case RepositoryMissing():
            return ApiError(404, "repo_not_found", str(error))
        case ForkDependency():
            extra = {"repoId": error.repository_id, "forks": error.forks}
            return ApiError(409, "fork_dependency", str(error), extra=extra)
        case CatalogBusy():
            return ApiError(503, "db_busy", str(error), headers={"Retry-After": str(BUSY_RETRY_AFTER_S)})
        case _:
            return bad_request(str(error))


def _envelope(error: ApiError) -> Response:
    body = msgspec.json.encode({"error": {"code": error.code, "message": error.message, **error.extra}})
    return Response(body, status=error.status, headers=error.headers, content_type="application/json")
