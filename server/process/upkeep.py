"""Maintenance in a worker: after pushes, and once a day of everything, in one thread that gives way to requests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

import trio

from core_ext import Cancel
from packengine.maintenance import LeaseHeld, LeaseLost
from packengine.storage.ports import StorageError
from server.git.native import WorkerThreads
from server.process.low_priority import at_low_priority

SETTLE_S = 1.0
"""How long pushes are gathered. Looking takes a turn of the interpreter from requests, so it is not done for each."""

RETRY_S = 5.0
"""How soon to ask again for a lease that another process has."""

FIRST_ROUND_S = 10.0
"""How long after its start a worker asks whether a round is due: others start at the same time, and requests come."""

ASK_ROUND_S = 3600.0
_MAX_PENDING = 10_000
"""Repositories that wait; what is pushed beyond that is found by the next round."""

_log = logging.getLogger("packhouse.maintenance")


class Upkeep(Protocol):
    """What the task asks of the engine's schedule; see packengine.maintenance.Schedule."""

    def maintain_due(self, repository_ids: Iterable[str], cancel: Cancel) -> None: ...
    def is_round_due(self) -> bool: ...
    def go_round(self, cancel: Cancel) -> None: ...


class UpkeepTask:
    """Wakes up when something was pushed, and now and then."""

    def __init__(self, upkeep: Upkeep) -> None:
        self._upkeep = upkeep
        self._threads = WorkerThreads(1)
        self._pushed: dict[str, None] = {}
        self._wake = trio.Event()

    def pushed(self, repository_id: str) -> None:
        """Look after that repository soon. Costs nothing: it may be called on the way of a push."""
        if len(self._pushed) < _MAX_PENDING:
            self._pushed[repository_id] = None
            self._wake.set()

    async def run_until(self, stop: trio.Event) -> None:
        """Work until then. What is under way then is stopped, and has left no trace."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow_pushes)
            nursery.start_soon(self._go_round)
            await stop.wait()
            nursery.cancel_scope.cancel()

    async def _follow_pushes(self) -> None:
        while True:
            await self._wake.wait()
            await trio.sleep(SETTLE_S)
            self._wake = trio.Event()
            pushed, self._pushed = self._pushed, {}
            if not await self._try(partial(self._upkeep.maintain_due, list(pushed))):
                self._pushed = {**pushed, **self._pushed}
                await trio.sleep(RETRY_S)
                self._wake.set()

    async def _go_round(self) -> None:
        await trio.sleep(FIRST_ROUND_S)
        while True:
            is_done = await self._try(self._go_round_if_due)
            await trio.sleep(ASK_ROUND_S if is_done else RETRY_S)

    def _go_round_if_due(self, cancel: Cancel) -> None:
        if self._upkeep.is_round_due():
            self._upkeep.go_round(cancel)

    async def _try(self, work: Callable[[Cancel], None]) -> bool:
        """False if it is to be tried again, since another process maintains or the catalog is busy."""
        cancel = Cancel()
        try:
            await self._threads.run(partial(at_low_priority, partial(work, cancel)), stop=cancel.set)
        except LeaseHeld as held:
            _log.debug("maintenance waits", extra={"fields": {"holder": held.holder}})
            return False
        except (LeaseLost, StorageError) as error:
            _log.warning("maintenance broke off", extra={"fields": {"error": str(error)}})
            return False
        except Exception:  # noqa: BLE001  # logged; a defect of ours must not end the requests beside it
            _log.exception("maintenance failed")
        return True
