"""The contract's fields, name by name and type by type: others may be beside them, none of them may be missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.rest import RestClient, rest_client

ALICE = {"Authorization": "Bearer user:alice"}
HEX = "0123456789abcdef"
PERSON = {"name": str, "email": str}


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        await client.create("project")
        yield client


async def told(rest: RestClient, method: str, path: str, body: object = None, **options: Any) -> Any:
    answer = await rest.call(method, f"/v1/repos{path}", body, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def commit(rest: RestClient, parent: str | None, **contents: str) -> dict[str, Any]:
    changes = [{"op": "write", "path": path, "content": content} for path, content in contents.items()]
    body = {"branch": "main", "parent": parent, "message": "a message", "changes": changes}
    return dict(await told(rest, "POST", "/project/commits", body))


def check(value: Any, fields: dict[str, Any]) -> None:
    """fields: the type of each, None for null; of an object its fields, of an array in brackets that of its items."""
    for name, kind in fields.items():
        assert name in value, name
        _check_one(value[name], kind, name)


def _check_one(value: Any, kind: Any, name: str) -> None:
    match kind:
        case dict():
            check(value, kind)
        case [item]:
            assert isinstance(value, list), name
            for each in value:
                _check_one(each, item, name)
        case None:
            assert value is None, name
        case _:
            assert type(value) is kind, name


# --- repositories and tokens ------------------------------------------------------------------------------------------


async def test_a_repository_has_its_fields_and_those_that_say_nothing_are_absent(rest: RestClient) -> None:
    item = {"id": str, "owner": None, "createdAt": int}
    whole = {**item, "refs": [{"name": str, "sha": str}], "sizeBytes": int, "commitCount": int, "forkCount": int}
    (listed,) = await told(rest, "GET", "")
    empty = await told(rest, "GET", "/project")
    for each in (listed, empty):
        check(each, item)
        assert not {"sourceId", "headSha"} & each.keys()
    check(empty, whole)
    await commit(rest, None, a="1\n")
    await told(rest, "POST", "/project/forks", {"id": "fork"})
    check(await told(rest, "GET", "/fork"), {**whole, "headSha": str, "sourceId": str})


async def test_what_is_made_is_told_with_its_remote_and_token(rest: RestClient) -> None:
    made = {"id": str, "remote": str, "token": str}
    check(await told(rest, "POST", "", {}), made)
    check(await told(rest, "POST", "/project/forks", {}), made)
    check(
        await told(rest, "POST", "/project/tokens", {"scope": "read"}), {"token": str, "remote": str, "expiresAt": None}
    )
    mortal = await told(rest, "POST", "/project/tokens", {"scope": "read", "ttlSeconds": 5})
    check(mortal, {"expiresAt": int})
    check(await told(rest, "POST", "/project/tokens/rotate", {}), {"revoked": int, "token": str, "remote": str})


async def test_listed_tokens_are_in_snake_case(rest: RestClient) -> None:
    await told(rest, "POST", "", {"id": "alices"}, headers=ALICE)
    await told(rest, "POST", "/alices/tokens", {"scope": "read", "ttlSeconds": 60}, headers=ALICE)
    mortal, first = await told(rest, "GET", "/alices/tokens", headers=ALICE)
    fields = {"id": str, "repo_id": str, "scope": str, "created_at": int, "revoked_at": None, "subject": str}
    check(mortal, {**fields, "expires_at": int})
    check(first, {**fields, "expires_at": None})
    assert len(first["id"]) == 16
    assert set(first["id"]) <= set(HEX)


# --- commits and reads ------------------------------------------------------------------------------------------------


async def test_commits_and_merges_have_their_fields(rest: RestClient) -> None:
    made = await commit(rest, None, a="1\n")
    check(made, {"commit": str, "tree": str, "branch": str})
    merged = await told(rest, "POST", "/project/merge", {"sourceBranch": "main", "targetBranch": "side"})
    fields = {"commit": str, "tree": str, "fastForward": bool, "sourceCommit": str, "targetBranch": str}
    check(merged, fields)
    (logged,) = await told(rest, "GET", "/project/commits")
    fields_of_log = {"sha": str, "parents": [str], "author": PERSON, "committer": PERSON, "message": str}
    check(logged, {**fields_of_log, "timestamp": int})
    assert logged["parents"] == []


async def test_trees_refs_and_notes_have_their_fields(rest: RestClient) -> None:
    sha = (await commit(rest, None, a="1\n", **{"folder/b": "2\n"}))["commit"]
    folder, inner, file = await told(rest, "GET", "/project/tree")
    check(file, {"path": str, "type": str, "size": int})
    assert [each["type"] for each in (folder, inner, file)] == ["dir", "file", "file"]
    assert "size" not in folder
    assert await told(rest, "GET", "/project/refs") == [{"name": "refs/heads/main", "sha": sha}]
    await told(rest, "POST", "/project/notes", {"commit": sha, "text": "seen"})
    note = await told(rest, "GET", f"/project/notes?commit={sha}")
    assert note == {"ref": "refs/notes/commits", "commit": sha, "text": "seen\n"}


async def test_differences_have_their_fields(rest: RestClient) -> None:
    first = (await commit(rest, None, a="1\n" * 9, moved="x\n" * 9))["commit"]
    changes = [
        {"op": "write", "path": "a", "content": "1\n" * 8 + "2\n"},
        {"op": "move", "from": "moved", "to": "there"},
        {"op": "write", "path": "new", "content": "new\n"},
    ]
    body = {"branch": "main", "parent": first, "message": "m", "changes": changes}
    second = (await told(rest, "POST", "/project/commits", body))["commit"]
    files = {each["path"]: each for each in await told(rest, "GET", f"/project/diff?commit={second}")}
    line = {"kind": str, "text": str}
    hunk = {"oldStart": int, "oldLines": int, "newStart": int, "newLines": int, "lines": [line]}
    for file in files.values():
        check(file, {"path": str, "status": str, "additions": int, "deletions": int, "hunks": [hunk]})
    assert {path: file["status"] for path, file in files.items()} == {
        "a": "modified",
        "there": "renamed",
        "new": "added",
    }
    assert files["there"]["oldPath"] == "moved"
    assert "oldPath" not in files["a"]
    assert [each["kind"] for each in files["a"]["hunks"][0]["lines"]] == ["ctx"] * 3 + ["del", "add"]
    removal = {"branch": "main", "parent": second, "message": "m", "changes": [{"op": "delete", "path": "new"}]}
    third = (await told(rest, "POST", "/project/commits", removal))["commit"]
    (deleted,) = await told(rest, "GET", f"/project/diff?commit={third}")
    assert (deleted["status"], deleted["deletions"], deleted["additions"]) == ("deleted", 1, 0)
