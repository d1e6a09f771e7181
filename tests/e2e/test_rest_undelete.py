"""Deletion and return over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.engines import Project
from tests.support.git import git, git_result, refs
from tests.support.moved_clock import MovedClock
from tests.support.rest import RestClient, rest_client
from tests.support.server import RunningServer

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}
PATH = "/v1/repos/project"
MAIN = b"refs/heads/main"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    return MovedClock(monkeypatch)


@pytest.fixture
async def rest(tmp_path: Path, clock: MovedClock) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        await client.call("POST", "/v1/repos", {"id": "project", "description": "text"}, headers=ALICE)
        project = Project(client.engine, "project")
        commit = project.objects.commit("one")
        project.pushed(MAIN, None, commit, project.objects.empty_tree, commit)
        yield client


async def test_a_repository_comes_back_as_it_was(rest: RestClient) -> None:
    before = (await rest.call("GET", PATH)).json()
    assert (await rest.call("DELETE", PATH, headers=ALICE)).json() == {"ok": True}
    assert (await rest.call("GET", PATH, headers=ALICE)).status_code == 404
    answer = await rest.call("POST", f"{PATH}/undelete", {}, headers=ALICE)
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert made["remote"] == f"http://x:{made['token']}@git.test/git/project.git"
    assert (await rest.call("GET", PATH)).json() == before
    (token,) = (await rest.call("GET", f"{PATH}/tokens")).json()
    assert (token["scope"], token["subject"], token["expires_at"]) == ("write", "alice", None)


async def test_within_the_days_only(rest: RestClient, clock: MovedClock) -> None:
    await rest.call("DELETE", PATH)
    clock.move(days=7.1)
    answer = await rest.call("POST", f"{PATH}/undelete", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "repo_not_found")


async def test_an_id_is_kept_for_its_owner_who_may_also_use_it_anew(rest: RestClient) -> None:
    await rest.call("DELETE", PATH)
    taken = await rest.call("POST", "/v1/repos", {"id": "project"}, headers=BOB)
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "repo_exists")
    assert (await rest.call("POST", "/v1/repos", {"id": "project"}, headers=ALICE)).status_code == 200
    answer = await rest.call("POST", f"{PATH}/undelete", {}, headers=ALICE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "repo_exists")


async def test_an_id_that_the_administrator_gave_to_somebody_else_stays_whose_it_is(rest: RestClient) -> None:
    await rest.call("DELETE", PATH)
    assert (await rest.call("POST", "/v1/repos", {"id": "project"})).status_code == 200
    answer = await rest.call("POST", f"{PATH}/undelete", {}, headers=ALICE)
    assert answer.status_code in (403, 409)
    assert rest.engine.load("project").record.owner is None
    await rest.call("DELETE", PATH)
    assert (await rest.call("POST", f"{PATH}/undelete", {}, headers=ALICE)).status_code == 403


async def test_it_is_for_the_owner(rest: RestClient) -> None:
    for deleted in (False, True):
        for headers, status in [(BOB, 403), ({"Authorization": ""}, 401)]:
            assert (await rest.call("POST", f"{PATH}/undelete", {}, headers=headers)).status_code == status
        if not deleted:
            assert (await rest.call("POST", f"{PATH}/undelete", {}, headers=ALICE)).status_code == 409
            await rest.call("DELETE", PATH)
    assert (await rest.call("POST", "/v1/repos/none-such/undelete", {}, headers=BOB)).status_code == 404
    assert (await rest.call("POST", "/v1/repos/a.b.c.d/undelete", {}, headers=BOB)).status_code == 400


async def test_a_body_is_asked_for_and_read_last(rest: RestClient) -> None:
    await rest.call("DELETE", PATH)
    assert (await rest.http.request("POST", f"{PATH}/undelete", content=b"x", headers=BOB)).status_code == 403
    assert (await rest.http.request("POST", f"{PATH}/undelete", content=b"x", headers=ALICE)).status_code == 415
    assert (await rest.call("POST", f"{PATH}/undelete", [], headers=ALICE)).status_code == 422
    assert (await rest.call("POST", f"{PATH}/undelete", {}, headers=ALICE)).status_code == 200


async def test_a_deletion_asks_for_the_owner_before_existence(rest: RestClient) -> None:
    assert (await rest.call("DELETE", "/v1/repos/none-such", headers=BOB)).status_code == 403
    assert (await rest.call("DELETE", "/v1/repos/none-such")).status_code == 404
    assert (await rest.call("DELETE", PATH, headers=BOB)).status_code == 403


async def test_a_cascade_spares_what_others_forked(rest: RestClient) -> None:
    rest.engine.catalog.update_repository("project", is_public=True)
    await rest.call("POST", f"{PATH}/forks", {"id": "bobs"}, headers=BOB)
    await rest.call("POST", f"{PATH}/forks", {"id": "hers"}, headers=ALICE)
    answer = await rest.call("DELETE", f"{PATH}?cascade=true", headers=ALICE)
    assert (answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["forks"]) == (
        409,
        "fork_dependency",
        ["bobs"],
    )
    assert (await rest.call("GET", "/v1/repos")).headers["X-Total-Count"] == "3"
    assert (await rest.call("DELETE", f"{PATH}?force=true", headers=ALICE)).status_code == 200
    await rest.call("POST", f"{PATH}/undelete", {}, headers=ALICE)
    answer = await rest.call("DELETE", f"{PATH}?cascade=true")  # the administrator
    assert (answer.status_code, sorted(answer.json()["deleted"])) == (200, ["bobs", "hers", "project"])


def test_git_goes_on_where_it_was(server: RunningServer, remote: str, work: Path) -> None:
    path = f"/v1/repos/{remote.rpartition('/')[2].removesuffix('.git')}"
    head = git("rev-parse", "HEAD", cwd=work).decode().strip()
    assert server.rest("DELETE", path)[0] == 200
    assert git_result("ls-remote", "origin", cwd=work).returncode != 0
    status, made = server.rest("POST", f"{path}/undelete", {})
    assert status == 200, made
    assert git_result("ls-remote", "origin", cwd=work).returncode != 0, "the old token is dead"
    git("remote", "set-url", "origin", made["remote"], cwd=work)
    git("push", "--quiet", "origin", "main:side", cwd=work)
    clone = work.parent / "clone"
    git("clone", "--quiet", "--mirror", made["remote"], clone)
    assert refs(clone) == {"refs/heads/main": head, "refs/heads/side": head, "HEAD": "refs/heads/main"}
