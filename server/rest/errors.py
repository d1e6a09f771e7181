"""The error envelope `{"error":{"code","message",…}}`, and which of the engine's errors is which answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, cast, get_args

import msgspec
from quart import Quart, Response
from werkzeug.exceptions import HTTPException

from core_ext import LimitExceeded
from packengine.refs.names import BadRefName
from packengine.repository import BranchNameError, ForkDependency, InvalidRepositoryId
from packengine.repository.browsing import path_text
from packengine.repository.errors import (
    AccessEnded,
    BadCursor,
    BrowsingRefused,
    ByteQuotaExceeded,
    ForkPointUnknown,
    LimitReached,
    MergeConflict,
    NoteExists,
    NoteMissing,
    RefConflict,
    RefRefused,
    RestoreRefused,
    StateGone,
    StateUnknown,
    WriteRefused,
)
from packengine.repository.open_states import ReaderExpired
from packengine.storage.ports import CatalogBusy, OwnerBytesExceeded, QuotaExceeded, RepositoryExists, RepositoryMissing
from server.asgi.record import LimitName
from server.rest.context import request_record

BUSY_RETRY_AFTER_S = 1
MAX_CONFLICTS = 10_000
"""So many conflicts of a merge are named; the message has their number."""

_NO_ROUTE = (404, 405)

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
    for kind in _ANSWERS:
        app.register_error_handler(kind, _engine_error)
    app.register_error_handler(Exception, _internal_error)


async def _api_error(error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101  # for the type checker: registered for nothing else
    return _envelope(error)


async def _engine_error(error: Exception) -> Response:
    answer = next(_ANSWERS[kind] for kind in type(error).__mro__ if kind in _ANSWERS)
    return _envelope(answer(error))


async def _framework_error(error: Exception) -> Response:
    """Unknown routes, wrong methods, bodies over the limit: whatever Quart itself refuses."""
    assert isinstance(error, HTTPException)  # noqa: S101  # for the type checker: registered for nothing else
    allow = dict(error.get_headers()).get("Allow")
    headers = {"Allow": allow} if allow else {}
    what = f"{error.name.lower()}; /v1/docs lists the routes" if error.code in _NO_ROUTE else error.name.lower()
    return _envelope(ApiError(error.code or 500, "bad_request", what, headers=headers))


async def _internal_error(error: Exception) -> Response:
    _log.error("request failed", exc_info=error, extra={"fields": {"request_id": request_record().request_id}})
    return _envelope(ApiError(500, "internal", "internal"))


def _envelope(error: ApiError) -> Response:
    if error.code in get_args(LimitName):
        request_record().limit = cast("LimitName", error.code)
    body = msgspec.json.encode({"error": {"code": error.code, "message": error.message, **error.extra}})
    return Response(body, status=error.status, headers=error.headers, content_type="application/json")


def _told(status: int, code: str) -> Callable[[Exception], ApiError]:
    """The error's own words under that code."""
    return lambda error: ApiError(status, code, str(error))


def _fork_dependency(error: ForkDependency) -> ApiError:
    extra = {"repoId": error.repository_id, "forks": error.forks}
    return ApiError(409, "fork_dependency", str(error), extra=extra)


def _busy(error: CatalogBusy | ReaderExpired) -> ApiError:
    return ApiError(503, "db_busy", str(error), headers={"Retry-After": str(BUSY_RETRY_AFTER_S)})


def _quota_exceeded(error: QuotaExceeded) -> ApiError:
    return ApiError(429, "quota_exceeded", str(error), extra={"subject": error.subject, "limit": error.limit})


def _owner_bytes_exceeded(error: OwnerBytesExceeded) -> ApiError:
    extra = {"subject": error.subject, "bytesUsed": error.bytes_used, "limit": error.limit_bytes}
    return ApiError(429, "quota_exceeded", str(error), extra=extra)


def _byte_quota_exceeded(error: ByteQuotaExceeded) -> ApiError:
    extra = {"repoId": error.repository_id, "bytesUsed": error.bytes_used, "limit": error.limit_bytes}
    return ApiError(413, "repo_byte_quota_exceeded", str(error), extra=extra)


def _ref_conflict(error: RefConflict) -> ApiError:
    values = {"expected": error.expected, "current": error.current}
    extra = {name: None if value is None else value.hex() for name, value in values.items()}
    return ApiError(409, "ref_conflict", str(error), extra={"branch": error.name, **extra})


def _ref_refused(error: RefRefused) -> ApiError:
    return ApiError(403, "forbidden", str(error)) if error.is_forbidden else bad_request(str(error))


def _merge_conflict(error: MergeConflict) -> ApiError:
    named = [(path_text(path), kind) for path, kind in error.conflicts[:MAX_CONFLICTS]]
    extra = {
        "sourceBranch": error.source_branch,
        "targetBranch": error.target_branch,
        "conflicts": list(dict.fromkeys(path for path, _ in named)),
        "details": [{"path": path, "kind": kind} for path, kind in named],
    }
    return ApiError(409, "merge_conflict", str(error), extra=extra)


_ANSWERS: dict[type[Exception], Callable[[Any], ApiError]] = {
    InvalidRepositoryId: _told(400, "invalid_repo_id"),
    BranchNameError: _told(400, "bad_request"),
    BadRefName: _told(400, "bad_request"),
    BrowsingRefused: _told(400, "bad_request"),
    WriteRefused: _told(400, "bad_request"),
    BadCursor: _told(400, "bad_request"),
    ForkPointUnknown: _told(400, "bad_request"),
    RestoreRefused: _told(400, "bad_request"),
    StateUnknown: _told(400, "bad_request"),
    StateGone: _told(409, "state_gone"),
    LimitReached: _told(400, "bad_request"),
    LimitExceeded: _told(400, "bad_request"),
    ByteQuotaExceeded: _byte_quota_exceeded,
    QuotaExceeded: _quota_exceeded,
    OwnerBytesExceeded: _owner_bytes_exceeded,
    RefRefused: _ref_refused,
    RefConflict: _ref_conflict,
    MergeConflict: _merge_conflict,
    NoteMissing: _told(404, "repo_not_found"),
    NoteExists: _told(409, "note_exists"),
    AccessEnded: _told(403, "forbidden"),
    RepositoryExists: _told(409, "repo_exists"),
    RepositoryMissing: _told(404, "repo_not_found"),
    ForkDependency: _fork_dependency,
    CatalogBusy: _busy,
    ReaderExpired: _busy,
}
"""Which answer each of the engine's errors is. A kind of error that is not here is a defect of ours."""
