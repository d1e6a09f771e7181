"""Group commit: the writes that come while a transaction is being made durable share the next one.

SQLite makes a database durable, not a row: one sync can carry any number of publishes. One thread owns the connection
that writes. It takes the lock between processes first and the waiting jobs second, so that whatever queues up meanwhile
goes along. Each job runs in a savepoint of its own and has a verdict of its own; nobody hears one before the commit
that covers them all is durable (design, law 4).

A thread of its own, rather than the first caller leading the rest, because flock has no timeout: a caller can leave the
queue in time, a thread inside flock cannot.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeAlias, TypeVar

from packengine.storage.ports import CatalogBusy, StorageError
from packengine.storage.sqlite._connections import open_writer
from packengine.storage.sqlite._errors import storage_error
from packengine.storage.sqlite._write_lock import WriteLock

T = TypeVar("T")
Job: TypeAlias = Callable[[sqlite3.Connection], T]

MAX_GROUP_JOBS = 256
"""Bounds what one commit holds in memory, and how long the other processes wait."""


@dataclass(frozen=True, slots=True)
class WriteStats:
    """What a writer did since it was opened."""

    groups: int = 0
    """Transactions; each costs one sync, or none if no job in it wrote."""

    jobs: int = 0
    largest_group: int = 0
    lock_wait_s: float = 0.0
    """Time spent waiting for other processes."""


@dataclass(slots=True)
class _Ticket:
    """A job in the queue, and later its verdict, which is told when the commit is durable."""

    job: Job[Any]
    future: Future[Any] = field(default_factory=Future)
    result: Any = None
    error: Exception | None = None

    def withdraw(self) -> bool:
        """Leave the queue. False if the job has begun: then there will be a verdict."""
        if not self.future.cancel():
            return False
        self.job = _nothing  # the ticket stays in line; what the job holds need not
        return True

    def tell(self) -> None:
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class GroupWriter:
    """The only writer of a process. Thread-safe. Open it after forking, never before."""

    def __init__(self, path: Path, *, wait_s: float) -> None:
        self._path = path
        self._wait_s = wait_s
        self._lock = _open_lock(path)
        self._connection: sqlite3.Connection | None = None
        self._queue: SimpleQueue[_Ticket | None] = SimpleQueue()
        self._closing = Lock()
        self._closed = False
        self._stats = WriteStats()
        self._thread = Thread(target=self._main, name=f"writer of {path}", daemon=True)
        self._thread.start()
        try:
            self.probe()  # creates the file, or finds out that it cannot be used
        except BaseException:
            self.close()
            raise

    @property
    def stats(self) -> WriteStats:
        """As of the last commit."""
        return self._stats

    def run(self, job: Job[T]) -> T:
        """Run the job in a transaction and return its result when that is durable.

        Raises what the job raised, and then nothing of it was stored; CatalogBusy if the job's turn did not come in
        time, and then it never comes; StorageError if the transaction failed.
        """
        ticket = self._enqueue(job)
        future: Future[T] = ticket.future
        try:
            return future.result(self._wait_s)
        except TimeoutError:
            if ticket.withdraw():
                raise CatalogBusy(f"{self._path}: the writer was not free within {self._wait_s} s") from None
            return future.result()

    def probe(self) -> None:
        """Take and give back the writer. Raises CatalogBusy, StorageError."""
        self.run(_nothing)

    def close(self) -> None:
        """Commit what is queued, then stop. Idempotent."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join(self._wait_s)

    def _enqueue(self, job: Job[Any]) -> _Ticket:
        ticket = _Ticket(job)
        with self._closing:
            if self._closed:
                raise StorageError(f"{self._path}: the catalog is closed")
            self._queue.put(ticket)
        return ticket

    def _main(self) -> None:
        while (first := self._queue.get()) is not None:
            for ticket in self._commit_next(first):
                ticket.tell()
        self._disconnect()
        self._lock.close()

    def _commit_next(self, first: _Ticket) -> list[_Ticket]:
        """Commit one group; returns it with its verdicts. Whatever goes wrong is a verdict too: the thread lives on."""
        asked_s = time.monotonic()
        group: list[_Ticket] = []
        try:
            with self._lock:
                waited_s = time.monotonic() - asked_s
                group = self._take(first)
                if group:
                    self._commit(group)
        except OSError as error:
            group = group or self._take(first)
            self._fail(group, error)
        else:
            self._count(group, waited_s)
        return group

    def _take(self, first: _Ticket) -> list[_Ticket]:
        """Everything that waits, up to the limit, without what was withdrawn. The end mark goes back to the end."""
        group: list[_Ticket] = []
        ticket: _Ticket | None = first
        while ticket is not None:
            if ticket.future.set_running_or_notify_cancel():
                group.append(ticket)
            if len(group) == MAX_GROUP_JOBS:
                return group
            try:
                ticket = self._queue.get_nowait()
            except Empty:
                return group
        self._queue.put(None)
        return group

    def _commit(self, group: list[_Ticket]) -> None:
        try:
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
            for ticket in group:
                self._attempt(connection, ticket)
            connection.execute("COMMIT")
        except (sqlite3.Error, StorageError) as error:
            self._fail(group, error)
            self._disconnect()  # rolls back; and a fresh connection trusts nothing that this one remembers

    def _attempt(self, connection: sqlite3.Connection, ticket: _Ticket) -> None:
        connection.execute("SAVEPOINT job")
        try:
            ticket.result = ticket.job(connection)
        except sqlite3.Error as error:
            if not connection.in_transaction:
                raise  # SQLite gave the whole transaction up: a full disk, an I/O error
            ticket.error = storage_error(error, self._path)
        except Exception as error:  # noqa: BLE001 - the caller's, who gets it
            ticket.error = error
        if ticket.error is not None:
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")

    def _fail(self, group: list[_Ticket], error: sqlite3.Error | OSError | StorageError) -> None:
        """Give everybody an error of their own: a traceback belongs to one thread."""
        for ticket in group:
            if isinstance(error, StorageError):
                ticket.error = type(error)(*error.args)
            else:
                ticket.error = storage_error(error, self._path)

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = open_writer(self._path)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _count(self, group: list[_Ticket], waited_s: float) -> None:
        stats = self._stats
        self._stats = replace(
            stats,
            groups=stats.groups + bool(group),
            jobs=stats.jobs + len(group),
            largest_group=max(stats.largest_group, len(group)),
            lock_wait_s=stats.lock_wait_s + waited_s,
        )


def _open_lock(path: Path) -> WriteLock:
    try:
        return WriteLock(path)
    except OSError as error:
        raise storage_error(error, path) from error


def _nothing(_: sqlite3.Connection) -> None:
    """The job that needs the writer and writes nothing."""
