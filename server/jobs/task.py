"""A worker's task for one kind of job: of its own requests, of other workers', and of those that were killed."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from functools import partial
from typing import Protocol

import trio

from packengine.repository.publish import now_ms
from packengine.storage.job_ports import JobRecord
from packengine.storage.ports import Catalog, StorageError
from server.git.native import WorkerThreads
from server.jobs.holds import TTL_MS

POLL_S = 2.0
"""How soon a job is found that another worker was asked for, or left behind."""

_log = logging.getLogger("packhouse.jobs")


class JobRunner(Protocol):
    """What makes jobs of one kind."""

    holder: str
    threads: WorkerThreads

    async def run(self, job: JobRecord) -> None:
        """Make a job that is held under that name. Cancelled, it gives the job back."""


class JobTask:
    """Some jobs of a kind at once, the oldest first.

    after_job: called with the id of a repository that a job was made for.
    """

    def __init__(
        self, catalog: Catalog, kind: str, runner: JobRunner, count: int, after_job: Callable[[str], None]
    ) -> None:
        self._catalog = catalog
        self._kind = kind
        self._runner = runner
        self._count = count
        self._after_job = after_job
        self._wake = trio.Event()

    def asked(self) -> None:
        """A job was asked for just now."""
        self._wake.set()

    async def run_until(self, stop: trio.Event) -> None:
        """Work until then. What is under way then is given back, for another worker to begin it anew."""
        async with trio.open_nursery() as nursery:
            for _ in range(self._count):
                nursery.start_soon(self._work)
            await stop.wait()
            nursery.cancel_scope.cancel()

    async def _work(self) -> None:
        while True:
            job = await self._claim()
            if job is not None:
                await self._run(job)
                continue
            with trio.move_on_after(POLL_S):
                await self._wake.wait()
                self._wake = trio.Event()

    async def _run(self, job: JobRecord) -> None:
        try:
            await self._runner.run(job)
        except Exception:  # noqa: BLE001  # logged; a defect of ours must not end the requests beside it
            fields = {"kind": job.kind, "job": job.id, "repository": job.repository_id}
            _log.exception("a job broke off", extra={"fields": fields})
        else:
            self._after_job(job.repository_id)

    async def _claim(self) -> JobRecord | None:
        claim = partial(self._catalog.claim_job, self._kind, self._runner.holder, now_ms=now_ms(), ttl_ms=TTL_MS)
        try:
            return await self._runner.threads.run(claim)
        except StorageError as error:
            _log.warning("no job could be claimed", extra={"fields": {"kind": self._kind, "error": str(error)}})
            return None


def holder_name() -> str:
    """A name for this process that no other one has."""
    return f"process {os.getpid()} on {os.uname().nodename} ({secrets.token_hex(4)})"
