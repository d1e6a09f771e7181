"""The past over REST: pages of publishes, states by time and by manifest, and for whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from packhouse_client.types.history import PUBLISHES_MAX
from tests.support.engines import Project, move
from tests.support.rest import RestClient, rest_client

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}
MAIN = "refs/heads/main"
PATH = "/v1/repos/project/history"


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        yield client


@pytest.fixture
async def project(rest: RestClient) -> Project:
    """`main` went from one commit to the next; nine publishes with the creation."""
    await rest.call("POST", "/v1/repos", {"id": "project"}, headers=ALICE)
    project = Project(rest.engine, "project")
    old = None
    for at in range(8):
        new = project.objects.commit(f"{at}", *([old] if old is not None else []))
        project.pushed(MAIN.encode(), old, new, project.objects.empty_tree, new)
        old = new
    return project


async def history(rest: RestClient, **query: object) -> Any:
    answer = await rest.call("GET", PATH, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_publishes_are_told_newest_first(rest: RestClient, project: Project) -> None:
    told = await history(rest)
    assert [each["version"] for each in told] == list(range(9, 0, -1))
    assert [each["kind"] for each in told] == ["push"] * 8 + ["create"]
    assert told[0]["changes"] == [
        {"ref": MAIN, "before": told[1]["changes"][0]["after"], "after": project.refs[MAIN.encode()].hex()}
    ]
    assert told[-2]["changes"][0]["before"] is None
    assert (told[0]["actor"], told[0]["requestId"], told[-1]["actor"]) == ("token:test", "request-1", "alice")
    assert told[0]["manifest"] == rest.engine.load("project").pointer.manifest.hex()
    assert not any(each["changesTruncated"] for each in told)


async def test_pages_follow_the_header(rest: RestClient, project: Project) -> None:
    told, cursor = [], None
    while True:
        answer = await rest.call("GET", PATH, params={"limit": 4} | ({} if cursor is None else {"cursor": cursor}))
        told += answer.json()
        cursor = answer.headers.get("X-Next-Cursor")
        if cursor is None:
            break
    assert told == await history(rest)


async def test_more_than_a_page_holds_counts_as_a_full_page(rest: RestClient, project: Project) -> None:
    assert len(await history(rest, limit=PUBLISHES_MAX + 1)) == 9
    assert await history(rest, limit=0) == []


async def test_a_state_is_told_by_its_manifest_and_by_any_time_that_it_lasted(
    rest: RestClient, project: Project
) -> None:
    told = await history(rest)
    for each in told[:-1]:
        state = await history(rest, manifest=each["manifest"])
        assert state["refs"] == [{"name": MAIN, "sha": each["changes"][0]["after"]}]
        assert state["headSha"] == each["changes"][0]["after"]
        assert {name: state[name] for name in ("version", "at", "kind", "actor")} == {
            name: each[name] for name in ("version", "at", "kind", "actor")
        }
    empty = await history(rest, manifest=told[-1]["manifest"])
    assert (empty["refs"], empty["defaultBranch"], "headSha" in empty) == ([], "main", False)
    newest = await history(rest, at=told[0]["at"])
    assert newest["manifest"] == told[0]["manifest"]
    assert (await history(rest, at="2100-01-01T00:00:00+01:00"))["manifest"] == told[0]["manifest"]


async def test_refs_of_a_state_come_in_pages(rest: RestClient, project: Project) -> None:
    value = project.refs[MAIN.encode()]
    project.push(*(move(b"refs/tags/%03d" % at, None, value) for at in range(150)))
    manifest = (await history(rest, limit=1))[0]["manifest"]
    project.pushed(b"refs/tags/000", value, None)
    names, cursor = [], None
    while True:
        query = {"manifest": manifest, "limit": 60} | ({} if cursor is None else {"cursor": cursor})
        answer = await rest.call("GET", PATH, params=query)
        names += [each["name"] for each in answer.json()["refs"]]
        cursor = answer.headers.get("X-Next-Cursor")
        if cursor is None:
            break
    assert names == [MAIN, *(f"refs/tags/{at:03d}" for at in range(150))]


async def test_of_a_publish_the_first_hundred_changes_are_told(rest: RestClient, project: Project) -> None:
    value = project.refs[MAIN.encode()]
    project.push(*(move(b"refs/tags/%03d" % at, None, value) for at in range(101)))
    newest = (await history(rest, limit=1))[0]
    assert (len(newest["changes"]), newest["changesTruncated"]) == (100, True)


async def test_the_past_of_a_fork_does_not_tell_who_made_its_source(rest: RestClient, project: Project) -> None:
    await rest.call("POST", "/v1/repos/project/forks", {"id": "fork"}, headers=ALICE)
    (first,) = (await rest.call("GET", "/v1/repos/fork/history", headers=ALICE)).json()
    assert (first["kind"], first["actor"], first["requestId"], first["changes"]) == ("fork", None, None, [])
    older = (await history(rest))[1]["manifest"]
    answer = await rest.call("GET", "/v1/repos/fork/history", params={"manifest": older}, headers=ALICE)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {"at": "yesterday"},
        {"at": "2026-11-21"},
        {"at": "2026-11-21T12:00:00"},
        {"at": "1763700000"},
        {"at": "-1"},
        {"at": "9" * 40},
        {"at": "2001-01-01T00:00:00Z"},
        {"manifest": "abc"},
        {"manifest": "0" * 64},
        {"at": "2100-01-01T00:00:00Z", "manifest": "0" * 64},
        {"cursor": "x"},
        {"limit": "many"},
        {"limit": "-1"},
    ],
)
async def test_a_bad_query_is_said_to_be_one(rest: RestClient, project: Project, query: dict[str, str]) -> None:
    answer = await rest.call("GET", PATH, params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(("headers", "status"), [(ALICE, 200), (BOB, 403), ({"Authorization": ""}, 401), (None, 200)])
async def test_the_past_is_for_the_owner_also_where_anybody_may_read(
    rest: RestClient, project: Project, headers: dict[str, str] | None, status: int
) -> None:
    rest.engine.catalog.update_repository("project", is_public=True)
    options = {} if headers is None else {"headers": headers}
    assert (await rest.call("GET", PATH, **options)).status_code == status
    assert (await rest.call("GET", "/v1/repos/none-such/history", **options)).status_code in (404, 401)
