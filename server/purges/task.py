"""The task of a worker that makes purges."""

from __future__ import annotations

from collections.abc import Callable

from packengine.repository import Engine
from server.jobs.task import JobTask, holder_name
from server.purges.orders import PURGE
from server.purges.runner import PurgeRunner


class PurgeTask(JobTask):
    """One purge at a time.

    after_purge: called with the id of a repository that was purged.
    """

    def __init__(self, engine: Engine, after_purge: Callable[[str], None] = lambda _: None) -> None:
        super().__init__(engine.catalog, PURGE, PurgeRunner(engine, holder_name()), 1, after_purge)
