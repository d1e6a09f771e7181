"""The checks that come before everything else, in the contract's order: authentication, id, existence, owner."""

from __future__ import annotations

from collections.abc import Callable

from packengine.storage.ports import RepositoryMissing, RepositoryRecord
from server.rest.context import Caller, authenticate, checked_repository_id, services
from server.rest.errors import ApiError

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="artifacts"'}


def authenticated() -> Caller:
    """The caller. Raises ApiError 401."""
    caller = authenticate()
    if caller is None:
        raise ApiError(401, "unauthorized", "a valid bearer token is required", headers=_CHALLENGE)
    return caller


async def accessible(repository_id: str) -> tuple[Caller, RepositoryRecord]:
    """The caller and the repository it may act on.

    Raises ApiError 401 and 403, InvalidRepositoryId, RepositoryMissing.
    """
    caller, check = access_to(repository_id)
    return caller, await services().run(check)


def access_to(repository_id: str) -> tuple[Caller, Callable[[], RepositoryRecord]]:
    """The caller, and what `accessible` has yet to find out, to be called in the thread that does the request's work:
    a visit to a thread costs as much as most of that work.

    Raises ApiError 401, InvalidRepositoryId; the call ApiError 403, RepositoryMissing.
    """
    caller, catalog = authenticated(), services().engine.catalog
    known_id = checked_repository_id(repository_id)

    def check() -> RepositoryRecord:
        record = catalog.repository(known_id)
        if record is None:
            raise RepositoryMissing(f"no repository {known_id!r}")
        check_owner(caller, record)
        return record

    return caller, check


def check_owner(caller: Caller, record: RepositoryRecord) -> None:
    """Raises ApiError 403 unless the repository is the caller's, or the caller is the administrator."""
    if not caller.identity.is_admin and record.owner != caller.identity.subject:
        raise ApiError(403, "forbidden", "the repository belongs to somebody else")
