"""The checks that come before everything else, in this order: authentication, rate, id, existence, owner."""

from __future__ import annotations

from collections.abc import Callable

from quart import request

from packengine.storage.ports import RepositoryMissing, RepositoryRecord
from server.limits import RateClass
from server.rest.context import Caller, authenticate, checked_repository_id, request_record, services
from server.rest.errors import ApiError

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="artifacts"'}


def authenticated(rate: RateClass) -> Caller:
    """The caller, whose request counts as one of that class. Raises ApiError 401, 429."""
    return _caller(rate, may_be_anonymous=False)


def check_credentials() -> None:
    """Judge the credentials of the current request once more. Raises ApiError 401."""
    if authenticate() is None:
        raise _unauthorized()


def admin_only() -> Caller:
    """The administrator, whom no rate limits. Raises ApiError 401, and 403 for anybody else."""
    caller = authenticated(RateClass.READ)
    if not caller.identity.is_admin:
        raise ApiError(403, "forbidden", "this is for the administrator")
    return caller


async def accessible(
    repository_id: str, rate: RateClass, *, reads: bool = False, owner_first: bool = False
) -> tuple[Caller, RepositoryRecord]:
    """The caller and the repository it may act on; see `access_to`."""
    caller, check = access_to(repository_id, rate, reads=reads, owner_first=owner_first)
    return caller, await services().run(check)


def access_to(
    repository_id: str, rate: RateClass, *, reads: bool = False, named: bool = False, owner_first: bool = False
) -> tuple[Caller, Callable[[], RepositoryRecord]]:
    """The caller, and what `accessible` has yet to find out, to be called in the thread that does the request's work:
    a visit to a thread costs as much as most of that work.

    reads: whether only reading is asked for, which is anybody's right where the repository is public; named: but not of
    somebody without credentials.
    owner_first: whether a repository that is not there is refused as somebody else's is, and so tells nothing.
    Raises ApiError 401, 429, InvalidRepositoryId; the call ApiError 401, 403, RepositoryMissing.
    """
    caller, catalog = _caller(rate, may_be_anonymous=reads and not named), services().engine.catalog
    known_id = checked_repository_id(repository_id)

    def check() -> RepositoryRecord:
        record = catalog.repository(known_id)
        if record is None:
            _check_absence(caller, owner_first=owner_first)
            raise RepositoryMissing(f"no repository {known_id!r}")
        (check_readable if reads else check_owner)(caller, record)
        return record

    return caller, check


def check_readable(caller: Caller, record: RepositoryRecord) -> None:
    """Raises ApiError unless the repository is public, or `check_owner` allows it."""
    if not record.is_public:
        check_owner(caller, record)


def check_owner(caller: Caller, record: RepositoryRecord) -> None:
    """Raises ApiError unless the repository is the caller's, or the caller is the administrator."""
    if caller.identity.is_anonymous:
        raise _unauthorized()
    if not (caller.identity.is_admin or caller.identity.owns(record.owner)):
        raise _foreign()


def _check_absence(caller: Caller, *, owner_first: bool) -> None:
    """Raises ApiError where even that there is no such repository is not told."""
    if caller.identity.is_anonymous:
        raise _unauthorized()
    if owner_first and not caller.identity.is_admin:
        raise _foreign()


def _caller(rate: RateClass, *, may_be_anonymous: bool) -> Caller:
    caller = authenticate()
    if caller is None or (caller.identity.is_anonymous and not may_be_anonymous):
        raise _unauthorized()
    if caller.identity.is_anonymous:
        limit_address(rate)
    elif not caller.identity.is_admin:
        _limit(services().limiter.subject_wait_s(rate, caller.identity.subject))
    return caller


def limit_address(rate: RateClass) -> None:
    """Count the current request for the address that it came from. Raises ApiError 429."""
    # A proxy may add a line of its own behind the one that a client made up; the last word counts.
    forwarded_for = ",".join(request.headers.getlist("X-Forwarded-For"))
    _limit(services().limiter.address_wait_s(rate, request_record().client_address, forwarded_for))


def _limit(wait_s: int) -> None:
    if wait_s:
        message = f"too many requests; try again in {wait_s} s"
        headers = {"Retry-After": str(wait_s)}
        raise ApiError(429, "rate_limited", message, extra={"retryAfter": wait_s}, headers=headers)


def _unauthorized() -> ApiError:
    return ApiError(401, "unauthorized", "a valid bearer token is required", headers=_CHALLENGE)


def _foreign() -> ApiError:
    return ApiError(403, "forbidden", "the repository belongs to somebody else")
