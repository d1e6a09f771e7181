"""Group commit: who shares a transaction, who hears what and when, and who waits for whom."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from packengine.storage import SqliteCatalog
from packengine.storage.ports import CatalogBusy, Committed, RepositoryMissing, StorageError, Superseded
from packengine.storage.sqlite._write_lock import WriteLock
from tests.support.catalogs import create, manifest, publish


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


@pytest.fixture
def catalog(path: Path) -> Iterator[SqliteCatalog]:
    with closing(SqliteCatalog(path)) as catalog:
        yield catalog


@contextmanager
def writer_held(catalog: SqliteCatalog, pool: ThreadPoolExecutor) -> Iterator[None]:
    """For the body, the writer is inside a transaction."""
    entered, leave = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        entered.set()
        leave.wait()

    held = pool.submit(catalog._writer.run, hold)
    entered.wait()
    try:
        yield
    finally:
        leave.set()
        held.result()


def queue_all(catalog: SqliteCatalog, pool: ThreadPoolExecutor, *calls: Callable[[], object]) -> list[Future[object]]:
    """Start each call in a thread of its own, one after the other, and return when all stand in the queue."""
    futures = []
    for count, call in enumerate(calls, start=1):
        futures.append(pool.submit(call))
        while catalog._writer._queue.qsize() < count:
            os.sched_yield()
    return futures


def test_writes_that_come_during_a_commit_share_the_next(catalog: SqliteCatalog) -> None:
    ids = [f"repo-{number}" for number in range(8)]
    for repository_id in ids:
        create(catalog, repository_id)
    before = catalog.stats()

    with ThreadPoolExecutor(9) as pool:
        with writer_held(catalog, pool):
            calls = [lambda each=each: publish(catalog, each, catalog.pointer(each), "next") for each in ids]
            futures = queue_all(catalog, pool, *calls)
        assert all(isinstance(future.result(), Committed) for future in futures)

    assert catalog.stats().groups == before.groups + 2
    assert catalog.stats().jobs == before.jobs + 9
    assert catalog.stats().largest_group == 8


def test_each_of_a_group_has_its_own_verdict(catalog: SqliteCatalog) -> None:
    create(catalog, "demo")
    create(catalog, "other")
    current = catalog.pointer("demo")

    with ThreadPoolExecutor(5) as pool:
        with writer_held(catalog, pool):
            winner, loser, missing, other = queue_all(
                catalog,
                pool,
                lambda: publish(catalog, "demo", current, "winner"),
                lambda: publish(catalog, "demo", current, "loser"),
                lambda: publish(catalog, "none", current, "lost"),
                lambda: publish(catalog, "other", catalog.pointer("other"), "next"),
            )

        won = winner.result()
        moved = catalog.pointer("demo")
        assert won == Committed("demo", moved)
        assert moved.manifest == manifest("winner").digest
        assert loser.result() == Superseded("demo", moved)
        assert isinstance(missing.exception(), RepositoryMissing)
        assert isinstance(other.result(), Committed)
    assert catalog.stats().largest_group == 4


def test_a_failing_write_takes_back_what_it_wrote_and_nothing_else(catalog: SqliteCatalog) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO owner (name) VALUES ('half done')")
        raise ZeroDivisionError

    with ThreadPoolExecutor(4) as pool:
        with writer_held(catalog, pool):
            before, failing, after = queue_all(
                catalog,
                pool,
                lambda: create(catalog, "before", owner="alice"),
                lambda: catalog._writer.run(fail),
                lambda: create(catalog, "after", owner="bob"),
            )
        assert isinstance(failing.exception(), ZeroDivisionError)
        assert (before.result(), after.result()) == (None, None)

    owners = catalog._writer.run(lambda connection: connection.execute("SELECT name FROM owner").fetchall())
    assert sorted(owners) == [("alice",), ("bob",)]


def test_when_a_transaction_fails_all_its_writes_fail_and_the_next_one_works(catalog: SqliteCatalog) -> None:
    create(catalog, "demo")
    current = catalog.pointer("demo")

    def fill_the_disk(connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")  # what SQLite does by itself then
        raise sqlite3.OperationalError("database or disk is full")

    with ThreadPoolExecutor(4) as pool:
        with writer_held(catalog, pool):
            futures = queue_all(
                catalog,
                pool,
                lambda: publish(catalog, "demo", current, "next"),
                lambda: catalog._writer.run(fill_the_disk),
                lambda: create(catalog, "other"),
            )
        for future in futures:
            error = future.exception()
            assert isinstance(error, StorageError)
            assert "disk is full" in str(error)

    assert catalog.pointer("demo") == current
    assert catalog.repository("other") is None
    assert isinstance(publish(catalog, "demo", current, "next"), Committed)


def test_a_full_disk_refuses_a_write_and_keeps_what_was(catalog: SqliteCatalog) -> None:
    create(catalog, "demo")
    current = catalog.pointer("demo")
    catalog._writer.run(lambda connection: connection.execute("PRAGMA max_page_count = 1").fetchone())

    with pytest.raises(StorageError, match="full"):
        publish(catalog, "demo", current, "x" * 100_000)

    assert catalog.pointer("demo") == current
    catalog._writer.run(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchone())
    assert isinstance(publish(catalog, "demo", current, "x" * 100_000), Committed)


def test_no_verdict_before_the_commit(catalog: SqliteCatalog) -> None:
    create(catalog, "demo")
    current = catalog.pointer("demo")
    entered, leave = threading.Event(), threading.Event()

    def linger(_: sqlite3.Connection) -> None:
        entered.set()
        leave.wait()

    with ThreadPoolExecutor(3) as pool:
        with writer_held(catalog, pool):
            published, _ = queue_all(
                catalog,
                pool,
                lambda: publish(catalog, "demo", current, "next"),
                lambda: catalog._writer.run(linger),
            )
        entered.wait()
        told_early, seen_early = published.done(), catalog.pointer("demo")
        leave.set()
        verdict = published.result()

    assert (told_early, seen_early) == (False, current)
    assert verdict == Committed("demo", catalog.pointer("demo"))


def test_a_lone_write_is_made_by_its_caller_and_wakes_nobody(catalog: SqliteCatalog) -> None:
    assert catalog._writer.run(lambda _: threading.current_thread()) is threading.current_thread()
    assert not catalog._writer._calls.qsize()


def test_a_caller_that_would_have_to_wait_leaves_its_write_to_the_writer(catalog: SqliteCatalog, path: Path) -> None:
    with closing(WriteLock(path)) as elsewhere, ThreadPoolExecutor(1) as pool:
        with elsewhere:
            (written,) = queue_all(catalog, pool, lambda: catalog._writer.run(lambda _: threading.current_thread()))
            while is_free(path, "turn"):
                os.sched_yield()
        assert written.result() is catalog._writer._thread


def test_who_is_interrupted_while_leading_leaves_nobody_waiting(catalog: SqliteCatalog) -> None:
    def interrupt(_: sqlite3.Connection) -> None:
        raise KeyboardInterrupt

    queued = catalog._writer._enqueue(lambda connection: connection.execute("INSERT INTO owner (name) VALUES ('bob')"))
    with pytest.raises(KeyboardInterrupt):
        catalog._writer.run(interrupt)
    assert "interrupted" in str(queued.future.exception())
    create(catalog, "demo", owner="alice")
    owners = catalog._writer.run(lambda connection: connection.execute("SELECT name FROM owner").fetchall())
    assert owners == [("alice",)]


def test_reads_do_not_wait_for_the_writer(catalog: SqliteCatalog) -> None:
    create(catalog, "demo")
    with ThreadPoolExecutor(1) as pool, writer_held(catalog, pool):
        assert catalog.pointer("demo").version == 1
        assert catalog.repositories(limit=10)[1] == 1


def test_a_write_whose_turn_does_not_come_is_refused_and_never_made(path: Path) -> None:
    with closing(SqliteCatalog(path, wait_s=0.05)) as catalog, closing(WriteLock(path)) as elsewhere:
        create(catalog, "demo")
        current = catalog.pointer("demo")
        with elsewhere:
            with pytest.raises(CatalogBusy, match=r"catalog\.db.*0\.05 s"):
                publish(catalog, "demo", current, "late")
            with pytest.raises(CatalogBusy):
                catalog.probe_write()
            assert catalog.pointer("demo") == current
        assert publish(catalog, "demo", current, "next") == Committed("demo", catalog.pointer("demo"))
        assert not catalog._writer._queue.qsize()


def test_a_catalog_whose_writer_is_held_cannot_be_opened_in_time(path: Path) -> None:
    with closing(WriteLock(path)) as elsewhere, elsewhere, pytest.raises(CatalogBusy):
        SqliteCatalog(path, wait_s=0.05)


def test_a_stranger_that_locks_the_database_makes_writes_busy(catalog: SqliteCatalog, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogBusy, match="locked"):
            catalog.probe_write()
        stranger.execute("ROLLBACK")
    catalog.probe_write()


def test_a_closed_catalog_says_so(path: Path) -> None:
    catalog = SqliteCatalog(path)
    catalog.close()
    catalog.close()
    with pytest.raises(StorageError, match="closed"):
        catalog.probe_write()
    with pytest.raises(StorageError, match="closed"):
        catalog.repository("demo")


def test_closing_commits_what_is_queued(path: Path) -> None:
    catalog = SqliteCatalog(path)
    with ThreadPoolExecutor(3) as pool:
        with writer_held(catalog, pool):
            queue_all(catalog, pool, lambda: create(catalog, "demo"))
            closed = pool.submit(catalog.close)
        closed.result()
    with closing(SqliteCatalog(path)) as again:
        assert again.pointer("demo").version == 1


def is_free(path: Path, name: str) -> bool:
    """Whether nobody holds a lock file: asks the kernel's list of locks, for trying would disturb the queue."""
    inode = path.with_name(f"{path.name}-{name}").stat().st_ino
    return not any(f":{inode} " in line for line in Path("/proc/locks").read_text().splitlines() if "->" not in line)


def test_who_gives_the_lock_back_lets_the_waiting_one_go_first(path: Path) -> None:
    """SQLite's own lock fails here: who has just left is the first to come again."""
    order: list[str] = []
    with closing(WriteLock(path)) as busy, closing(WriteLock(path)) as patient, ThreadPoolExecutor(1) as pool:

        def take() -> None:
            with patient:
                order.append("patient")

        with busy:
            order.append("busy")
            waiting = pool.submit(take)
            while is_free(path, "turn"):
                os.sched_yield()
        with busy:
            order.append("busy again")
        waiting.result()
    assert order == ["busy", "patient", "busy again"]
