"""Forks: how fast they are made, and what it costs that each of them is cloned."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.support.crowd import answers_at_once
from benchmarks.support.forks import fork_over_rest
from benchmarks.support.null_client import clone
from benchmarks.support.served import UNDISTURBED, Served, copy_data
from benchmarks.support.sizes import LARGE, at, sizes
from benchmarks.support.versus import Quantities
from tests.support.server import RunningServer

FORKS = 10_000
CONNECTIONS = 32
CLONES = FORKS if LARGE in sizes() else 2_000
"""All of them where there is time."""


@at("8k")
def test_forks(quantities: Quantities, served: Served, tmp_path: Path) -> None:
    """10,000 over REST, each a durable transaction with a token; then clones, each of another fork."""
    with RunningServer(copy_data(served.filled, tmp_path / "data"), arguments=UNDISTURBED) as server:
        start = time.perf_counter()
        remotes = fork_over_rest(server, "repository", FORKS, CONNECTIONS)
        quantities("over REST", "a second", [FORKS / (time.perf_counter() - start)])
        assert len(set(remotes)) == FORKS
        requests = [clone(remote, [served.tip()], depth=1) for remote in remotes[:CLONES]]
        start = time.perf_counter()
        answers_at_once(requests, CONNECTIONS)
        quantities("cloned", "a second", [CLONES / (time.perf_counter() - start)])
    entries = list((tmp_path / "data" / "derived" / "answers").glob("*/??/*"))
    assert entries, "a clone at depth 1 is kept"
    quantities("cache entries", "files", [len(entries)])


@at("8k")
def test_forks_in_one_request(quantities: Quantities, served: Served, tmp_path: Path) -> None:
    """10,000 in one durable transaction, each with its token."""
    with RunningServer(copy_data(served.filled, tmp_path / "data"), arguments=UNDISTURBED) as server:
        start = time.perf_counter()
        status, made = server.rest("POST", "/v1/repos/repository/forks", {"count": FORKS})
        quantities("time", "s", [time.perf_counter() - start])
        assert status == 200, made
        assert len({fork["remote"] for fork in made["forks"]}) == FORKS
