"""A worker process: HTTP on Trio over a listening socket that the parent bound. Run by the parent only.

Nothing in a worker knows of the others; the catalog's compare-and-swap keeps them honest (design, section 8).
"""

from __future__ import annotations

import gc
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import trio
from hypercorn.config import Config

from packengine.maintenance import Schedule
from packengine.repository import Engine
from packengine.repository.open_states import ReaderRow
from packengine.storage.ports import StorageError
from server.asgi import Dispatcher, RequestBoundary
from server.auth import GitAuthenticator
from server.auth.configured import rest_authenticator
from server.config import SettingsError
from server.git import git_app, nothing_follows
from server.http import HttpLimits, HttpServer
from server.imports.task import ImportTask
from server.jobs.task import JobTask
from server.limits.configured import rate_limiter
from server.logs import configure_logs
from server.metrics import FOLDER_VARIABLE
from server.process.engine import open_engine
from server.process.orders import DRAIN, READY, STOP, Orders, decode_orders
from server.process.reader_task import keep_reader_row
from server.process.upkeep import UpkeepTask
from server.purges.task import PurgeTask
from server.rest import RestServices, create_rest_app

MAX_REQUESTS_PER_CONNECTION = 1_000_000

_log = logging.getLogger("packhouse.process")


class Lifecycle:
    """What the parent has ordered so far."""

    def __init__(self) -> None:
        self.draining = trio.Event()
        self.stop = trio.Event()


def main() -> int:
    """The process's whole life; its exit status."""
    orders_in, reports_out = _take_pipes()
    orders = decode_orders(orders_in.readline())
    configure_logs(orders.settings, process=f"worker-{orders.worker}")
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, signal.SIG_IGN)  # orders come from the parent alone, see server.process.orders
    _raise_file_limit()
    try:
        engine = open_engine(orders.settings)
    except (SettingsError, StorageError, OSError) as error:
        _log.error("cannot open the engine", extra={"fields": {"reason": str(error)}})
        return 1
    try:
        trio.run(_serve, orders, engine, orders_in, reports_out)
    finally:
        engine.close()
    return 0


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the two pipes to the parent for ourselves: a stray read or print of some library goes elsewhere."""
    orders_in, reports_out = os.fdopen(os.dup(0), "rb", buffering=0), os.fdopen(os.dup(1), "wb", buffering=0)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return orders_in, reports_out


def _raise_file_limit() -> None:
    """Packs and connections are files; the soft limit is for programs that select(2)."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(orders: Orders, engine: Engine, orders_in: BinaryIO, reports_out: BinaryIO) -> None:
    lifecycle = Lifecycle()
    upkeep = UpkeepTask(Schedule(engine.parts)) if orders.settings.maintenance == "auto" else None
    after_write = nothing_follows if upkeep is None else upkeep.pushed
    imports = ImportTask(engine, orders.settings, after_write)
    purges = PurgeTask(engine, after_write)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_obey, orders_in, lifecycle)
        row = ReaderRow(engine.catalog, engine.open_states)
        await nursery.start(keep_reader_row, row, engine.let_go_of_deleted)  # before anything is opened
        if upkeep is not None:
            nursery.start_soon(upkeep.run_until, lifecycle.draining)
        nursery.start_soon(imports.run_until, lifecycle.draining)
        nursery.start_soon(purges.run_until, lifecycle.draining)
        application = build_application(orders, engine, lifecycle, after_write, imports, purges)
        server = HttpServer(application, hypercorn_config(orders))

        async def until_stopped(task_status: trio.TaskStatus[None]) -> None:
            with socket.socket(fileno=orders.listener_fd) as listener:
                await server.serve(listener, lifecycle.stop.wait, task_status=task_status)
            nursery.cancel_scope.cancel()

        await nursery.start(until_stopped)
        _set_apart()
        reports_out.write(READY + b"\n")


def _set_apart() -> None:
    """What start-up made stays: a full collection that looked through it each time stopped all requests for 80 ms."""
    gc.collect()
    gc.freeze()


def build_application(
    orders: Orders,
    engine: Engine,
    lifecycle: Lifecycle,
    after_write: Callable[[str], None],
    imports: JobTask,
    purges: JobTask,
) -> RequestBoundary:
    """The ASGI application over an engine."""
    settings = orders.settings
    rest = RestServices(
        engine=engine,
        settings=settings,
        authenticator=rest_authenticator(settings, engine.catalog),
        limiter=rate_limiter(settings, engine.catalog.secret(), os.environ.get(FOLDER_VARIABLE)),
        is_draining=lifecycle.draining.is_set,
        after_write=after_write,
        import_asked=imports.asked,
        purge_asked=purges.asked,
    )
    git = git_app(engine, settings, GitAuthenticator(engine.catalog), after_write, rest.limiter)
    return RequestBoundary(Dispatcher(git=git, rest=create_rest_app(rest)), rest.metrics.count)


def hypercorn_config(orders: Orders) -> Config:
    """For HTTP/2, TLS and the end of the process."""
    settings, limits, config = orders.settings, HttpLimits(), Config()
    config.errorlog = logging.getLogger("hypercorn.error")
    config.errorlog.setLevel(logging.WARNING)
    config.include_server_header = False
    config.graceful_timeout = settings.shutdown_timeout_secs
    config.keep_alive_timeout = limits.keep_alive_s
    config.keep_alive_max_requests = MAX_REQUESTS_PER_CONNECTION
    config.ssl_handshake_timeout = limits.handshake_s
    config.h2_max_header_list_size = limits.max_head_bytes
    if not settings.http2:
        config.alpn_protocols = ["http/1.1"]
    config.certfile = None if settings.tls_cert is None else str(settings.tls_cert)
    config.keyfile = None if settings.tls_key is None else str(settings.tls_key)
    return config


async def _obey(orders_in: BinaryIO, lifecycle: Lifecycle) -> None:
    async with trio.lowlevel.FdStream(os.dup(orders_in.fileno())) as stream:
        heard = b""
        async for chunk in stream:
            *lines, heard = (heard + chunk).split(b"\n")
            if DRAIN in lines:
                lifecycle.draining.set()
            if STOP in lines:
                lifecycle.draining.set()
                lifecycle.stop.set()
    _log.error("parent died")
    os._exit(1)  # at once: a cancelled task would still wait for its thread, or for a client that takes nothing


if __name__ == "__main__":
    sys.exit(main())
