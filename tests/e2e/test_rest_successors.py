"""An id that somebody else has by the time a request reads: access was checked of another repository."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from packengine.repository import Actor
from packengine.storage.ports import RepositoryRecord
from tests.support.rest import RestClient, rest_client

ALICE = {"Authorization": "Bearer user:alice"}
BOBS = Actor(subject="bob", request_id="r")


@pytest.fixture
async def rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RestClient]:
    """Alice's repository becomes Bob's as soon as somebody has looked whose it is."""
    async with rest_client(tmp_path / "data", undelete_days=0) as client:
        await client.call("POST", "/v1/repos", {"id": "whose"}, headers=ALICE)
        catalog = client.engine.catalog
        look = catalog.repository

        def look_once(repository_id: str) -> RepositoryRecord | None:
            found = look(repository_id)
            monkeypatch.setattr(catalog, "repository", look)
            client.engine.delete_repository("whose", BOBS)
            client.engine.create_repository("whose", BOBS, owner="bob")
            return found

        monkeypatch.setattr(catalog, "repository", look_once)
        yield client


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/refs"),
        ("GET", "/tree"),
        ("GET", "/commits"),
        ("GET", "/history"),
        ("DELETE", ""),
        ("DELETE", "?force=true"),
    ],
)
async def test_a_successor_of_the_id_is_neither_told_of_nor_deleted(rest: RestClient, method: str, path: str) -> None:
    answer = await rest.call(method, f"/v1/repos/whose{path}", headers=ALICE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "repo_not_found")
    record = rest.engine.catalog.repository("whose")
    assert record is not None
    assert record.owner == "bob"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"visibility": "public"}),
        ("PUT", "/protection", {"rules": []}),
        ("POST", "/import", {"url": "https://git.example.com/x.git"}),
        ("POST", "/tokens", {"scope": "write"}),
        ("POST", "/tokens/rotate", {}),
        ("POST", "/forks", {}),
    ],
)
async def test_a_successor_of_the_id_is_not_written_to(
    rest: RestClient, method: str, path: str, body: dict[str, object]
) -> None:
    answer = await rest.call(method, f"/v1/repos/whose{path}", body, headers=ALICE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "repo_not_found")
    record = rest.engine.catalog.repository("whose")
    assert record is not None
    assert not record.is_public
    assert not rest.engine.catalog.jobs("whose", "import")
    assert not rest.engine.catalog.tokens("whose", 0)
    assert not rest.engine.catalog.live_forks("whose")
