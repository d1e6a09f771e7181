"""The log over REST: the contract's row, filters and pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from packengine.repository.browsing import log as log_module
from tests.support.browsing import FEATURE, LATIN_1_NAME, make_browsed, revision, take_over
from tests.support.git import git
from tests.support.rest import RestClient, rest_client

COMMITS = "/v1/repos/browsed/commits"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_browsed(tmp_path_factory.mktemp("browsed") / "browsed.git")


@pytest.fixture
async def rest(tmp_path: Path, repository: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        take_over(client.engine, repository, "browsed")
        yield client


async def logged(rest: RestClient, **query: object) -> Any:
    answer = await rest.call("GET", COMMITS, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def shas(commits: Any) -> list[str]:
    return [commit["sha"] for commit in commits]


def git_log(repository: Path, *arguments: str) -> list[str]:
    return git("log", "--format=%H", *arguments, cwd=repository).decode().split()


async def test_commit_says_what_git_says(rest: RestClient, repository: Path) -> None:
    form = "%H%x00%T%x00%P%x00%an%x00%ae%x00%cn%x00%ce%x00%ct%x00%at%x00%B%x01"
    output = git("log", f"--format={form}", "main", cwd=repository).decode()
    for commit, record in zip(await logged(rest), output.split("\x01\n"), strict=False):
        sha, tree, parents, name, email, committer, committer_email, time_s, author_time_s, body = record.split("\0")
        assert commit == {
            "sha": sha,
            "tree": tree,
            "parents": parents.split(),
            "author": {"name": name, "email": email},
            "committer": {"name": committer, "email": committer_email},
            "message": commit["message"],
            "timestamp": int(time_s),
            "authorTimestamp": int(author_time_s),
        }
        assert commit["message"].rstrip("\n") == body.rstrip("\n")


async def test_log_is_newest_first_from_head(rest: RestClient, repository: Path) -> None:
    assert shas(await logged(rest)) == git_log(repository, "main")
    for ref in (FEATURE, "release/v1.0", "main~1", revision(repository, FEATURE)):
        assert shas(await logged(rest, ref=ref)) == git_log(repository, ref)


async def test_text_is_read_by_the_commits_encoding(rest: RestClient) -> None:
    commits = await logged(rest, ref="main~1", limit=1)
    assert (commits[0]["message"], commits[0]["author"]["name"]) == ("Größer\n", LATIN_1_NAME)


async def test_limit_and_skip_cut_out_a_part(rest: RestClient, repository: Path) -> None:
    everything = git_log(repository, "main")
    assert shas(await logged(rest, limit=2)) == everything[:2]
    assert shas(await logged(rest, limit=2, skip=1)) == everything[1:3]
    assert await logged(rest, limit=0) == []
    assert await logged(rest, skip=100) == []
    assert shas(await logged(rest, limit=99_999)) == everything


@pytest.mark.parametrize("path", ["src", "src/main.c", "lib/core.c", "README", "src/deep/er", "no/such", "binary.dat"])
async def test_path_keeps_the_commits_that_changed_it(rest: RestClient, repository: Path, path: str) -> None:
    assert shas(await logged(rest, path=path)) == git_log(repository, "main", "--", path)


async def test_path_that_is_no_utf_8_is_taken_as_it_is_listed(rest: RestClient, repository: Path) -> None:
    assert shas(await logged(rest, path='"na\\377me"')) == git_log(repository, "main")[-1:]


async def test_times_are_the_committers(rest: RestClient, repository: Path) -> None:
    commits = await logged(rest)
    middle = commits[1]["timestamp"]
    assert shas(await logged(rest, since=middle)) == git_log(repository, f"--since={middle}", "main")
    assert shas(await logged(rest, until=middle)) == git_log(repository, f"--until={middle}", "main")
    told = git("log", "-1", "--format=%cI", commits[1]["sha"], cwd=repository).decode().strip()
    assert shas(await logged(rest, since=told)) == shas(await logged(rest, since=middle))
    assert await logged(rest, since="2100-01-01") == []
    assert shas(await logged(rest, since="0001-01-01")) == shas(await logged(rest))


@pytest.mark.parametrize("query", [{}, {"path": "src"}, {"ref": FEATURE}, {"until": "1600300000"}])
async def test_pages_make_up_the_whole(rest: RestClient, query: dict[str, str]) -> None:
    whole, commits, cursor = await logged(rest, **query), [], None
    while True:
        asked = {**query, "limit": "1"} | ({} if cursor is None else {"cursor": cursor})
        answer = await rest.call("GET", COMMITS, params=asked)
        commits += answer.json()
        cursor = answer.headers.get("X-Next-Cursor")
        if cursor is None:
            break
    assert commits == whole


async def test_pages_are_of_one_history_though_the_branch_moves(rest: RestClient) -> None:
    whole = await logged(rest)
    first = await rest.call("GET", COMMITS, params={"limit": 1})
    body = {"branch": "main", "parent": whole[0]["sha"], "message": "Newer", "changes": []}
    assert (await rest.call("POST", COMMITS, body)).status_code == 200
    later = await rest.call("GET", COMMITS, params={"cursor": first.headers["X-Next-Cursor"]})
    assert first.json() + later.json() == whole


async def test_long_message_is_cut_and_says_so(rest: RestClient) -> None:
    (head,) = await logged(rest, limit=1)
    body = {"branch": "main", "parent": head["sha"], "message": "line of text\n" * 10_000, "changes": []}
    assert (await rest.call("POST", COMMITS, body)).status_code == 200
    (commit,) = await logged(rest, limit=1)
    assert commit["messageTruncated"] is True
    assert 60_000 < len(commit["message"]) <= 64 * 1024
    assert commit["message"].endswith("text\n")


async def test_empty_repository_has_no_commits(rest: RestClient) -> None:
    await rest.create("nothing-yet")
    answer = await rest.call("GET", "/v1/repos/nothing-yet/commits")
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    "query",
    [
        {"ref": "nothing"},
        {"ref": "f" * 40},
        {"limit": "-1"},
        {"limit": "many"},
        {"skip": "x"},
        {"since": "yesterday"},
        {"until": "9" * 40},
        {"path": "a//b"},
        {"cursor": "nonsense"},
    ],
)
async def test_bad_query_is_a_bad_request(rest: RestClient, query: dict[str, str]) -> None:
    answer = await rest.call("GET", COMMITS, params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request"), answer.text


async def test_request_that_looked_at_enough_says_where_to_go_on(
    rest: RestClient, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "MAX_LOOKED_AT_WITH_PATH", 1)
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        asked = {"path": "README"} | ({} if cursor is None else {"cursor": cursor})
        answer = await rest.call("GET", COMMITS, params=asked)
        found += shas(answer.json())
        cursor, pages = answer.headers.get("X-Next-Cursor"), pages + 1
    assert found == git_log(repository, "main", "--", "README")
    assert pages > 1
