"""What all routes that read a repository begin with: who asks, of which repository, of which state of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from core_ext import Cancel
from packengine.repository import Engine, RepositoryState
from packengine.repository.browsing import Snapshot
from packengine.storage.ports import RepositoryMissing, RepositoryRecord
from server.git.held import check_held
from server.limits import RateClass
from server.rest.access import access_to
from server.rest.context import services
from server.rest.errors import ApiError
from server.rest.query import read_query

Q = TypeVar("Q", bound=msgspec.Struct)
T = TypeVar("T")


async def read_repository(
    repository_id: str, query: type[Q], work: Callable[[Snapshot, Q, Cancel], T], *, cancel: Cancel | None = None
) -> T:
    """Check access, then do the work on the newest state: all in one visit to a thread.

    A client that goes away cancels it. Raises what `access_to` and `read_query` raise, in the order of checks.
    """
    _, check = access_to(repository_id, RateClass.READ, reads=True)
    asked = query_or_error(query)
    engine, flag = services().engine, cancel or Cancel()

    def visit() -> T:
        record = check()
        if isinstance(asked, ApiError):
            raise asked  # not before: who has no business with the repository hears nothing else
        check_held()
        return work(_same(engine.snapshot(record.id), record), asked, flag)

    return await services().threads.run(visit, stop=flag.set)


def state_of(engine: Engine, record: RepositoryRecord) -> RepositoryState:
    """The newest state of a repository to which access was checked. Raises RepositoryMissing, also if its id belongs to
    another one by now."""
    state = engine.load(record.id)
    _check_same(state, record)
    return state


def _same(snapshot: Snapshot, record: RepositoryRecord) -> Snapshot:
    _check_same(snapshot.state, record)
    return snapshot


def _check_same(state: RepositoryState, record: RepositoryRecord) -> None:
    if state.record.first_version != record.first_version:
        raise RepositoryMissing(f"repository {record.id} was deleted just now")


def query_or_error(query: type[Q]) -> Q | ApiError:
    """The query, or what is wrong with it, to be raised when access has been checked."""
    try:
        return read_query(query)
    except ApiError as error:
        return error
