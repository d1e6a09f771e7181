"""What the routes work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import ParamSpec, TypeVar

from packengine.repository import Engine
from server.auth import RestAuthenticator
from server.config import Settings
from server.git.native import WorkerThreads
from server.limits import RateLimiter
from server.metrics import Metrics

ENGINE_THREADS = 16
"""How many REST requests of a worker are inside the engine at once; the others queue, in order."""

STREAM_THREADS = 16
"""How many pieces of streamed answers are made at once."""

WRITE_THREADS = 32
"""The same for requests that write to a repository."""

MERGE_THREADS = 4
"""The same for merges of branches, each of which may take a quarter of a gigabyte."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class RestServices:
    """One worker's engine, settings and state, shared by all routes."""

    engine: Engine
    settings: Settings
    authenticator: RestAuthenticator
    limiter: RateLimiter
    is_draining: Callable[[], bool] = lambda: False
    metrics: Metrics = field(default_factory=Metrics)
    threads: WorkerThreads = field(default_factory=lambda: WorkerThreads(ENGINE_THREADS))
    streams: WorkerThreads = field(default_factory=lambda: WorkerThreads(STREAM_THREADS))
    writes: WorkerThreads = field(default_factory=lambda: WorkerThreads(WRITE_THREADS))
    """Of their own: what waits for the disk holds up no reads, and shares a transaction with what waits beside it."""

    merges: WorkerThreads = field(default_factory=lambda: WorkerThreads(MERGE_THREADS))
    after_write: Callable[[str], None] = lambda _: None
    """Called with the id of a repository that was written to."""

    import_asked: Callable[[], None] = lambda: None
    """Called when an import was queued."""

    purge_asked: Callable[[], None] = lambda: None
    """Likewise."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the engine in a worker thread. A client that goes away does not abandon a write half-way."""
        return await self.threads.run(partial(function, *args, **kwargs))
