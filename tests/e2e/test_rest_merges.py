"""Merges over REST: each rule of the route."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from packengine.repository.progress import no_progress
from tests.support.git import git
from tests.support.rest import RestClient, rest_client
from tests.support.server import RunningServer

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}
ROUTE = "/v1/repos/project/merge"


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        await client.create("project")
        yield client


async def commit(
    rest: RestClient, branch: str, parent: str | None, repository: str = "project", **contents: str
) -> str:
    changes = [{"op": "write", "path": path, "content": content} for path, content in contents.items()]
    body = {"branch": branch, "parent": parent, "message": "m", "changes": changes}
    answer = await rest.call("POST", f"/v1/repos/{repository}/commits", body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["commit"])


async def branch_off(rest: RestClient, branch: str, sha: str) -> None:
    answer = await rest.call("PUT", f"/v1/repos/project/refs/heads/{branch}", {"sha": sha, "expected": None})
    assert answer.status_code == 200, answer.text


async def merge(rest: RestClient, source: str = "side", target: str = "main", **fields: Any) -> httpx.Response:
    return await rest.call("POST", ROUTE, {"sourceBranch": source, "targetBranch": target, **fields})


async def refs(rest: RestClient, repository: str = "project") -> dict[str, str]:
    answer = await rest.call("GET", f"/v1/repos/{repository}/refs")
    return {item["name"].removeprefix("refs/heads/"): item["sha"] for item in answer.json()}


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


class Split:
    """main and side, each with a commit of its own on top of the same one."""

    def __init__(self, root: str, main: str, side: str) -> None:
        self.root, self.main, self.side = root, main, side


@pytest.fixture
async def split(rest: RestClient) -> Split:
    return await make_split(rest, b="2\n")


async def make_split(rest: RestClient, **side: str) -> Split:
    root = await commit(rest, "main", None, a="1\n", b="1\n")
    await branch_off(rest, "side", root)
    return Split(root, await commit(rest, "main", root, a="2\n"), await commit(rest, "side", root, **side))


# --- fast-forward -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [{}, {"strategy": "auto"}, {"strategy": "ff-only"}])
async def test_a_branch_that_is_behind_is_fast_forwarded(rest: RestClient, strategy: dict[str, str]) -> None:
    root = await commit(rest, "main", None, a="1\n")
    await branch_off(rest, "side", root)
    ahead = await commit(rest, "side", root, a="2\n")
    answer = await merge(rest, **strategy)
    assert answer.status_code == 200
    found = answer.json()
    assert found.pop("tree")
    assert found == {"commit": ahead, "fastForward": True, "sourceCommit": ahead, "targetBranch": "main"}
    assert await refs(rest) == {"main": ahead, "side": ahead}


async def test_the_strategy_merge_makes_a_commit_all_the_same(rest: RestClient) -> None:
    root = await commit(rest, "main", None, a="1\n")
    await branch_off(rest, "side", root)
    ahead = await commit(rest, "side", root, a="2\n")
    answer = (await merge(rest, strategy="merge")).json()
    assert (answer["fastForward"], answer["sourceCommit"]) == (False, ahead)
    assert answer["commit"] not in {root, ahead}


@pytest.mark.parametrize("strategy", ["auto", "ff-only", "merge"])
async def test_what_was_merged_before_is_200_and_no_fast_forward(rest: RestClient, strategy: str) -> None:
    root = await commit(rest, "main", None, a="1\n")
    await branch_off(rest, "side", root)
    newest = await commit(rest, "main", root, a="2\n")
    answer = (await merge(rest, strategy=strategy)).json()
    assert (answer["commit"], answer["fastForward"], answer["sourceCommit"]) == (newest, False, root)
    assert await refs(rest) == {"main": newest, "side": root}


@pytest.mark.parametrize("strategy", ["auto", "ff-only", "merge"])
async def test_a_missing_target_is_made_by_fast_forward(rest: RestClient, strategy: str) -> None:
    root = await commit(rest, "main", None, a="1\n")
    answer = (await merge(rest, "main", "new/branch", strategy=strategy)).json()
    assert (answer["commit"], answer["fastForward"], answer["targetBranch"]) == (root, True, "new/branch")
    assert await refs(rest) == {"main": root, "new/branch": root}


# --- three-way --------------------------------------------------------------------------------------------------------


async def test_diverged_branches_are_merged_as_git_would(rest: RestClient, split: Split, tmp_path: Path) -> None:
    answer = (await merge(rest)).json()
    assert answer["fastForward"] is False
    assert await refs(rest) == {"main": answer["commit"], "side": split.side}
    out = tmp_path / "out.git"
    rest.engine.export_repository("project", out, progress=no_progress)
    git("fsck", "--strict", cwd=out)
    shown = git("log", "-1", "--format=%P|%T|%an <%ae>|%s", "main", cwd=out).decode().strip()
    person = "Artifacts <artifacts@noreply.local>"
    assert shown == f"{split.main} {split.side}|{answer['tree']}|{person}|Merge side into main"
    assert git("merge-tree", "--write-tree", split.main, split.side, cwd=out).decode().strip() == answer["tree"]


async def test_message_and_author_are_the_callers(rest: RestClient, split: Split, tmp_path: Path) -> None:
    await merge(rest, message="Join them", author={"name": "Ada", "email": "ada@x", "date": 5})
    out = tmp_path / "out.git"
    rest.engine.export_repository("project", out, progress=no_progress)
    shown = git("log", "-1", "--format=%an <%ae> %at %cn %ct %s", "main", cwd=out).decode().strip()
    assert shown == "Ada <ada@x> 5 Ada 5 Join them"


async def test_a_conflict_is_409_and_names_the_paths(rest: RestClient) -> None:
    split = await make_split(rest, a="3\n")
    answer = await merge(rest)
    assert answer.status_code == 409
    found = answer.json()["error"]
    assert found.pop("message")
    assert found == {
        "code": "merge_conflict",
        "sourceBranch": "side",
        "targetBranch": "main",
        "conflicts": ["a"],
        "details": [{"path": "a", "kind": found["details"][0]["kind"]}],
    }
    assert await refs(rest) == {"main": split.main, "side": split.side}


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"strategy": "ff-only"},
        {"sourceBranch": "main"},
        {"sourceBranch": "missing"},
        {"sourceBranch": "a..b"},
        {"targetBranch": "a..b"},
        {"author": {"name": "", "email": ""}},
        {"message": "a\0"},
    ],
)
async def test_what_cannot_be_merged_is_400(rest: RestClient, split: Split, fields: dict[str, Any]) -> None:
    answer = await rest.call("POST", ROUTE, {"sourceBranch": "side", "targetBranch": "main", **fields})
    assert error(answer) == (400, "bad_request"), answer.text
    assert await refs(rest) == {"main": split.main, "side": split.side}


async def test_branches_without_common_history_are_400(rest: RestClient) -> None:
    await commit(rest, "main", None, a="1\n")
    await commit(rest, "side", None, b="1\n")
    assert error(await merge(rest)) == (400, "bad_request")


@pytest.mark.parametrize(
    "body", [{}, {"sourceBranch": "a"}, {"sourceBranch": "a", "targetBranch": "b", "strategy": "x"}]
)
async def test_a_body_of_the_wrong_type_is_422(rest: RestClient, body: dict[str, str]) -> None:
    assert (await rest.call("POST", ROUTE, body)).status_code == 422


# --- from another repository ------------------------------------------------------------------------------------------


async def test_a_fork_comes_home(rest: RestClient) -> None:
    root = await commit(rest, "main", None, a="1\n", b="1\n")
    await rest.call("POST", "/v1/repos/project/forks", {"id": "forked"})
    theirs = await commit(rest, "main", root, "forked", b="2\n")
    ours = await commit(rest, "main", root, a="2\n")
    answer = await merge(rest, "main", "main", sourceRepo="forked")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["sourceCommit"], answer.json()["fastForward"]) == (theirs, False)
    assert (await refs(rest))["main"] == answer.json()["commit"] != ours
    assert rest.engine.verify_repository("project", progress=no_progress).problems == []


async def test_the_source_must_be_one_that_the_caller_may_read(rest: RestClient) -> None:
    for name, who in (("alices", ALICE), ("bobs-own", BOB)):
        await rest.call("POST", "/v1/repos", {"id": name}, headers=who)
        body = {"branch": "main", "message": name}
        assert (await rest.call("POST", f"/v1/repos/{name}/commits", body, headers=who)).status_code == 200
    body = {"sourceBranch": "main", "targetBranch": "theirs", "sourceRepo": "alices"}
    route = "/v1/repos/bobs-own/merge"
    assert error(await rest.call("POST", route, body, headers=BOB)) == (403, "forbidden")
    missing = {**body, "sourceRepo": "missing"}
    assert error(await rest.call("POST", route, missing, headers=BOB)) == (404, "repo_not_found")
    assert error(await rest.call("POST", route, {**body, "sourceRepo": "x"}, headers=BOB)) == (400, "invalid_repo_id")
    rest.engine.catalog.update_repository("alices", is_public=True)
    assert (await rest.call("POST", route, body, headers=BOB)).status_code == 200
    assert error(await rest.call("POST", "/v1/repos/alices/merge", body, headers=BOB)) == (403, "forbidden")


# --- who wins, over a real server -------------------------------------------------------------------------------------


def test_merges_into_one_branch_at_once_are_all_in_it(server: RunningServer, remote: str, tmp_path: Path) -> None:
    repository_id = remote.rpartition("/")[2].removesuffix(".git")
    route = f"/v1/repos/{repository_id}"

    def made(path: str, body: dict[str, Any]) -> Any:
        status, answer = server.rest("POST", f"{route}/{path}", body)
        assert status == 200, answer
        return answer

    def write(branch: str, parent: str | None, name: str) -> str:
        changes = [{"op": "write", "path": name, "content": f"{branch}\n"}]
        body = {"branch": branch, "parent": parent, "message": name, "changes": changes}
        return str(made("commits", body)["commit"])

    root = write("main", None, "root")
    branches = [f"topic-{number}" for number in range(12)]
    for branch in branches:
        made("merge", {"sourceBranch": "main", "targetBranch": branch})
        write(branch, root, branch)
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda branch: made("merge", {"sourceBranch": branch, "targetBranch": "main"}), branches))
    git("clone", "--quiet", remote, tmp_path / "clone")
    git("fsck", "--strict", cwd=tmp_path / "clone")
    assert {path.name for path in (tmp_path / "clone").iterdir()} == {".git", "root", *branches}


async def test_a_branch_is_not_merged_into_itself_also_where_its_own_repository_is_named(rest: RestClient) -> None:
    await commit(rest, "main", None, a="1")
    for fields in ({}, {"sourceRepo": "project"}):
        assert error(await merge(rest, "main", "main", **fields)) == (400, "bad_request")


async def test_the_repository_itself_may_be_named_as_where_the_source_is(rest: RestClient) -> None:
    root = await commit(rest, "main", None, a="1")
    await branch_off(rest, "side", root)
    side = await commit(rest, "side", root, b="2")
    assert (await merge(rest, sourceRepo="project")).json()["fastForward"]
    assert await refs(rest) == {"main": side, "side": side}
