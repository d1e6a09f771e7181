"""A worker's memory does not grow with what goes through it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.gauges import anonymous_rss_bytes, peak_rss_bytes, reset_peak_rss
from tests.support.git import git
from tests.support.http_servers import UPLOAD_PACK, Repository, new_repository, one_worker
from tests.support.repositories import commit_file
from tests.support.wire_client import fetch_request

MIB = 1 << 20
FILES, FILE_BYTES = 8, 8 * MIB
GROWTH_LIMIT_BYTES = 32 * MIB


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    """On a server whose one worker has pushed and cloned something small."""
    folder = tmp_path_factory.mktemp("served")
    with one_worker(folder / "data") as server:
        warm = new_repository(server)
        git("init", "--quiet", "-b", "main", folder / "small")
        commit_file(folder / "small", "file", b"content\n")
        git("push", "--quiet", warm.remote, "main", cwd=folder / "small")
        git("clone", "--quiet", warm.remote, folder / "clone")
        yield new_repository(server)


def test_a_push_and_a_clone_take_a_fraction_of_their_size(repository: Repository, tmp_path: Path) -> None:
    (worker,) = repository.server.worker_pids()
    work = make_work(tmp_path / "work")
    reset_peak_rss(worker)
    before = peak_rss_bytes(worker)
    git("push", "--quiet", repository.remote, "main", cwd=work)
    assert peak_rss_bytes(worker) - before < GROWTH_LIMIT_BYTES

    before = anonymous_rss_bytes(worker)  # the stored pack is mapped, and the kernel's to take away
    held = [anonymous_rss_bytes(worker) for _ in pieces_of_clone(repository, work)]
    assert len(held) > FILES
    assert max(held) - before < GROWTH_LIMIT_BYTES


def test_a_large_file_is_sent_in_pieces_alone_and_in_archives(repository: Repository, tmp_path: Path) -> None:
    (worker,) = repository.server.worker_pids()
    made = new_repository(repository.server)
    work = make_work(tmp_path / "work", files=1, file_bytes=FILES * FILE_BYTES)
    git("push", "--quiet", made.remote, "main", cwd=work)
    for read in ("blob?path=noise-0", "archive/main.tar.gz", "archive/main.zip"):
        before = anonymous_rss_bytes(worker)
        held = [anonymous_rss_bytes(worker) for _ in pieces_of_read(made, read)]
        assert len(held) >= FILES, read
        assert max(held) - before < GROWTH_LIMIT_BYTES, read


def make_work(path: Path, *, files: int = FILES, file_bytes: int = FILE_BYTES) -> Path:
    noise = random.Random(1)
    git("init", "--quiet", "-b", "main", path)
    git("config", "core.compression", "0", cwd=path)
    for number in range(files):
        (path / f"noise-{number}").write_bytes(noise.randbytes(file_bytes))
    git("add", ".", cwd=path)
    git("commit", "--quiet", "-m", "Noise", cwd=path)
    return path


def pieces_of_clone(repository: Repository, work: Path) -> Iterator[bytes]:
    body = fetch_request([bytes.fromhex(git("rev-parse", "main", cwd=work).decode())])
    url = f"{repository.server.url}{repository.path}/{UPLOAD_PACK}"
    with httpx.stream("POST", url, content=body, headers=repository.call_headers(UPLOAD_PACK), timeout=60) as answer:
        yield from answer.iter_raw(2 * MIB)


def pieces_of_read(repository: Repository, read: str) -> Iterator[bytes]:
    url = f"{repository.server.url}/v1/repos/{repository.id}/{read}"
    headers = {"Authorization": f"Bearer {repository.server.admin_token}"}
    with httpx.stream("GET", url, headers=headers, timeout=60) as answer:
        assert answer.status_code == 200
        yield from answer.iter_raw(2 * MIB)
