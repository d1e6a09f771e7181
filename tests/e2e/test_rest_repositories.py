"""The contract's rows on repositories and forks."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from packengine.repository import Actor
from packengine.storage.ports import TokenScope
from server.auth import hash_token
from tests.support.git import git, refs
from tests.support.rest import RestClient, rest_client

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        yield client


async def ids(rest: RestClient, query: str = "", **options: object) -> list[str]:
    answer = await rest.call("GET", f"/v1/repos{query}", **options)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()]


async def test_creation_tells_id_remote_and_a_write_token_without_expiry(rest: RestClient) -> None:
    answer = await rest.call("POST", "/v1/repos", {"id": "my-repo_1"})
    assert answer.status_code == 200
    made = answer.json()
    assert made.keys() == {"id", "remote", "token"}
    assert made["id"] == "my-repo_1"
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made["token"])
    assert made["remote"] == f"http://x:{made['token']}@git.test/git/my-repo_1.git"
    record = rest.engine.catalog.token(hash_token(made["token"]))
    assert record is not None
    assert (record.scope, record.expires_at_s, record.repository_id) == (TokenScope.WRITE, None, "my-repo_1")


async def test_generated_id_is_24_letters_and_digits(rest: RestClient) -> None:
    made = await rest.create()
    assert re.fullmatch(r"[a-z0-9]{24}", made["id"])


async def test_id_in_use_conflicts(rest: RestClient) -> None:
    await rest.create("twice")
    answer = await rest.call("POST", "/v1/repos", {"id": "twice"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "repo_exists")


@pytest.mark.parametrize("repository_id", ["", "abc", "x" * 65, "Upper", "a.git", "a/b/c", "äöüß", "abcd\n", "../.."])
async def test_creation_refuses_other_ids(rest: RestClient, repository_id: str) -> None:
    answer = await rest.call("POST", "/v1/repos", {"id": repository_id})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_repo_id")


@pytest.mark.parametrize("repository_id", ["abcd", "x" * 64, "_-_-", "0000"])
async def test_creation_takes_ids_of_4_to_64(rest: RestClient, repository_id: str) -> None:
    assert (await rest.create(repository_id))["id"] == repository_id


async def test_bad_default_branch_is_a_bad_request(rest: RestClient) -> None:
    answer = await rest.call("POST", "/v1/repos", {"defaultBranch": "a..b"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


async def test_list_is_newest_first_with_total(rest: RestClient) -> None:
    for repository_id in ("first", "second", "third"):
        await rest.create(repository_id)
    answer = await rest.call("GET", "/v1/repos", params={"limit": 2})
    assert [item["id"] for item in answer.json()] == ["third", "second"]
    assert answer.headers["X-Total-Count"] == "3"
    assert await ids(rest, "?limit=2&offset=2") == ["first"]
    assert await ids(rest, "?limit=0") == []
    assert await ids(rest, "?limit=999999") == ["third", "second", "first"]


async def test_list_items_have_the_contracts_fields(rest: RestClient) -> None:
    before_s = int(time.time())
    await rest.create("source")
    await rest.call("POST", "/v1/repos/source/forks", {"id": "fork"})
    fork, source = (await rest.call("GET", "/v1/repos")).json()
    assert source.keys() == {"id", "owner", "createdAt", "readOnly", "description", "visibility"}
    assert source["owner"] is None
    assert before_s <= source["createdAt"] <= time.time()
    assert fork["sourceId"] == "source"


@pytest.mark.parametrize("query", ["limit=x", "limit=-1", "limit=", "offset=1.5", "limit=" + "9" * 40, "offset=٣"])
async def test_bad_page_is_a_bad_request(rest: RestClient, query: str) -> None:
    answer = await rest.call("GET", f"/v1/repos?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


async def test_empty_repository_is_told_without_head(rest: RestClient) -> None:
    await rest.create("empty")
    answer = await rest.call("GET", "/v1/repos/empty")
    assert answer.status_code == 200
    shown = answer.json()
    assert "headSha" not in shown
    assert (shown["refs"], shown["sizeBytes"], shown["commitCount"], shown["forkCount"]) == ([], 0, 0, 0)


async def test_repository_is_told_as_git_sees_it(rest: RestClient, small_repo: Path) -> None:
    actor = Actor("admin", "r")
    await trio.to_thread.run_sync(
        lambda: rest.engine.import_repository(small_repo, "real", actor, progress=lambda *_: None)
    )
    shown = (await rest.call("GET", "/v1/repos/real")).json()
    expected = refs(small_repo)
    expected.pop("HEAD")
    assert {ref["name"]: ref["sha"] for ref in shown["refs"]} == expected
    assert shown["headSha"] == git("rev-parse", "HEAD", cwd=small_repo).decode().strip()
    assert shown["commitCount"] == int(git("rev-list", "--count", "HEAD", cwd=small_repo))
    assert shown["sizeBytes"] > 0


async def test_fork_has_a_token_of_its_own(rest: RestClient) -> None:
    source = await rest.create("source")
    answer = await rest.call("POST", "/v1/repos/source/forks", {"id": "fork"})
    assert answer.status_code == 200
    fork = answer.json()
    assert fork["id"] == "fork"
    assert fork["token"] != source["token"]
    assert fork["remote"].endswith("@git.test/git/fork.git")
    shown = (await rest.call("GET", "/v1/repos/source")).json()
    assert shown["forkCount"] == 1


async def test_read_only_fork_gets_a_read_token(rest: RestClient) -> None:
    await rest.create("source")
    fork = (await rest.call("POST", "/v1/repos/source/forks", {"readOnly": True})).json()
    record = rest.engine.catalog.token(hash_token(fork["token"]))
    assert record is not None
    assert record.scope is TokenScope.READ
    assert (await rest.call("GET", f"/v1/repos/{fork['id']}")).json()["readOnly"]


async def test_fork_of_nothing_is_not_found(rest: RestClient) -> None:
    answer = await rest.call("POST", "/v1/repos/nothing/forks", {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "repo_not_found")


async def test_deleted_repository_is_gone(rest: RestClient) -> None:
    await rest.create("doomed")
    answer = await rest.call("DELETE", "/v1/repos/doomed")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert (await rest.call("GET", "/v1/repos/doomed")).status_code == 404
    assert (await rest.call("DELETE", "/v1/repos/doomed")).status_code == 404


async def test_live_forks_stand_in_the_way_of_deletion(rest: RestClient) -> None:
    await rest.create("source")
    await rest.call("POST", "/v1/repos/source/forks", {"id": "fork"})
    answer = await rest.call("DELETE", "/v1/repos/source")
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert (error["code"], error["repoId"], error["forks"]) == ("fork_dependency", "source", ["fork"])
    assert await ids(rest) == ["fork", "source"]


async def test_force_leaves_the_forks(rest: RestClient) -> None:
    await rest.create("source")
    await rest.call("POST", "/v1/repos/source/forks", {"id": "fork"})
    answer = await rest.call("DELETE", "/v1/repos/source?force=true")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert await ids(rest) == ["fork"]


async def test_cascade_tells_what_went_deepest_first(rest: RestClient) -> None:
    await rest.create("source")
    await rest.call("POST", "/v1/repos/source/forks", {"id": "fork"})
    await rest.call("POST", "/v1/repos/fork/forks", {"id": "forks-fork"})
    answer = await rest.call("DELETE", "/v1/repos/source?cascade=1")
    assert answer.json() == {"ok": True, "deleted": ["forks-fork", "fork", "source"]}
    assert await ids(rest) == []


@pytest.mark.parametrize("query", ["force=true&cascade=true", "force=yes", "cascade="])
async def test_bad_deletion_is_a_bad_request_and_deletes_nothing(rest: RestClient, query: str) -> None:
    await rest.create("kept")
    answer = await rest.call("DELETE", f"/v1/repos/kept?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert await ids(rest) == ["kept"]


async def test_users_see_and_touch_their_own_repositories_only(rest: RestClient) -> None:
    answer = await rest.call("POST", "/v1/repos", {"id": "alices"}, headers=ALICE)
    assert answer.status_code == 200
    assert await ids(rest, headers=ALICE) == ["alices"]
    assert await ids(rest, headers=BOB) == []
    assert (await rest.call("GET", "/v1/repos/alices", headers=ALICE)).json()["owner"] == "alice"
    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/forks"), ("POST", "/tokens"), ("GET", "/tokens")]:
        answer = await rest.call(method, f"/v1/repos/alices{path}", headers=BOB)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert (await rest.call("GET", "/v1/repos/alices")).status_code == 200


async def test_remote_uses_the_public_base_url(tmp_path: Path) -> None:
    async with rest_client(tmp_path / "data", public_base_url="https://git.example.com/base") as rest:
        made = await rest.create("abcd")
    assert made["remote"] == f"https://x:{made['token']}@git.example.com/base/git/abcd.git"


@pytest.mark.parametrize("host", ["evil.test/path", "a@b", "a b", "", "[::1", "host:port", "host:123456"])
async def test_host_that_cannot_stand_in_a_url_is_not_repeated(rest: RestClient, host: str) -> None:
    answer = await rest.call("POST", "/v1/repos", {"id": "abcd"}, headers={"Host": host})
    assert answer.json()["remote"].endswith("@127.0.0.1:8787/git/abcd.git")
