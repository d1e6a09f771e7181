"""One request with 20,000 wants and 20,000 haves: what a mirror sends that was away for long."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import legacy_client
from tests.support.bushy_repository import BushyRepository, make_bushy_repository
from tests.support.gauges import peak_rss_bytes, reset_peak_rss
from tests.support.git import git
from tests.support.http_servers import UPLOAD_PACK, Repository, one_worker
from tests.support.wire_client import decode, fetch_request, parse_fetch_answer

SIZE = 20_000
MIB = 1 << 20
GROWTH_LIMIT_BYTES = 64 * MIB
REPOSITORY_ID = "bushy"


@pytest.fixture(scope="module")
def bushy(tmp_path_factory: pytest.TempPathFactory) -> BushyRepository:
    return make_bushy_repository(tmp_path_factory.mktemp("bushy") / "bushy.git", SIZE)


@pytest.fixture(scope="module")
def repository(bushy: BushyRepository, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """Imported, on a server with one worker that has served nothing yet."""
    data_dir = tmp_path_factory.mktemp("served") / "data"
    command = [sys.executable, "-P", "-m", "server.cli", "import", str(bushy.path), "--id", REPOSITORY_ID]
    subprocess.run([*command, "--data-dir", str(data_dir), "--json"], check=True, capture_output=True)
    with one_worker(data_dir) as server:
        status, minted = server.rest("POST", f"/v1/repos/{REPOSITORY_ID}/tokens", {"scope": "read"})
        assert status == 200
        yield Repository(server, REPOSITORY_ID, minted["token"], minted["remote"])


def ask(repository: Repository, body: bytes, version: int) -> bytes:
    """The whole answer; the worker's memory may not have grown by more than the limit at any moment."""
    (worker,) = repository.server.worker_pids()
    headers = repository.call_headers(UPLOAD_PACK, **{"Content-Encoding": "gzip"})
    headers["Git-Protocol"] = f"version={version}"
    reset_peak_rss(worker)
    before = peak_rss_bytes(worker)
    url = f"{repository.server.url}{repository.path}/{UPLOAD_PACK}"
    answer = httpx.post(url, content=gzip.compress(body), headers=headers, timeout=120)
    assert answer.status_code == 200
    assert peak_rss_bytes(worker) - before <= GROWTH_LIMIT_BYTES
    return answer.content


@pytest.mark.parametrize("version", [2, 0])
def test_20000_wants_and_20000_haves_are_answered_in_bounded_memory(
    repository: Repository, bushy: BushyRepository, tmp_path: Path, version: int
) -> None:
    if version == 2:
        answer = parse_fetch_answer(ask(repository, fetch_request(bushy.twigs, bushy.trunk), version))
        pack = answer.pack or b""
    else:
        body = ask(repository, legacy_client.request(bushy.twigs, bushy.trunk), version)
        pack = b"".join(packet[1:] for packet in decode(body) if isinstance(packet, bytes) and packet[:1] == b"\x01")
    assert set(received(bushy, pack, tmp_path)) == set(missing(bushy))


def received(bushy: BushyRepository, pack: bytes, scratch: Path) -> list[str]:
    """The ids of what came, as a client finds them that has the trunk."""
    client = scratch / "client.git"
    git("init", "--quiet", "--bare", client)
    git("fetch", "--quiet", bushy.path, "main", cwd=client)
    git("index-pack", "--stdin", "--fix-thin", "--strict", cwd=client, stdin=pack)
    listed = git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", cwd=client).decode().split()
    had = git("rev-list", "--objects", "--no-object-names", "FETCH_HEAD", cwd=client).decode().split()
    return sorted(set(listed) - set(had))


def missing(bushy: BushyRepository) -> list[str]:
    """What Git says that such a client lacks."""
    command = ("rev-list", "--objects", "--no-object-names", "--branches=twig/*", "--not", "main")
    return git(*command, cwd=bushy.path).decode().split()
