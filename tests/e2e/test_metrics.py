"""GET /metrics: what all workers counted, whichever is asked."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.gauges import settles
from tests.support.git import git
from tests.support.repositories import mirror_clone
from tests.support.server import RunningServer

REQUESTS = 24
PACKS = "artifacts_pack_cache_answers_total"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with RunningServer(tmp_path / "data") as running:
        yield running


def scrape(server: RunningServer) -> dict[tuple[str, ...], float]:
    """Name, then labels by name, and the value."""
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:  # noqa: S310  # our own URL
        assert answer.headers["Content-Type"].startswith("text/plain")
        text = answer.read().decode()
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def healthy(server: RunningServer) -> float:
    return scrape(server).get(("artifacts_requests_total", "GET", "/v1/health", "200"), 0.0)


def test_every_worker_tells_what_all_of_them_counted(server: RunningServer) -> None:
    assert len(server.worker_pids()) == 2
    for _ in range(REQUESTS):
        assert server.rest("GET", "/v1/health")[0] == 200
    assert settles(lambda: healthy(server) == REQUESTS)
    assert [healthy(server) for _ in range(8)] == [REQUESTS] * 8
    assert scrape(server)["artifacts_request_duration_seconds_count", "GET", "/v1/health"] == REQUESTS


def test_what_a_dead_worker_counted_still_counts(server: RunningServer) -> None:
    for _ in range(REQUESTS):
        server.rest("GET", "/v1/health")
    assert settles(lambda: healthy(server) == REQUESTS)
    dead, other = server.worker_pids()
    os.kill(dead, signal.SIGKILL)
    assert settles(lambda: len(pids := server.worker_pids()) == 2 and dead not in pids)
    server.rest("GET", "/v1/health")
    assert settles(lambda: healthy(server) == REQUESTS + 1)
    assert other in server.worker_pids()


def test_packs_are_counted_by_where_they_came_from(server: RunningServer, medium_repo: Path, tmp_path: Path) -> None:
    remote = server.create_repository()["remote"]
    git("push", "--quiet", "--mirror", remote, cwd=medium_repo)
    mirror_clone(remote, tmp_path / "whole")
    for number in range(3):
        git("clone", "--quiet", "--bare", "--depth=1", remote, tmp_path / f"shallow-{number}")

    def uses() -> dict[str, float]:
        return {key[1]: count for key, count in scrape(server).items() if key[0] == PACKS}

    assert settles(lambda: uses() == {"whole": 1, "miss": 1, "hit": 2})
    sent = scrape(server)["artifacts_sent_bytes_total", "/git/:id/git-upload-pack"]
    assert sent > (tmp_path / "whole").stat().st_size


def test_strangers_cannot_make_labels(server: RunningServer) -> None:
    for method, path in (("BREW", "/v1/health"), ("GET", "/no/such/path"), ("GET", "/git/some-repository/info/refs")):
        request = urllib.request.Request(server.url + path, method=method)  # noqa: S310  # our own URL
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request)  # noqa: S310
    assert settles(lambda: sum(1 for key in scrape(server) if key[0] == "artifacts_requests_total") >= 3)
    labels = {label for key in scrape(server) for label in key[1:]}
    assert "other" in labels
    assert not labels & {"BREW", "/no/such/path", "some-repository"}


def test_nothing_of_it_stays_behind(tmp_path: Path) -> None:
    folders = tmp_path / "tmp"
    folders.mkdir()
    with RunningServer(tmp_path / "data", environment={"TMPDIR": str(folders)}) as server:
        server.rest("GET", "/v1/health")
        assert len(list(folders.glob("packhouse-metrics-*"))) == 1
    assert list(folders.iterdir()) == []
