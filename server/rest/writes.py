"""What all requests that write to a repository have in common: one visit to a thread, and what follows the answer."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import msgspec
from quart import Response, request

from core_ext import Cancel, CoreError
from packengine.repository import RepositoryError, RepositoryState
from packengine.repository.writing import Writer
from packengine.storage.ports import Committed, StorageError
from server.git.native import WorkerThreads
from server.limits import RateClass
from server.rest.access import authenticated, check_owner
from server.rest.body import json_response, read_body
from server.rest.context import Caller, checked_repository_id, services
from server.rest.errors import ApiError
from server.rest.services import RestServices

_FRESH_S = 1.0
"""So long after a request was let in its credentials are not judged again: it did not wait for anything."""

_SHORT_BYTES = 64 * 1024
"""Of a body: so much is read of anybody who has credentials, which spares most writes a visit to a thread."""

_log = logging.getLogger("packhouse.rest")

Write = Callable[[RepositoryState, Writer], tuple[msgspec.Struct, Committed | None]]
"""Writes to the newest state of a repository, in a worker thread. Returns what to answer, and what was published."""


@dataclass(frozen=True, slots=True)
class Writing:
    """A request that writes. It is let in, but for what the repository's record says."""

    services: RestServices
    caller: Caller
    repository_id: str
    still_accepted: Callable[[], bool]

    async def body(self, limit_bytes: int) -> bytes | ApiError:
        """As `body_or_error`; but who has no business with the repository is refused before a long one is read.

        A long body is held in memory, which is not for everybody to fill. Raises ApiError 403, RepositoryMissing.
        """
        if request.content_length is None or request.content_length > _SHORT_BYTES:
            await self.services.run(self._state)
        return await body_or_error(limit_bytes)

    async def answer(self, write: Write, *, threads: WorkerThreads | None = None) -> Response:
        """Write, and answer. A client that goes away meanwhile does not stop it half-way.

        threads: for what takes more than most writes do.
        """
        data, is_due = await (threads or self.services.writes).run(lambda: self._write(write))
        self.services.after_write(self.repository_id)
        if not is_due:
            return json_response(data)
        headers = {"Content-Length": str(len(data))}
        return Response(self._answer_and_roll_up(data), headers=headers, content_type="application/json")

    def _write(self, write: Write) -> tuple[bytes, bool]:
        engine = self.services.engine
        with engine.open_states.hold():
            state = self._state()
            writer = Writer(self.caller.actor, self.caller.ref_access, self.still_accepted)
            made, committed = write(state, writer)
        is_due = committed is not None and engine.rollup.is_due(committed)
        return msgspec.json.encode(made), is_due

    def _state(self) -> RepositoryState:
        """The newest one of the repository, if the caller may write to that."""
        state = self.services.engine.load(self.repository_id)
        check_owner(self.caller, state.record)
        return state

    async def _answer_and_roll_up(self, data: bytes) -> AsyncIterator[bytes]:
        """Nobody waits for the roll-up, which leaves no trace if it fails: the next write tries again."""
        yield data
        cancel, rollup = Cancel(), self.services.engine.rollup
        try:
            await self.services.writes.run(
                lambda: rollup.roll_up_if_due(self.repository_id, self.caller.actor, cancel), stop=cancel.set
            )
        except (RepositoryError, StorageError, CoreError, OSError) as error:
            _log.warning("roll-up failed", extra={"fields": {"repository": self.repository_id, "error": str(error)}})


def begin_write(repository_id: str) -> Writing:
    """Let a request in. Raises ApiError 401, 429, InvalidRepositoryId."""
    caller, known_id = authenticated(RateClass.COMMIT), checked_repository_id(repository_id)
    header, authenticator, since_s = request.headers.get("Authorization"), services().authenticator, time.monotonic()

    def still_accepted() -> bool:
        return time.monotonic() - since_s < _FRESH_S or authenticator.identify(header) is not None

    return Writing(services(), caller, known_id, still_accepted)


async def body_or_error(limit_bytes: int | None = None) -> bytes | ApiError:
    """The body, or what is wrong with it: whoever has no business with the repository is to hear nothing of it.

    limit_bytes: None for the one of all bodies.
    """
    try:
        return await read_body(services().settings.rest_body_limit_bytes if limit_bytes is None else limit_bytes)
    except ApiError as error:
        return error
