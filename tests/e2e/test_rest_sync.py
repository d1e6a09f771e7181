"""Forks that take over what became of their source, over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.support.rest import RestClient, rest_client

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        await client.create("source")
        yield client


async def commit(rest: RestClient, repository: str, parent: str | None, branch: str = "main", **contents: str) -> str:
    changes = [{"op": "write", "path": path, "content": content} for path, content in contents.items()]
    body = {"branch": branch, "parent": parent, "message": "m", "changes": changes}
    answer = await rest.call("POST", f"/v1/repos/{repository}/commits", body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["commit"])


async def forked(rest: RestClient) -> str:
    """The one commit that source and fork have in common."""
    root = await commit(rest, "source", None, a="1\n", b="1\n")
    await rest.call("POST", "/v1/repos/source/forks", {"id": "forked"})
    return root


async def sync(rest: RestClient, repository: str = "forked", **fields: object) -> httpx.Response:
    return await rest.call("POST", f"/v1/repos/{repository}/sync", fields)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_fork_that_changed_nothing_is_fast_forwarded(rest: RestClient) -> None:
    newest = await commit(rest, "source", await forked(rest), a="2\n")
    answer = (await sync(rest)).json()
    assert (answer["commit"], answer["fastForward"], answer["targetBranch"]) == (newest, True, "main")
    again = (await sync(rest)).json()
    assert (again["commit"], again["fastForward"]) == (newest, False)


async def test_a_fork_that_has_commits_of_its_own_gets_a_merge(rest: RestClient) -> None:
    root = await forked(rest)
    theirs, ours = await commit(rest, "source", root, a="2\n"), await commit(rest, "forked", root, b="2\n")
    answer = (await sync(rest, branch="main")).json()
    assert (answer["fastForward"], answer["sourceCommit"]) == (False, theirs)
    assert answer["commit"] not in {ours, theirs}


async def test_changes_that_conflict_are_409(rest: RestClient) -> None:
    root = await forked(rest)
    await commit(rest, "source", root, a="2\n")
    ours = await commit(rest, "forked", root, a="3\n")
    answer = await sync(rest)
    assert code(answer) == (409, "merge_conflict")
    assert answer.json()["error"]["conflicts"] == ["a"]
    assert (await rest.call("GET", "/v1/repos/forked/refs")).json()[0]["sha"] == ours


async def test_a_branch_that_the_fork_does_not_have_is_made(rest: RestClient) -> None:
    await forked(rest)
    topic = await commit(rest, "source", None, "topic", t="1\n")
    answer = (await sync(rest, branch="topic")).json()
    assert (answer["commit"], answer["fastForward"]) == (topic, True)


async def test_without_a_source_or_a_branch_it_is_400(rest: RestClient) -> None:
    await forked(rest)
    assert code(await sync(rest, "source")) == (400, "bad_request")
    assert code(await sync(rest, branch="missing")) == (400, "bad_request")
    await rest.call("DELETE", "/v1/repos/source?force=true")
    assert code(await sync(rest)) == (400, "bad_request")


async def test_a_source_that_the_forks_owner_may_not_read_any_more_is_403(rest: RestClient) -> None:
    await forked(rest)
    rest.engine.catalog.update_repository("source", is_public=True)
    assert (await rest.call("POST", "/v1/repos/source/forks", {"id": "bobs-fork"}, headers=BOB)).status_code == 200
    assert (await rest.call("POST", "/v1/repos/bobs-fork/sync", {}, headers=BOB)).status_code == 200
    rest.engine.catalog.update_repository("source", is_public=False)
    assert code(await rest.call("POST", "/v1/repos/bobs-fork/sync", {}, headers=BOB)) == (403, "forbidden")


async def test_only_the_forks_owner_syncs_it(rest: RestClient) -> None:
    await forked(rest)
    answer = await rest.call("POST", "/v1/repos/forked/sync", {}, headers=ALICE)
    assert code(answer) == (403, "forbidden")
