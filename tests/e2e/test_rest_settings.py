"""What can be changed of a repository over REST, and what is told of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from packengine.repository import lifecycle
from tests.support.engines import Project, move
from tests.support.git import git
from tests.support.rest import RestClient, rest_client
from tests.support.server import RunningServer

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}
PATH = "/v1/repos/project"
MAIN, SIDE = b"refs/heads/main", b"refs/heads/side"


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        yield client


@pytest.fixture
async def project(rest: RestClient) -> Project:
    body = {"id": "project", "description": "text", "visibility": "public"}
    await rest.call("POST", "/v1/repos", body, headers=ALICE)
    return Project(rest.engine, "project")


def fill(project: Project) -> bytes:
    """`main` and `side` at one commit."""
    commit = project.objects.commit("one")
    project.pushed(MAIN, None, commit, project.objects.empty_tree, commit)
    project.pushed(SIDE, None, commit)
    return commit


async def test_a_repository_tells_its_settings(rest: RestClient, project: Project) -> None:
    told = (await rest.call("GET", PATH)).json()
    wanted = {
        "description": "text",
        "visibility": "public",
        "defaultBranch": "main",
        "objectFormat": "sha1",
        "readOnly": False,
        "refsTruncated": False,
    }
    assert told.items() >= wanted.items()
    other = (await rest.create("other", objectFormat="sha256", defaultBranch="trunk"))["id"]
    told = (await rest.call("GET", f"/v1/repos/{other}")).json()
    assert (told["objectFormat"], told["defaultBranch"], told["visibility"]) == ("sha256", "trunk", "private")


@pytest.mark.parametrize(
    "change",
    [
        {"description": "another"},
        {"description": ""},
        {"visibility": "private"},
        {"readOnly": True},
        {"defaultBranch": "side"},
        {"description": "all", "visibility": "private", "readOnly": True, "defaultBranch": "side"},
        {},
    ],
)
async def test_only_what_is_named_changes(rest: RestClient, project: Project, change: dict[str, Any]) -> None:
    fill(project)
    before = (await rest.call("GET", PATH)).json()
    answer = await rest.call("PATCH", PATH, change, headers=ALICE)
    assert (answer.status_code, answer.json()) == (200, before | change)
    assert (await rest.call("GET", PATH)).json() == before | change


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"defaultBranch": "none"}, 400),
        ({"defaultBranch": "a..b"}, 400),
        ({"defaultBranch": "refs/heads/side"}, 400),
        ({"description": "x" * 1001}, 422),
        ({"visibility": "secret"}, 422),
        ({"readOnly": "yes"}, 422),
        ({"defaultBranch": "none", "readOnly": True}, 400),
    ],
)
async def test_a_bad_change_changes_nothing(rest: RestClient, project: Project, change: Any, status: int) -> None:
    fill(project)
    before = (await rest.call("GET", PATH)).json()
    assert (await rest.call("PATCH", PATH, change)).status_code == status
    assert (await rest.call("GET", PATH)).json() == before


async def test_head_of_an_empty_repository_may_name_any_branch(rest: RestClient, project: Project) -> None:
    assert (await rest.call("PATCH", PATH, {"defaultBranch": "trunk"})).json()["defaultBranch"] == "trunk"
    (newest, _) = (await rest.call("GET", f"{PATH}/history")).json()
    assert (newest["kind"], newest["changes"]) == ("settings", [])


async def test_a_branch_that_head_leaves_can_be_deleted_and_its_new_one_cannot(
    rest: RestClient, project: Project
) -> None:
    commit = fill(project)
    await rest.call("PATCH", PATH, {"defaultBranch": "side"})
    assert project.push(move(SIDE, commit, None)) == ["deletion of the current branch prohibited"]
    assert project.push(move(MAIN, commit, None)) == [None]


async def test_settings_of_a_read_only_repository_can_be_changed(rest: RestClient, project: Project) -> None:
    commit = fill(project)
    await rest.call("PATCH", PATH, {"readOnly": True})
    assert (await rest.call("PATCH", PATH, {"defaultBranch": "side"})).status_code == 200
    assert project.push(move(b"refs/heads/x", None, commit)) == ["repository is read-only"]
    await rest.call("PATCH", PATH, {"readOnly": False})
    assert project.push(move(b"refs/heads/x", None, commit)) == [None]


@pytest.mark.parametrize(("headers", "status"), [(BOB, 403), ({"Authorization": ""}, 401)])
async def test_settings_are_the_owners(
    rest: RestClient, project: Project, headers: dict[str, str], status: int
) -> None:
    assert (await rest.call("PATCH", PATH, {"readOnly": True}, headers=headers)).status_code == status
    assert (await rest.call("PATCH", PATH, {"readOnly": "x"}, headers=headers)).status_code == status
    assert not rest.engine.load("project").record.read_only


async def test_a_repository_of_many_refs_tells_the_first(
    rest: RestClient, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "MAX_REFS_DESCRIBED", 2)
    commit = fill(project)
    assert (await rest.call("GET", PATH)).json()["refsTruncated"] is False
    project.pushed(b"refs/tags/t", None, commit)
    told = (await rest.call("GET", PATH)).json()
    assert ([each["name"] for each in told["refs"]], told["refsTruncated"]) == (
        ["refs/heads/main", "refs/heads/side"],
        True,
    )


def test_git_clones_the_branch_that_was_chosen(server: RunningServer, remote: str, work: Path) -> None:
    path = f"/v1/repos/{remote.rpartition('/')[2].removesuffix('.git')}"
    git("push", "--quiet", "origin", "main:trunk", cwd=work)
    assert server.rest("PATCH", path, {"defaultBranch": "trunk"})[0] == 200
    for at in range(4):  # whichever worker answers
        clone = work.parent / f"clone-{at}"
        git("clone", "--quiet", remote, clone)
        assert git("branch", "--show-current", cwd=clone) == b"trunk\n"
