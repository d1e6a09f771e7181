"""Forks over REST: many in one transaction, and what is checked before a body is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from packengine.repository import Actor
from packengine.repository.progress import no_progress
from packengine.storage.ports import TokenScope
from packengine.storage.sqlite import SqliteCatalog
from packhouse_client.types.forks import MAX_FORKS
from server.auth import hash_token
from tests.support.rest import RestClient, rest_client

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        yield client


def jobs(rest: RestClient) -> int:
    """What the catalog was asked to make durable so far."""
    assert isinstance(rest.engine.catalog, SqliteCatalog)
    return rest.engine.catalog.stats().jobs


async def test_forks_in_numbers_are_one_transaction(rest: RestClient) -> None:
    await rest.create("source")
    before = jobs(rest)
    answer = await rest.call("POST", "/v1/repos/source/forks", {"count": 300})
    assert answer.status_code == 200, answer.text
    assert jobs(rest) == before + 1
    assert answer.json().keys() == {"forks"}
    assert len({fork["id"] for fork in answer.json()["forks"]}) == 300
    assert (await rest.call("GET", "/v1/repos/source")).json()["forkCount"] == 300


async def test_a_fork_takes_one_transaction(rest: RestClient) -> None:
    await rest.create("source")
    before = jobs(rest)
    await rest.call("POST", "/v1/repos/source/forks", {})
    assert jobs(rest) == before + 1


async def test_each_of_many_forks_has_its_sources_state_and_a_token_of_its_own(
    rest: RestClient, small_repo: Path
) -> None:
    actor = Actor(subject="admin", request_id="import")
    rest.engine.import_repository(small_repo, "source", actor, progress=no_progress)
    made = (await rest.call("POST", "/v1/repos/source/forks", {"count": 3})).json()["forks"]
    manifest = rest.engine.load("source").pointer.manifest
    for fork in made:
        assert rest.engine.load(fork["id"]).pointer.manifest == manifest
        token = rest.engine.catalog.token(hash_token(fork["token"]))
        assert token is not None
        assert (token.repository_id, token.scope) == (fork["id"], TokenScope.WRITE)
        assert fork["remote"] == f"http://x:{fork['token']}@git.test/git/{fork['id']}.git"


async def test_many_forks_are_read_only_if_asked_to_be(rest: RestClient) -> None:
    await rest.create("source")
    made = (await rest.call("POST", "/v1/repos/source/forks", {"count": 2, "readOnly": True})).json()["forks"]
    for fork in made:
        token = rest.engine.catalog.token(hash_token(fork["token"]))
        assert token is not None
        assert token.scope is TokenScope.READ
        assert rest.engine.load(fork["id"]).record.read_only


async def test_many_forks_belong_to_whoever_asked(rest: RestClient) -> None:
    await rest.call("POST", "/v1/repos", {"id": "source"}, headers=ALICE)
    made = (await rest.call("POST", "/v1/repos/source/forks", {"count": 2}, headers=ALICE)).json()["forks"]
    assert [rest.engine.load(fork["id"]).record.owner for fork in made] == ["alice", "alice"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"count": 0}, 422),
        ({"count": MAX_FORKS + 1}, 422),
        ({"count": "2"}, 422),
        ({"count": 1, "id": "named"}, 400),
        ({"id": "a.b.c.d"}, 400),
    ],
)
async def test_a_bad_number_or_id_makes_no_fork(rest: RestClient, body: object, status: int) -> None:
    await rest.create("source")
    answer = await rest.call("POST", "/v1/repos/source/forks", body)
    assert answer.status_code == status
    assert (await rest.call("GET", "/v1/repos/source")).json()["forkCount"] == 0


async def test_existence_and_owner_are_checked_before_the_body(rest: RestClient) -> None:
    await rest.call("POST", "/v1/repos", {"id": "alices"}, headers=ALICE)
    for headers, repository_id, status in [(BOB, "alices", 403), (BOB, "nothing", 404), (ALICE, "alices", 415)]:
        answer = await rest.http.request("POST", f"/v1/repos/{repository_id}/forks", content=b"x", headers=headers)
        assert answer.status_code == status
