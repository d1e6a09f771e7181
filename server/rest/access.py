"""The checks that come before everything else, in the contract's order: authentication, id, existence, owner."""

from __future__ import annotations

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
    caller = authenticated()
    record = await services().run(services().engine.catalog.repository, checked_repository_id(repository_id))
    if record is None:
        raise RepositoryMissing(f"no repository {repository_id!r}")
    check_owner(caller, record)
    return caller, record


def check_owner(caller: Caller, record: RepositoryRecord) -> None:
    """Raises ApiError 403 unless the repository is the caller's, or the caller is the administrator."""
    if not caller.identity.is_admin and record.owner != caller.identity.subject:
        raise ApiError(403, "forbidden", "the repository belongs to somebody else")
