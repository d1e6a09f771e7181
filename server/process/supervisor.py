"""The parent process: it binds the socket, keeps the workers alive and ends them in order.

    SIGTERM or SIGINT   drain: /v1/health/ready says 503, so that load balancers look elsewhere; requests are served
    the drain delay     stop: no new connection; running requests go on
    the last request    the workers end, and then the parent

A signal during the drain delay cuts the delay short. A signal after it kills the workers, and so does the shutdown
timeout: what they had not finished leaves no trace (design, law 10).
"""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import trio

from server.auth.configured import check_keys
from server.config import Settings
from server.logs import configure_logs
from server.process.child import Child, start_worker
from server.process.engine import open_engine
from server.process.orders import DRAIN, STOP, Orders
from server.process.restart import RestartDelay
from server.process.sockets import listen, listener_url
from server.process.tls import check_certificate

KILL_MARGIN_S = 2.0
"""Workers cut their last requests off by themselves at the shutdown timeout; this long after it they are killed."""

_NEVER_BORN = 1
"""Stands for the exit status of a worker that could not be started."""

_log = logging.getLogger("packhouse.process")


class StartupError(Exception):
    """A worker died before it served anything; it has said why on stderr."""


def run_server(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until a signal says otherwise. announce: called with the URL once every worker serves.

    Raises SettingsError for a bad certificate or bad keys, StorageError and OSError where the data directory cannot be
    used, ListenError, StartupError.
    """
    check_certificate(settings)
    configure_logs(settings, process="parent")
    check_keys(settings)
    open_engine(settings).close()  # the workers find a layout that is complete, and what is bad is told once
    with listen(settings) as listener:
        trio.run(_run, settings, listener, announce)


async def _run(settings: Settings, listener: socket.socket, announce: Callable[[str], None]) -> None:
    with TemporaryDirectory(prefix="packhouse-metrics-") as metrics:
        start = partial(start_worker, metrics=Path(metrics))
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            await Supervisor(settings, listener, announce, start).run(signals)


class Supervisor:
    """Keeps `settings.workers` workers on one socket."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        announce: Callable[[str], None],
        start: Callable[[Orders], Awaitable[Child]],
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._announce = announce
        self._start = start
        self._url = listener_url(listener, settings.scheme)
        self._children: dict[int, Child] = {}
        self._never_ready = set(range(settings.workers))
        self._stopping = trio.Event()
        self._failure: StartupError | None = None

    async def run(self, signals: AsyncIterator[int]) -> None:
        """Until every worker has ended. Raises StartupError."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._obey, signals)
            async with trio.open_nursery() as workers:
                for worker in range(self._settings.workers):
                    workers.start_soon(self._keep_alive, worker)
            nursery.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure

    async def _keep_alive(self, worker: int) -> None:
        """One process after the other, until the server stops."""
        delay = RestartDelay()
        while not self._stopping.is_set():
            started_at_s = trio.current_time()
            status = await self._live(worker)
            if self._stopping.is_set():
                return
            if worker in self._never_ready:
                self._give_up(worker, status)
                return
            delay_s = delay.after_life_of(trio.current_time() - started_at_s)
            _log.warning("worker died", extra={"fields": {"worker": worker, "exit": status, "restart_in_s": delay_s}})
            with trio.move_on_after(delay_s):
                await self._stopping.wait()

    async def _live(self, worker: int) -> int:
        """One life of a worker; its exit status."""
        try:
            child = await self._start(Orders(worker, self._listener.fileno(), self._url, self._settings))
        except OSError as error:  # no memory or no process left: the others serve on, and it is tried again
            _log.error("cannot start a worker", extra={"fields": {"worker": worker, "reason": str(error)}})
            return _NEVER_BORN
        self._children[worker] = child
        try:
            if self._stopping.is_set():
                child.kill()
            if await child.wait_ready():
                self._count_ready(worker)
            return await child.wait()
        finally:
            del self._children[worker]
            child.kill()

    def _count_ready(self, worker: int) -> None:
        was_incomplete = bool(self._never_ready)
        self._never_ready.discard(worker)
        if was_incomplete and not self._never_ready:
            _log.info("serving", extra={"fields": {"url": self._url, "workers": self._settings.workers}})
            self._announce(self._url)

    def _give_up(self, worker: int, status: int) -> None:
        self._failure = StartupError(f"worker {worker} ended with status {status} before it could serve")
        self._stopping.set()
        self._kill_all()

    async def _obey(self, signals: AsyncIterator[int]) -> None:
        await anext(signals)
        delay_s = 0.0 if self._never_ready else self._settings.shutdown_drain_delay_secs
        timeout_s = self._settings.shutdown_timeout_secs
        self._stopping.set()
        _log.info("draining", extra={"fields": {"for_s": delay_s}})
        await self._tell_all(DRAIN)
        with trio.move_on_after(delay_s):
            await anext(signals)
        _log.info("stopping", extra={"fields": {"within_s": timeout_s}})
        await self._tell_all(STOP)
        self._listener.close()
        with trio.move_on_after(timeout_s + KILL_MARGIN_S):
            await anext(signals)
        _log.warning("killing workers", extra={"fields": {"workers": len(self._children)}})
        self._kill_all()

    async def _tell_all(self, order: bytes) -> None:
        for child in list(self._children.values()):
            await child.tell(order)

    def _kill_all(self) -> None:
        for child in self._children.values():
            child.kill()
