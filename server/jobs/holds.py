"""A worker's hold on one job: renewed while it works, told at the end."""

from __future__ import annotations

import logging
import time
from typing import Generic, Protocol, TypeVar

from packengine.repository.publish import now_ms
from packengine.storage.job_ports import JobState
from packengine.storage.ports import Catalog, StorageError

TTL_MS = 20_000
"""How long a job stays with a worker that was killed."""

_TRIES = 5
_log = logging.getLogger("packhouse.jobs")


class JobProgress(Protocol):
    """How far a job is."""

    attempts: int
    """How many workers have taken it up."""

    def text(self) -> str:
        """As it is kept with the job."""


P = TypeVar("P", bound=JobProgress)


class JobHold(Generic[P]):
    """From any thread, none of them the event loop's: each call writes to the catalog."""

    def __init__(self, catalog: Catalog, job_id: str, holder: str, progress: P) -> None:
        self._catalog = catalog
        self._job_id = job_id
        self._holder = holder
        self._renewed_s = time.monotonic()
        self.progress = progress
        self.is_lost = False
        """Whether the job is somebody else's now, or its repository was deleted."""

        self.is_cancelled = False

    def renew(self) -> bool:
        """Tell how far it is. False: stop, and publish nothing."""
        asked_s = time.monotonic()
        try:
            job = self._catalog.update_job(
                self._job_id, self._holder, progress=self.progress.text(), now_ms=now_ms(), ttl_ms=TTL_MS
            )
        except StorageError as error:
            self._warn("a job was not renewed", error)
            self.is_lost = self.is_lost or asked_s - self._renewed_s > TTL_MS / 1000
            return not self.is_lost
        self._renewed_s = asked_s
        self.is_lost = self.is_lost or job is None
        self.is_cancelled = self.is_cancelled or (job is not None and job.cancel_requested)
        return not (self.is_lost or self.is_cancelled)

    def end(self, state: JobState, error: str | None) -> None:
        """It has come to that end. If the catalog cannot be told, somebody takes the job up again and finds it done."""
        for _ in range(_TRIES):
            try:
                self._catalog.end_job(
                    self._job_id, self._holder, state, progress=self.progress.text(), error=error, now_ms=now_ms()
                )
            except StorageError as failure:
                self._warn("the end of a job was not noted", failure)
            else:
                return

    def give_back(self) -> None:
        """Let another worker take it up: this one ends, in order, which counts for no attempt."""
        self.progress.attempts -= 1
        if self.renew():
            try:
                self._catalog.give_back_job(self._job_id, self._holder, now_ms=now_ms())
            except StorageError as error:  # it expires by itself
                self._warn("a job was not given back", error)

    def _warn(self, what: str, error: StorageError) -> None:
        _log.warning(what, extra={"fields": {"job": self._job_id, "error": str(error)}})
