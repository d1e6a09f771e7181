"""The task of a worker that makes imports."""

from __future__ import annotations

from collections.abc import Callable

from packengine.repository import Engine
from server.config import Settings
from server.imports.connecting import Resolve, resolve
from server.imports.orders import IMPORT
from server.imports.runner import ImportRunner
from server.jobs.task import JobTask, holder_name


class ImportTask(JobTask):
    """Some imports at once.

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
        runner = ImportRunner(engine, settings, holder_name(), resolver)
        super().__init__(engine.catalog, IMPORT, runner, settings.imports_at_once, after_import)
