"""The task of a worker that makes imports: of its own requests, of other workers', and of those that were killed."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable
from functools import partial

import trio

from packengine.repository import Engine
from packengine.repository.publish import now_ms
from packengine.storage.job_ports import JobRecord
from packengine.storage.ports import StorageError
from server.config import Settings
from server.imports.connecting import Resolve, resolve
from server.imports.holds import TTL_MS
from server.imports.orders import IMPORT
from server.imports.runner import ImportRunner

POLL_S = 2.0
"""How soon a job is found that another worker was asked for, or left behind."""

_log = logging.getLogger("packhouse.imports")


class ImportTask:
    """Some imports at once, the oldest first.

    after_import: called with the id of a repository that was imported into.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        after_import: Callable[[str], None] = lambda _: None,
        *,
        resolver: Resolve = resolve,
    ) -> None:
        holder = f"process {os.getpid()} on {os.uname().nodename} ({secrets.token_hex(4)})"
        self._engine = engine
        self._after_import = after_import
        self._count = settings.imports_at_once
        self._runner = ImportRunner(engine, settings, holder, resolver)
        self._wake = trio.Event()

    def asked(self) -> None:
        """An import was asked for just now."""
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
            _log.exception("an import broke off", extra={"fields": {"job": job.id, "repository": job.repository_id}})
        else:
            self._after_import(job.repository_id)

    async def _claim(self) -> JobRecord | None:
        claim = partial(self._engine.catalog.claim_job, IMPORT, self._runner.holder, now_ms=now_ms(), ttl_ms=TTL_MS)
        try:
            return await self._runner.threads.run(claim)
        except StorageError as error:
            _log.warning("no import could be claimed", extra={"fields": {"error": str(error)}})
            return None
