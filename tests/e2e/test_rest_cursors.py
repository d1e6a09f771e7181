"""Cursors that somebody made up, or changed: refused, or as good as any; never more than the refs reach."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from tests.support.browsing import make_browsed, revision, take_over
from tests.support.rest import RestClient, rest_client

ROUTES = [
    "tree?limit=3",
    "commits?limit=1",
    "commits?limit=1&path=src",
    "diff?limit=2&commit={}",
    "compare/main~2...main?limit=1",
]
CHANGES = 60


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_browsed(tmp_path_factory.mktemp("browsed") / "browsed.git")


@pytest.fixture
async def rest(tmp_path: Path, repository: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        take_over(client.engine, repository, "browsed")
        yield client


def changed(cursor: str, random: Random) -> str:
    """Another byte, one less or one more, behind the part that tells the list."""
    data = bytearray(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    at = random.randrange(6, len(data))
    match random.randrange(3):
        case 0:
            data[at] = random.randrange(256)
        case 1:
            del data[at]
        case _:
            data.insert(at, random.randrange(256))
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize("route", ROUTES)
async def test_changed_cursor_is_refused_or_leads_somewhere(rest: RestClient, repository: Path, route: str) -> None:
    url, random = f"/v1/repos/browsed/{route.format(revision(repository, 'main~2'))}", Random(1)
    cursor = (await rest.call("GET", url)).headers["X-Next-Cursor"]
    statuses = set()
    for _ in range(CHANGES):
        answer = await rest.call("GET", f"{url}&cursor={changed(cursor, random)}")
        assert answer.status_code in {200, 400}, answer.text
        statuses.add(answer.status_code)
    assert 400 in statuses


async def test_list_whose_state_is_gone_begins_anew(rest: RestClient, repository: Path) -> None:
    """After a force push that leaves only the first commit."""
    urls = ["tree?limit=3", "commits?limit=1"]
    cursors = [(await rest.call("GET", f"/v1/repos/browsed/{url}")).headers["X-Next-Cursor"] for url in urls]
    root = revision(repository, "main~2")
    refs = (await rest.call("GET", "/v1/repos/browsed/refs")).json()
    for ref in refs:
        body = {"sha": root, "expected": ref["sha"]}
        assert (await rest.call("PUT", f"/v1/repos/browsed/{ref['name']}", body)).status_code == 200
    for url, cursor in zip(urls, cursors, strict=True):
        answer = await rest.call("GET", f"/v1/repos/browsed/{url}&cursor={cursor}")
        assert (answer.status_code, "begin anew" in answer.text) == (400, True), answer.text
