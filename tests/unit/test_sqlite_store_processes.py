"""Processes that share a catalog: they race, and they are killed in the middle."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from packengine.storage import SqliteCatalog
from packengine.storage.ports import Committed, RowKind
from packengine.storage.sqlite._content import KIND_NUMBERS
from tests.support.catalogs import create, manifest, publish
from tests.support.child import child_command

PROCESSES, THREADS, PUBLISHES = 4, 8, 10
STATEMENTS_OF_TWO_PUBLISHES = 18


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.db"


def assert_sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_racing_threads_and_processes_make_one_chain_and_lose_no_update(path: Path) -> None:
    with closing(SqliteCatalog(path)) as catalog:
        create(catalog, "shared")
        command = child_command("tests.support.racing_publishers", path)
        racers = [
            subprocess.Popen([*command, f"process-{number}", str(THREADS), str(PUBLISHES)])
            for number in range(PROCESSES)
        ]
        assert [racer.wait() for racer in racers] == [0] * PROCESSES

        everybody = {f"process-{process}-{thread}" for process in range(PROCESSES) for thread in range(THREADS)}
        assert catalog.pointer("shared").version == 1 + len(everybody) * PUBLISHES
        assert sorted(chain(catalog)) == sorted(f"{who} {number}" for who in everybody for number in range(PUBLISHES))
        assert {catalog.pointer(who).version for who in everybody} == {1 + PUBLISHES}
    assert_sound(path)


def test_processes_that_ask_first_at_once_hear_one_secret(path: Path) -> None:
    SqliteCatalog(path).close()
    racers = [
        subprocess.Popen(child_command("tests.support.secret_askers", path, THREADS), stdout=subprocess.PIPE)
        for _ in range(PROCESSES)
    ]
    heard = [line for racer in racers for line in racer.communicate()[0].split()]
    assert len(heard) == PROCESSES * THREADS
    with closing(SqliteCatalog(path)) as catalog:
        assert set(heard) == {catalog.secret().hex().encode()}


def chain(catalog: SqliteCatalog) -> list[str]:
    """Who made each state of `shared`, from the newest to the oldest, by the parents that the manifests name."""
    makers = []
    digest = catalog.pointer("shared").manifest
    while digest != manifest("shared").digest:
        parent, _, maker = catalog.row(RowKind.MANIFEST, digest).decode().partition(" ")
        makers.append(maker)
        digest = bytes.fromhex(parent)
    return makers


@pytest.mark.parametrize("step", range(STATEMENTS_OF_TWO_PUBLISHES))
def test_a_process_killed_at_any_statement_leaves_the_last_committed_state(path: Path, step: int) -> None:
    with closing(SqliteCatalog(path)) as catalog:
        create(catalog, "demo")
    told = versions_told_before_death(path, step)

    with closing(SqliteCatalog(path, wait_s=5)) as catalog:  # the dead one's locks are free
        found = catalog.pointer("demo")
        committed = found.version - 1
        assert committed in (len(told), len(told) + 1)
        assert told == list(range(2, 2 + len(told)))
        state = f"state {committed - 1}" if committed else "demo"
        assert catalog.row(RowKind.MANIFEST, found.manifest) == manifest(state).data
        assert count_packs(path) == committed
        assert isinstance(publish(catalog, "demo", found, "after"), Committed)
    assert_sound(path)


def test_the_kill_points_reach_into_a_second_publish(path: Path) -> None:
    with closing(SqliteCatalog(path)) as catalog:
        create(catalog, "demo")
    assert versions_told_before_death(path, STATEMENTS_OF_TWO_PUBLISHES - 1) == [2, 3]


def versions_told_before_death(path: Path, step: int) -> list[int]:
    command = child_command("tests.support.killed_publisher", path, step)
    child = subprocess.run(command, check=False, stdout=subprocess.PIPE)
    assert child.returncode == -signal.SIGKILL
    return [int(version) for version in child.stdout.split()]


def count_packs(path: Path) -> int:
    query = "SELECT count(*) FROM content WHERE kind = ?"
    with closing(sqlite3.connect(path)) as connection:
        count: int = connection.execute(query, (KIND_NUMBERS[RowKind.PACK],)).fetchone()[0]
        return count
