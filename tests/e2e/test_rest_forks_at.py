"""Forks at a ref, a commit or a time over REST, and what stock Git finds in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from packengine.storage.sqlite import SqliteCatalog
from tests.support.engines import Project
from tests.support.git import git, git_result, object_ids, refs
from tests.support.repositories import commit_file
from tests.support.rest import RestClient, rest_client
from tests.support.server import RunningServer

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}
MAIN, SIDE = b"refs/heads/main", b"refs/heads/side"
FORKS = "/v1/repos/source/forks"


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        yield client


class Source:
    """`main` at `two` over `one`, `side` at `other`; alice's."""

    def __init__(self, rest: RestClient) -> None:
        project = Project(rest.engine, "source")
        objects = project.objects
        self.one, self.other = objects.commit("one"), objects.commit("other")
        self.two = objects.commit("two", self.one)
        project.pushed(MAIN, None, self.one, objects.empty_tree, self.one)
        project.pushed(MAIN, self.one, self.two, self.two)
        project.pushed(SIDE, None, self.other, objects.empty_tree, self.other)


@pytest.fixture
async def source(rest: RestClient) -> Source:
    await rest.call("POST", "/v1/repos", {"id": "source"}, headers=ALICE)
    return Source(rest)


async def shown(rest: RestClient, fork_id: str) -> dict[str, str]:
    answer = (await rest.call("GET", f"/v1/repos/{fork_id}")).json()
    return {each["name"]: each["sha"] for each in answer["refs"]} | {"HEAD": answer["defaultBranch"]}


async def test_a_fork_shows_what_was_asked_for(rest: RestClient, source: Source) -> None:
    wanted: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"ref": "side"}, {"refs/heads/side": source.other.hex(), "HEAD": "side"}),
        ({"commit": source.one.hex()}, {"refs/heads/main": source.one.hex(), "HEAD": "main"}),
        ({"ref": "main", "commit": source.one.hex()}, {"refs/heads/main": source.one.hex(), "HEAD": "main"}),
    ]
    for body, expected in wanted:
        made = await rest.call("POST", FORKS, body, headers=ALICE)
        assert made.status_code == 200, made.text
        assert await shown(rest, made.json()["id"]) == expected
        fork = (await rest.call("GET", f"/v1/repos/{made.json()['id']}")).json()
        assert (fork["sourceId"], fork["owner"], fork["commitCount"]) == ("source", "alice", 1)


async def test_a_fork_at_a_time_of_the_history(rest: RestClient, source: Source) -> None:
    told = (await rest.call("GET", "/v1/repos/source/history")).json()
    for at in (told[0]["at"], str(told[0]["at"]), "2100-01-01T00:00:00Z"):
        made = (await rest.call("POST", FORKS, {"at": at}, headers=ALICE)).json()
        assert (await shown(rest, made["id"]))["refs/heads/side"] == source.other.hex()


async def test_many_forks_of_a_part_are_one_transaction(rest: RestClient, source: Source) -> None:
    assert isinstance(rest.engine.catalog, SqliteCatalog)
    before = rest.engine.catalog.stats().jobs
    made = (await rest.call("POST", FORKS, {"ref": "side", "count": 50, "readOnly": True})).json()["forks"]
    assert rest.engine.catalog.stats().jobs == before + 1
    assert len({fork["id"] for fork in made}) == 50
    assert await shown(rest, made[7]["id"]) == {"refs/heads/side": source.other.hex(), "HEAD": "side"}
    assert rest.engine.load(made[7]["id"]).record.read_only


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"ref": "none"}, 400),
        ({"ref": ""}, 422),
        ({"ref": "x" * 1025}, 422),
        ({"commit": "main"}, 400),
        ({"commit": "0" * 40}, 400),
        ({"commit": "0" * 64}, 400),
        ({"at": "yesterday"}, 400),
        ({"at": "2001-01-01T00:00:00Z"}, 400),
        ({"at": 5}, 400),
        ({"at": True}, 422),
        ({"ref": "none", "count": 3}, 400),
    ],
)
async def test_what_is_not_there_makes_no_fork(rest: RestClient, source: Source, body: Any, status: int) -> None:
    answer = await rest.call("POST", FORKS, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, "bad_request")
    assert (await rest.call("GET", "/v1/repos/source")).json()["forkCount"] == 0


async def test_what_anybody_may_read_anybody_may_fork_and_has_the_fork(rest: RestClient, source: Source) -> None:
    assert (await rest.call("POST", FORKS, {"id": "bobs"}, headers=BOB)).status_code == 403
    rest.engine.catalog.update_repository("source", is_public=True)
    for body in ({"id": "bobs"}, {"id": "bobs-part", "ref": "side"}):
        assert (await rest.call("POST", FORKS, body, headers=BOB)).status_code == 200
        record = rest.engine.load(body["id"]).record
        assert (record.owner, record.is_public) == ("bob", False)
    assert (await rest.call("POST", FORKS, {}, headers={"Authorization": ""})).status_code == 401
    del rest.http.headers["Authorization"]
    assert (await rest.call("POST", FORKS, {})).status_code == 401


async def test_the_past_is_the_owners_to_fork(rest: RestClient, source: Source) -> None:
    rest.engine.catalog.update_repository("source", is_public=True)
    body = {"at": "2100-01-01T00:00:00Z"}
    assert (await rest.call("POST", FORKS, body, headers=BOB)).status_code == 403
    assert (await rest.call("POST", FORKS, body, headers=ALICE)).status_code == 200


def test_git_finds_nothing_of_what_was_left_out(server: RunningServer, remote: str, work: Path) -> None:
    repository_id = remote.rpartition("/")[2].removesuffix(".git")
    first = git("rev-parse", "HEAD", cwd=work).decode().strip()
    commit_file(work, "SECRET", b"secret\n", "Regret")
    git("push", "--quiet", "origin", "main", cwd=work)
    secret = git("rev-parse", "HEAD", cwd=work).decode().strip()
    status, made = server.rest("POST", f"/v1/repos/{repository_id}/forks", {"commit": first})
    assert status == 200, made
    clone = work.parent / "clone"
    git("clone", "--quiet", "--mirror", made["remote"], clone)
    assert refs(clone) == {"refs/heads/main": first, "HEAD": "refs/heads/main"}
    assert object_ids(clone) == set(git("rev-list", "--objects", "--no-object-names", first, cwd=work).decode().split())
    for oid in (secret, git("rev-parse", "HEAD:SECRET", cwd=work).decode().strip()):
        assert git_result("fetch", "origin", oid, cwd=clone).returncode != 0
    commit_file(work, "again", b"again\n", "From the secret")
    git("push", "--quiet", made["remote"], "HEAD:main", cwd=work)  # who has it may bring it
    git("fetch", "--quiet", "origin", cwd=clone)
    git("fsck", "--strict", "--full", cwd=clone)
