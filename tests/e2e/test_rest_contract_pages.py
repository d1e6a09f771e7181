"""How many rows a list has by default, and at most, where the contract says a number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.browsing import take_over
from tests.support.git import git
from tests.support.rest import RestClient, rest_client

COMMITS = 520


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        yield client


async def rows(rest: RestClient, path: str) -> int:
    answer = await rest.call("GET", path)
    assert answer.status_code == 200, answer.text
    return len(answer.json())


async def test_a_page_of_repositories_has_1000_and_at_most_5000(rest: RestClient) -> None:
    await rest.create("source")
    made = await rest.call("POST", "/v1/repos/source/forks", {"count": 5000})
    assert made.status_code == 200
    assert await rows(rest, "/v1/repos") == 1000
    assert await rows(rest, "/v1/repos?limit=5001") == 5000
    assert await rows(rest, "/v1/repos?limit=5001&offset=4999") == 2
    answer = await rest.call("GET", "/v1/repos?limit=0")
    assert (answer.json(), answer.headers["X-Total-Count"]) == ([], "5001")


async def test_a_page_of_commits_has_50_and_at_most_500(rest: RestClient, tmp_path: Path) -> None:
    source = tmp_path / "source.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", source)
    lines = [f"commit refs/heads/main\ncommitter A <a@x> {number} +0000\ndata 0\n" for number in range(COMMITS)]
    git("fast-import", "--quiet", cwd=source, stdin="\n".join(lines).encode())
    take_over(rest.engine, source, "long")
    assert await rows(rest, "/v1/repos/long/commits") == 50
    assert await rows(rest, "/v1/repos/long/commits?limit=501") == 500
    assert await rows(rest, "/v1/repos/long/commits?limit=501&skip=500") == COMMITS - 500
