"""Restorations over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from packengine.refs.rules import RefRule
from tests.support.engines import Project
from tests.support.git import git, refs
from tests.support.repositories import commit_file
from tests.support.rest import RestClient, rest_client
from tests.support.server import RunningServer

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}
MAIN, SIDE = b"refs/heads/main", b"refs/heads/side"
PATH = "/v1/repos/project/restore"


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        yield client


class Accident:
    """`main` was forced from `good` to `bad`, and `side` deleted."""

    def __init__(self, rest: RestClient) -> None:
        self.project = project = Project(rest.engine, "project")
        objects = project.objects
        self.good, self.bad = objects.commit("good"), objects.commit("bad")
        project.pushed(MAIN, None, self.good, objects.empty_tree, self.good)
        project.pushed(SIDE, None, self.good)
        self.manifest = rest.engine.load("project").pointer.manifest.hex()
        project.pushed(MAIN, self.good, self.bad, objects.empty_tree, self.bad)
        project.pushed(SIDE, self.good, None)


@pytest.fixture
async def accident(rest: RestClient) -> Accident:
    await rest.call("POST", "/v1/repos", {"id": "project"}, headers=ALICE)
    return Accident(rest)


async def test_refs_are_as_they_were_and_what_moved_is_told(rest: RestClient, accident: Accident) -> None:
    answer = await rest.call("POST", PATH, {"manifest": accident.manifest}, headers=ALICE)
    assert answer.status_code == 200, answer.text
    pointer = rest.engine.load("project").pointer
    assert answer.json() == {
        "manifest": pointer.manifest.hex(),
        "version": pointer.version,
        "restored": [
            {"ref": "refs/heads/main", "before": accident.bad.hex(), "after": accident.good.hex()},
            {"ref": "refs/heads/side", "before": None, "after": accident.good.hex()},
        ],
        "restoredTruncated": False,
    }
    assert accident.project.refs == {MAIN: accident.good, SIDE: accident.good}
    (newest,) = (await rest.call("GET", "/v1/repos/project/history?limit=1")).json()
    assert (newest["kind"], newest["actor"], newest["changes"]) == ("restore", "alice", answer.json()["restored"])


async def test_again_there_is_nothing_to_do(rest: RestClient, accident: Accident) -> None:
    first = (await rest.call("POST", PATH, {"manifest": accident.manifest})).json()
    again = (await rest.call("POST", PATH, {"manifest": accident.manifest})).json()
    assert again == first | {"restored": []}


async def test_only_refs_that_are_named_move(rest: RestClient, accident: Accident) -> None:
    body = {"manifest": accident.manifest, "refs": ["refs/heads/side"]}
    assert (await rest.call("POST", PATH, body)).status_code == 200
    assert accident.project.refs == {MAIN: accident.bad, SIDE: accident.good}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"at": "2100-01-01T00:00:00Z", "manifest": "0" * 64}, 400),
        ({"manifest": "0" * 64}, 400),
        ({"manifest": "main"}, 422),
        ({"at": 1.5}, 422),
        ({"at": 1763700000}, 400),
        ({"at": "2001-01-01T00:00:00Z"}, 400),
        ({"at": "2100-01-01T00:00:00Z", "refs": []}, 422),
        ({"at": "2100-01-01T00:00:00Z", "refs": ["refs/heads/none"]}, 400),
        ({"at": "2100-01-01T00:00:00Z", "refs": ["x"] * 1001}, 422),
    ],
)
async def test_a_bad_body_moves_nothing(rest: RestClient, accident: Accident, body: Any, status: int) -> None:
    before = rest.engine.load("project").pointer
    assert (await rest.call("POST", PATH, body)).status_code == status
    assert rest.engine.load("project").pointer == before


async def test_what_is_protected_or_read_only_is_not_restored(rest: RestClient, accident: Accident) -> None:
    for change in ({"rules": (RefRule("refs/heads/*", deny_force=True),)}, {"rules": (), "read_only": True}):
        rest.engine.catalog.update_repository("project", **change)
        answer = await rest.call("POST", PATH, {"manifest": accident.manifest})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert answer.json()["error"]["message"].startswith("refs/heads/main: ")
    assert accident.project.refs == {MAIN: accident.bad}


async def test_what_is_not_stored_any_more_is_said_to_be_gone(
    rest: RestClient, accident: Accident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packengine.repository.ref_rules.ObjectLookup.contains", lambda *_: False)
    answer = await rest.call("POST", PATH, {"manifest": accident.manifest})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "state_gone")


@pytest.mark.parametrize(("headers", "status"), [(BOB, 403), ({"Authorization": ""}, 401)])
async def test_others_restore_nothing(
    rest: RestClient, accident: Accident, headers: dict[str, str], status: int
) -> None:
    rest.engine.catalog.update_repository("project", is_public=True)
    answer = await rest.call("POST", PATH, {"manifest": accident.manifest}, headers=headers)
    assert answer.status_code == status
    assert accident.project.refs == {MAIN: accident.bad}


def test_git_fetches_what_was_forced_away_and_restored(server: RunningServer, remote: str, work: Path) -> None:
    repository_id = remote.rpartition("/")[2].removesuffix(".git")
    good = git("rev-parse", "HEAD", cwd=work).decode().strip()
    _, told = server.rest("GET", f"/v1/repos/{repository_id}/history?limit=1")
    git("checkout", "--quiet", "--orphan", "other", cwd=work)
    commit_file(work, "OTHER", b"something else\n", "Elsewhere")
    git("push", "--quiet", "--force", "origin", "other:main", cwd=work)
    status, restored = server.rest("POST", f"/v1/repos/{repository_id}/restore", {"manifest": told[0]["manifest"]})
    assert (status, restored["restored"][0]["after"]) == (200, good)
    clone = work.parent / "clone"
    git("clone", "--quiet", "--mirror", remote, clone)
    assert refs(clone) == {"refs/heads/main": good, "HEAD": "refs/heads/main"}
    git("fsck", "--strict", "--full", cwd=clone)
