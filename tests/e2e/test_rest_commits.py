"""Commits over REST: each rule of the route, in this process; and beside pushes, over a real server."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio

from packengine.refs.rules import RefRule
from packengine.repository.progress import no_progress
from packhouse_client.types.commits import MAX_CHANGES
from tests.support.git import git, git_result
from tests.support.repositories import commit_file
from tests.support.rest import RestClient, rest_client
from tests.support.server import RunningServer

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}
UNKNOWN = "1" * 40
ROUTE = "/v1/repos/project/commits"
MAX_BLOB_BYTES = 4000


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    data_dir = tmp_path / "data"
    async with rest_client(data_dir, max_commit_blob_bytes=MAX_BLOB_BYTES, rest_body_limit_bytes=3000) as client:
        await client.create("project")
        yield client


async def commit(rest: RestClient, *changes: dict[str, str], branch: str = "main", **fields: Any) -> httpx.Response:
    body = {"branch": branch, "message": "a message", "changes": changes, **fields}
    return await rest.call("POST", ROUTE, body)


async def made(rest: RestClient, *changes: dict[str, str], **fields: Any) -> dict[str, str]:
    answer = await commit(rest, *changes, **fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def write(path: str, content: str | None = None, **fields: str) -> dict[str, str]:
    return {"op": "write", "path": path, **({} if content is None else {"content": content}), **fields}


def exported(rest: RestClient, tmp_path: Path) -> Path:
    path = tmp_path / "exported.git"
    rest.engine.export_repository("project", path, progress=no_progress)
    git("fsck", "--strict", "--full", cwd=path)
    return path


def error(answer: httpx.Response) -> dict[str, Any]:
    return dict(answer.json()["error"])


# --- what is answered, and what is there afterwards -------------------------------------------------------------------


async def test_a_commit_is_answered_with_its_ids_and_is_what_git_reads(rest: RestClient, tmp_path: Path) -> None:
    answer = await made(rest, write("folder/a.txt", "a\n"))
    assert answer.keys() == {"commit", "tree", "branch"}
    assert answer["branch"] == "main"
    out = exported(rest, tmp_path)
    assert git("rev-parse", "main", "main^{tree}", cwd=out).decode().split() == [answer["commit"], answer["tree"]]
    assert git("show", "main:folder/a.txt", cwd=out) == b"a\n"
    assert git("log", "--format=%an <%ae>|%cn <%ce>|%B", "main", cwd=out).decode().strip() == (
        "Artifacts <artifacts@noreply.local>|Artifacts <artifacts@noreply.local>|a message"
    )


async def test_author_and_committer_are_told_apart(rest: RestClient, tmp_path: Path) -> None:
    author = {"name": "Ada", "email": "ada@x", "date": 1_700_000_000, "offset": "+0130"}
    await made(rest, author=author, committer={"name": "Bob", "email": "bob@x", "date": 5})
    out = exported(rest, tmp_path)
    shown = git("log", "--format=%an %ae %ad %cn %ce %cd", "--date=raw", "main", cwd=out).decode().strip()
    assert shown == "Ada ada@x 1700000000 +0130 Bob bob@x 5 +0000"


async def test_the_committer_is_the_author_if_none_is_named(rest: RestClient, tmp_path: Path) -> None:
    await made(rest, author={"name": "Ada", "email": "ada@x"})
    out = exported(rest, tmp_path)
    assert git("log", "--format=%an %ae %cn %ce", "main", cwd=out) == b"Ada ada@x Ada ada@x\n"


async def test_content_is_text_octets_or_nothing(rest: RestClient, tmp_path: Path) -> None:
    octets = bytes(range(256))
    await made(
        rest, write("text", "ä\n"), write("octets", contentBase64=base64.b64encode(octets).decode()), write("nothing")
    )
    out = exported(rest, tmp_path)
    for path, content in {"text": "ä\n".encode(), "octets": octets, "nothing": b""}.items():
        assert git("cat-file", "blob", f"main:{path}", cwd=out) == content


async def test_files_with_a_meaning_to_git_that_stay_as_they_were_need_not_come_again(rest: RestClient) -> None:
    special = (
        write(".gitmodules", '[submodule "a"]\n\tpath = a\n\turl = https://a.example/a.git\n'),
        write(".gitattributes"),
    )
    first = await made(rest, *special)
    second = await made(rest, write("other", "x"), parent=first["commit"])
    assert second["commit"] != first["commit"]


async def test_modes_of_scripts_and_links(rest: RestClient, tmp_path: Path) -> None:
    root = await made(rest, write("run", "x", mode="100755"), write("link", "run", mode="120000"), write("a", "x"))
    await made(rest, write("run", "y"), write("a", "y", mode="100644"), parent=root["commit"])
    listed = git("ls-tree", "main", cwd=exported(rest, tmp_path)).decode().splitlines()
    assert {line.split("\t")[1]: line[:6] for line in listed} == {"a": "100644", "link": "120000", "run": "100755"}


async def test_deletions_and_moves(rest: RestClient, tmp_path: Path) -> None:
    root = await made(rest, write("folder/a", "a"), write("folder/b", "b"), write("c", "c"))
    changes = (
        {"op": "move", "from": "folder", "to": "moved/here"},
        {"op": "delete", "path": "c"},
        {"op": "delete", "path": "not/there"},
    )
    await made(rest, *changes, parent=root["commit"])
    listed = git("ls-tree", "-r", "--name-only", "main", cwd=exported(rest, tmp_path)).decode().split()
    assert listed == ["moved/here/a", "moved/here/b"]


async def test_paths_that_are_no_text_are_quoted_as_where_they_are_read(rest: RestClient, tmp_path: Path) -> None:
    root = await made(rest, write('"na\\377me"', "x"), write('"\\"quoted\\""', "x"))
    listed = git("ls-tree", "-rz", "--name-only", "main", cwd=exported(rest, tmp_path))
    assert sorted(listed.split(b"\0")[:-1]) == [b'"quoted"', b"na\xffme"]
    assert (await commit(rest, write('"not closed', "x"), parent=root["commit"])).status_code == 400


async def test_a_commit_without_changes_is_made(rest: RestClient) -> None:
    root = await made(rest, write("a"))
    second = await made(rest, parent=root["commit"])
    assert second["tree"] == root["tree"]
    assert (await rest.call("POST", ROUTE, {"branch": "side", "message": "m"})).status_code == 200


async def test_forced_commits_move_their_branch(rest: RestClient) -> None:
    root = await made(rest, write("a"))
    await made(rest, write("b"), parent=root["commit"])
    forced = await made(rest, write("c"), parent=root["commit"], force=True)
    refs = (await rest.call("GET", "/v1/repos/project/refs")).json()
    assert refs == [{"name": "refs/heads/main", "sha": forced["commit"]}]


async def test_in_a_sha256_repository_ids_have_64_digits(rest: RestClient, tmp_path: Path) -> None:
    await rest.create("longer", objectFormat="sha256")
    first = await rest.call("POST", "/v1/repos/longer/commits", {"branch": "main", "message": "m"})
    assert len(first.json()["commit"]) == 64
    body = {"branch": "main", "message": "m", "parent": first.json()["commit"], "changes": [write("a", "b")]}
    assert (await rest.call("POST", "/v1/repos/longer/commits", body)).status_code == 200
    assert (await rest.call("POST", "/v1/repos/longer/commits", body | {"parent": UNKNOWN})).status_code == 400


async def test_after_many_commits_the_packs_are_few(rest: RestClient) -> None:
    parent = None
    for number in range(80):
        parent = (await made(rest, write("a", str(number)), parent=parent))["commit"]
    assert len(rest.engine.load("project").manifest.packs) < 40
    assert (await rest.call("GET", "/v1/repos/project")).json()["commitCount"] == 80


# --- conflicts --------------------------------------------------------------------------------------------------------


async def test_a_parent_that_is_not_the_branchs_value_is_a_conflict_with_both(rest: RestClient) -> None:
    root = (await made(rest, write("a")))["commit"]
    second = (await made(rest, write("b"), parent=root))["commit"]
    cases: list[tuple[dict[str, Any], dict[str, str | None]]] = [
        ({"parent": root}, {"branch": "main", "expected": root, "current": second}),
        ({"parent": None}, {"branch": "main", "expected": None, "current": second}),
        ({}, {"branch": "main", "expected": None, "current": second}),
        ({"parent": root, "branch": "side"}, {"branch": "side", "expected": root, "current": None}),
    ]
    for fields, told in cases:
        answer = await commit(rest, write("c"), **fields)
        assert answer.status_code == 409
        found = error(answer)
        assert found.pop("message")
        assert found == {"code": "ref_conflict", **told}


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (write("a/../b"), ".."),
        (write("/a"), "/a"),
        (write(""), "path"),
        (write(".git/config"), ".git"),
        (write("a", mode="100600"), "100600"),
        (write("a", mode="40000"), "40000"),
        (write("a", mode="160000"), "160000"),
        (write("a", contentBase64="!"), "base64"),
        (write("a", contentBase64="YQ"), "base64"),
        (write("a", contentBase64="YQ==\n"), "base64"),
        (write("a", "b", contentBase64="Yg=="), "exclude each other"),
        (write("a", "x" * (MAX_BLOB_BYTES + 1)), str(MAX_BLOB_BYTES)),
        ({"op": "move", "from": "not-there", "to": "b"}, "not-there"),
        ({"op": "delete", "path": "a//b"}, "a//b"),
    ],
)
async def test_a_change_that_cannot_be_made_is_400_and_says_which(
    rest: RestClient, change: dict[str, str], said: str
) -> None:
    answer = await commit(rest, write("good"), change)
    assert (answer.status_code, error(answer)["code"]) == (400, "bad_request"), answer.text
    assert said in error(answer)["message"]
    assert (await rest.call("GET", "/v1/repos/project/refs")).json() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"branch": "a..b"},
        {"branch": ""},
        {"branch": "HEAD"},
        {"parent": UNKNOWN},
        {"parent": "main"},
        {"parent": UNKNOWN[:39]},
        {"parent": "A" * 40},
        {"message": "a\0b"},
        {"author": {"name": "<>", "email": "x"}},
        {"author": {"name": "x", "email": "a\0b"}},
        {"author": {"name": "x", "email": "x", "offset": "UTC"}},
    ],
)
async def test_bad_branches_parents_and_people_are_400(rest: RestClient, fields: dict[str, Any]) -> None:
    answer = await commit(rest, **fields)
    assert (answer.status_code, error(answer)["code"]) == (400, "bad_request"), answer.text


@pytest.mark.parametrize(
    "fields",
    [
        {"branch": 5},
        {"changes": [{"op": "copy", "path": "a"}]},
        {"changes": [{"path": "a"}]},
        {"changes": [{"op": "write"}]},
        {"changes": {}},
        {"parent": 5},
        {"message": None},
        {"author": {"name": "x"}},
        {"author": {"name": "x", "email": "x", "date": -1}},
    ],
)
async def test_fields_of_the_wrong_type_are_422(rest: RestClient, fields: dict[str, Any]) -> None:
    answer = await rest.call("POST", ROUTE, {"branch": "main", "message": "m", **fields})
    assert (answer.status_code, error(answer)["code"]) == (422, "bad_request"), answer.text


async def test_half_a_surrogate_is_no_json(rest: RestClient) -> None:
    body = b'{"branch":"main","message":"\\ud800"}'
    answer = await rest.call("POST", ROUTE, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


async def test_a_body_may_hold_a_file_of_the_largest_size_in_base64(rest: RestClient) -> None:
    content = base64.b64encode(bytes(MAX_BLOB_BYTES)).decode()
    assert (await commit(rest, write("a", contentBase64=content))).status_code == 200


async def test_a_larger_body_is_413_and_other_routes_have_a_lesser_limit(rest: RestClient) -> None:
    assert (await commit(rest, message="x" * 9000)).status_code == 413
    assert (await rest.call("POST", "/v1/repos/project/merge", {"x": "x" * 3500})).status_code == 413


async def test_a_body_that_does_not_say_its_length_is_413_too(rest: RestClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"branch":"main","message":"'
        for _ in range(10):
            yield b"x" * 1000
        yield b'"}'

    answer = await rest.call("POST", ROUTE, content=pieces(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


async def test_too_many_changes_are_422(tmp_path: Path) -> None:
    async with rest_client(tmp_path / "data") as rest:
        await rest.create("project")
        changes = [{"op": "delete", "path": "a"}] * MAX_CHANGES
        assert (await commit(rest, *changes)).status_code == 200
        assert (await commit(rest, *changes, {"op": "delete", "path": "a"}, branch="side")).status_code == 422


async def test_a_commit_beyond_the_byte_quota_is_413_with_figures(tmp_path: Path) -> None:
    async with rest_client(tmp_path / "data", max_repo_bytes=1000) as rest:
        await rest.create("project")
        octets = hashlib.shake_256(b"seed").digest(2000)
        answer = await commit(rest, write("a", contentBase64=base64.b64encode(octets).decode()))
        assert answer.status_code == 413
        found = error(answer)
        assert (found["code"], found["repoId"], found["limit"]) == ("repo_byte_quota_exceeded", "project", 1000)
        assert found["bytesUsed"] > 1000


async def test_a_read_only_repository_and_a_protected_branch_are_403(rest: RestClient) -> None:
    root = await made(rest, write("a"))
    rest.engine.catalog.update_repository("project", rules=(RefRule("refs/heads/main", deny_force=True),))
    forced = await commit(rest, write("b"), force=True)
    assert (forced.status_code, error(forced)["code"]) == (403, "forbidden")
    rest.engine.catalog.update_repository("project", read_only=True)
    answer = await commit(rest, write("b"), parent=root["commit"])
    assert (answer.status_code, error(answer)["code"]) == (403, "forbidden")


# --- the order of checks ----------------------------------------------------------------------------------------------


async def test_access_is_checked_before_the_body(rest: RestClient) -> None:
    await rest.call("POST", "/v1/repos", {"id": "alices"}, headers=ALICE)
    cases: list[tuple[str, dict[str, str], int, str]] = [
        ("alices", {"Authorization": "Bearer nobody"}, 401, "unauthorized"),
        ("Bad.Id", ALICE, 400, "invalid_repo_id"),
        ("missing", ALICE, 404, "repo_not_found"),
        ("alices", BOB, 403, "forbidden"),
        ("alices", ALICE, 400, "bad_request"),
    ]
    for repository_id, who, status, code in cases:
        headers = {"Content-Type": "application/json"} | who
        answer = await rest.call("POST", f"/v1/repos/{repository_id}/commits", content=b"{", headers=headers)
        assert (answer.status_code, error(answer)["code"]) == (status, code)


async def test_an_owner_commits_and_is_named_as_the_actor(rest: RestClient) -> None:
    await rest.call("POST", "/v1/repos", {"id": "alices"}, headers=ALICE)
    body = {"branch": "main", "message": "m"}
    assert (await rest.call("POST", "/v1/repos/alices/commits", body, headers=ALICE)).status_code == 200
    assert rest.engine.load("alices").manifest.actor == "alice"


async def test_without_a_json_content_type_it_is_415(rest: RestClient) -> None:
    answer = await rest.call("POST", ROUTE, content=json.dumps({"branch": "main", "message": "m"}).encode())
    assert answer.status_code == 415


# --- beside Git, over a real server -----------------------------------------------------------------------------------


def test_git_clones_what_rest_made_and_rest_goes_on_from_what_git_pushed(
    server: RunningServer, remote: str, work: Path
) -> None:
    repository_id = remote.rpartition("/")[2].removesuffix(".git")
    route = f"/v1/repos/{repository_id}/commits"
    tip = git("rev-parse", "HEAD", cwd=work).decode().strip()
    body = {"branch": "main", "parent": tip, "message": "By REST", "changes": [write("rest", "r\n")]}
    status, answer = server.rest("POST", route, body)
    assert status == 200, answer
    git("pull", "--quiet", "origin", "main", cwd=work)
    assert git("rev-parse", "HEAD", cwd=work).decode().strip() == answer["commit"]
    assert (work / "rest").read_text() == "r\n"
    commit_file(work, "git", b"g\n", "By Git")
    git("push", "--quiet", "origin", "main", cwd=work)
    assert server.rest("POST", route, body)[0] == 409


def test_pushes_and_commits_to_one_branch_have_one_winner_each_time(
    server: RunningServer, remote: str, work: Path, tmp_path: Path
) -> None:
    repository_id = remote.rpartition("/")[2].removesuffix(".git")
    clones = []
    for number in range(3):
        git("clone", "--quiet", remote, tmp_path / f"clone-{number}")
        clones.append(tmp_path / f"clone-{number}")
    for turn in range(3):
        tip = git("ls-remote", remote, "refs/heads/main").split()[0].decode()

        def push(clone: Path, tip: str = tip, turn: int = turn) -> str | None:
            git("fetch", "--quiet", "origin", cwd=clone)
            git("reset", "--quiet", "--hard", tip, cwd=clone)
            commit_file(clone, f"{clone.name}-{turn}", b"x\n", "By Git")
            done = git_result("push", "--quiet", "origin", "HEAD:main", cwd=clone)
            return None if done.returncode else git("rev-parse", "HEAD", cwd=clone).decode().strip()

        def post(number: int, tip: str = tip, turn: int = turn) -> str | None:
            changes = [write(f"rest-{number}-{turn}", "x\n")]
            body = {"branch": "main", "parent": tip, "message": f"By REST {number}", "changes": changes}
            status, answer = server.rest("POST", f"/v1/repos/{repository_id}/commits", body)
            assert status in {200, 409}, answer
            return answer["commit"] if status == 200 else None

        with ThreadPoolExecutor(6) as pool:
            results = [*pool.map(push, clones), *pool.map(post, range(3))]
        won = [commit_id for commit_id in results if commit_id is not None]
        assert len(won) == 1
        assert git("ls-remote", remote, "refs/heads/main").split()[0].decode() == won[0]


def test_32_commits_at_once_to_32_branches_all_win(server: RunningServer, remote: str) -> None:
    repository_id = remote.rpartition("/")[2].removesuffix(".git")

    def post(number: int) -> tuple[int, Any]:
        body = {"branch": f"b{number}", "message": "m", "changes": [write("a", str(number))]}
        return server.rest("POST", f"/v1/repos/{repository_id}/commits", body)

    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(post, range(32)))
    assert {status for status, _ in results} == {200}
    listed = dict(line.split()[::-1] for line in git("ls-remote", "--heads", remote).decode().splitlines())
    assert listed == {f"refs/heads/b{number}": answer["commit"] for number, (_, answer) in enumerate(results)}


@pytest.mark.parametrize(("repository", "status"), [("project", 403), ("missing", 404)])
async def test_a_long_body_is_awaited_of_nobody_who_may_not_write(
    rest: RestClient, repository: str, status: int
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b" " * 1_000_000
        await trio.sleep_forever()

    headers = {"Authorization": "Bearer user:stranger", "Content-Type": "application/json"}
    with trio.fail_after(20):
        answer = await rest.http.post(f"/v1/repos/{repository}/commits", content=endless(), headers=headers)
    assert answer.status_code == status
