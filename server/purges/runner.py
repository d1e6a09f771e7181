"""One purge as a job: made while it is held, ended by a sentence or a success."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial

import trio

from core_ext import Cancel, Cancelled, CoreError
from packengine.manifests import CorruptManifest
from packengine.repository import Engine, RepositoryError
from packengine.repository.publish import now_ms
from packengine.storage.job_ports import JobRecord, JobState
from packengine.storage.ports import StorageError
from server.git.native import WorkerThreads
from server.jobs.holds import JobHold
from server.purges.progress import PurgeProgress
from server.purges.work import PurgeWork

RENEW_S = 2.0
"""How often it is told how far it is. Many times fit into a holder's time, so some may fail."""

MAX_ATTEMPTS = 3
"""A job whose workers were killed so often may be what killed them."""

_INTERNAL = "the server could not make the purge; its operator finds the reason in the log"
_log = logging.getLogger("packhouse.purges")


@dataclass
class _Made:
    """What became of it so far."""

    is_done: bool = False
    error: str | None = None


@dataclass
class PurgeRunner:
    """Makes purges for one worker, one at a time."""

    engine: Engine
    holder: str
    threads: WorkerThreads = field(default_factory=lambda: WorkerThreads(2))
    """One works, one renews."""

    async def run(self, job: JobRecord) -> None:
        """Make a job that this worker holds. Cancelled, it gives the job back."""
        progress = PurgeProgress.of(job)
        progress.attempts += 1
        progress.started_at_ms = now_ms()
        hold, made = JobHold(self.engine.catalog, job.id, self.holder, progress), _Made()
        if progress.attempts > MAX_ATTEMPTS:
            made.error = f"{MAX_ATTEMPTS} workers died of it"
        try:
            if made.error is None and await self.threads.run(hold.renew):
                await self._make_while_held(job, hold, made)
        finally:
            with trio.CancelScope(shield=True):
                if made.is_done or made.error is not None or hold.is_cancelled:
                    await self.threads.run(partial(self._end, job, hold, made))
                elif not hold.is_lost:
                    await self.threads.run(hold.give_back)

    async def _make_while_held(self, job: JobRecord, hold: JobHold[PurgeProgress], made: _Made) -> None:
        cancel = Cancel()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._keep, hold, nursery.cancel_scope)
            with self.engine.open_states.hold():
                await self.threads.run(partial(self._make, job, hold, made, cancel), stop=cancel.set)
            nursery.cancel_scope.cancel()

    async def _keep(self, hold: JobHold[PurgeProgress], scope: trio.CancelScope) -> None:
        while True:
            await trio.sleep(RENEW_S)
            if not await self.threads.run(hold.renew):
                scope.cancel()

    def _make(self, job: JobRecord, hold: JobHold[PurgeProgress], made: _Made, cancel: Cancel) -> None:
        try:
            PurgeWork(self.engine, job, hold.progress, hold.renew, cancel).run()
            made.is_done = True
        except Cancelled:
            return
        except (CoreError, RepositoryError, StorageError, CorruptManifest) as error:
            made.error = str(error)
        except Exception:  # noqa: BLE001  # logged; a defect of ours must not end the requests beside it
            _log.exception("a purge failed", extra={"fields": {"job": job.id, "repository": job.repository_id}})
            made.error = _INTERNAL

    @staticmethod
    def _end(job: JobRecord, hold: JobHold[PurgeProgress], made: _Made) -> None:
        """Once the repository is purged, a cancellation comes too late for that, but not for its network."""
        if made.is_done:
            state = JobState.DONE
        elif hold.is_cancelled:
            state = JobState.CANCELLED
        else:
            state = JobState.FAILED
        error = made.error if state is JobState.FAILED else None
        hold.end(state, error)
        fields = {"job": job.id, "repository": job.repository_id, "state": state.value, "error": error}
        _log.info("purge ended", extra={"fields": {**fields, "repositories": hold.progress.purged_count}})
