"""Group commit: the writes that come while a transaction is being made durable share the next one.

SQLite makes a database durable, not a row: one sync can carry any number of publishes. Whoever leads takes the lock
between processes first and the waiting jobs second, so that whatever queues up meanwhile goes along. Each job runs in a
savepoint of its own and has a verdict of its own; nobody hears one before the commit that covers them all is durable
(design, law 4).

A caller that finds nobody leading, and the lock free, leads one group itself: to hand a job to another thread and to
wait for it costs as much as the transaction. Everything else is led by a thread of the writer's own, since flock has no
timeout: a caller can leave the queue in time, a thread inside flock cannot.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
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
        self._leading = Lock()
        """Whoever leads has the connection, and takes from the queue."""

        self._connection: sqlite3.Connection | None = None
        self._queue: SimpleQueue[_Ticket] = SimpleQueue()
        self._calls: SimpleQueue[bool] = SimpleQueue()
        """What the writer's own thread waits for: that it is needed (True), or the end."""

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
        self._lead_at_once()
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
                self._calls.put(False)
        self._thread.join(self._wait_s)

    def _enqueue(self, job: Job[Any]) -> _Ticket:
        ticket = _Ticket(job)
        with self._closing:
            if self._closed:
                raise StorageError(f"{self._path}: the catalog is closed")
            self._queue.put(ticket)
        return ticket

    def _lead_at_once(self) -> None:
        """Commit what waits in this thread, if nothing is to be waited for; what is left is the writer's own to lead.

        Who leads looks at the queue once more after it has stopped. So a ticket that is put there while somebody leads
        is seen, by them or by whoever leads next.
        """
        if self._leading.acquire(blocking=False):
            try:
                if self._lock.acquire_at_once():
                    self._commit_next(0.0)
            finally:
                self._leading.release()
            if not self._queue.empty():
                self._calls.put(True)

    def _main(self) -> None:
        while self._calls.get():
            self._lead()
        self._lead()
        with self._leading:
            self._disconnect()
            self._lock.close()

    def _lead(self) -> None:
        """Commit group after group until nothing waits."""
        while not self._queue.empty():
            with self._leading:
                asked_s = time.monotonic()
                try:
                    self._lock.acquire()
                except OSError as error:
                    self._refuse(error)
                else:
                    self._commit_next(time.monotonic() - asked_s)

    def _commit_next(self, waited_s: float) -> None:
        """Commit one group and give the lock back. Whatever goes wrong is a verdict too: who leads lives on."""
        group = self._take()
        try:
            if group:
                self._commit(group)
        finally:
            self._lock.release()
            self._count(group, waited_s)
            for ticket in group:
                ticket.tell()

    def _refuse(self, error: OSError) -> None:
        group = self._take()
        self._fail(group, error)
        for ticket in group:
            ticket.tell()

    def _take(self) -> list[_Ticket]:
        """Everything that waits, up to the limit, without what was withdrawn."""
        group: list[_Ticket] = []
        while len(group) < MAX_GROUP_JOBS:
            try:
                ticket = self._queue.get_nowait()
            except Empty:
                break
            if ticket.future.set_running_or_notify_cancel():
                group.append(ticket)
        return group

    def _commit(self, group: list[_Ticket]) -> None:
        try:
            connection = self._connect()
            connection.execute("BEGIN IMMEDIATE")
            if len(group) == 1:  # the transaction is its savepoint
                self._attempt(connection, group[0])
                connection.execute("COMMIT" if group[0].error is None else "ROLLBACK")
            else:
                for ticket in group:
                    self._attempt_apart(connection, ticket)
                connection.execute("COMMIT")
        except (sqlite3.Error, StorageError) as error:
            self._fail(group, error)
            self._disconnect()  # rolls back; and a fresh connection trusts nothing that this one remembers
        except BaseException:  # Ctrl-C in a caller that leads; the others must not wait for ever
            self._fail(group, StorageError(f"{self._path}: the transaction was interrupted"))
            self._disconnect()
            raise

    def _attempt_apart(self, connection: sqlite3.Connection, ticket: _Ticket) -> None:
        connection.execute("SAVEPOINT job")
        self._attempt(connection, ticket)
        if ticket.error is not None:
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")

    def _attempt(self, connection: sqlite3.Connection, ticket: _Ticket) -> None:
        try:
            ticket.result = ticket.job(connection)
        except sqlite3.Error as error:
            if not connection.in_transaction:
                raise  # SQLite gave the whole transaction up: a full disk, an I/O error
            ticket.error = storage_error(error, self._path)
        except Exception as error:  # noqa: BLE001 - the caller's, who gets it
            ticket.error = error

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
        self._stats = WriteStats(
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
