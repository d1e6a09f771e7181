"""Imports, made in this process as a worker makes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packengine.repository.publish import now_ms
from server.config import Settings
from server.imports.connecting import Resolve, resolve
from server.imports.orders import IMPORT
from server.imports.runner import ImportRunner
from server.jobs.holds import TTL_MS
from tests.support.rest import RestClient, rest_client


@dataclass(frozen=True)
class Importing:
    """REST, and the part of a worker that makes imports."""

    rest: RestClient
    runner: ImportRunner

    async def ask(self, repository_id: str, url: str, **fields: object) -> Any:
        """The job, queued."""
        answer = await self.rest.call("POST", f"/v1/repos/{repository_id}/import", {"url": url, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def show(self, repository_id: str) -> Any:
        """The job as it is now."""
        answer = await self.rest.call("GET", f"/v1/repos/{repository_id}/import")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def work(self) -> None:
        """Make the oldest import that is queued."""
        job = self.runner.engine.catalog.claim_job(IMPORT, self.runner.holder, now_ms=now_ms(), ttl_ms=TTL_MS)
        assert job is not None
        await self.runner.run(job)

    async def run(self, repository_id: str, url: str, **fields: object) -> Any:
        """Ask for an import and make it. Returns what became of it."""
        await self.ask(repository_id, url, **fields)
        await self.work()
        return await self.show(repository_id)


@asynccontextmanager
async def importing(data_dir: Path, *, resolver: Resolve = resolve, **settings: Any) -> AsyncIterator[Importing]:
    """An application over `data_dir` that may import from this machine, unless the settings say otherwise."""
    chosen = {"import_allow_private": True, **settings}
    async with rest_client(data_dir, **chosen) as rest:
        runner = ImportRunner(rest.engine, Settings(data_dir=data_dir, **chosen), "this test", resolver)
        yield Importing(rest, runner)
