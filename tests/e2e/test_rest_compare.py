"""Two revisions beside each other, over REST."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from packengine.repository.browsing import diffs as diffs_module
from tests.support.browsing import FEATURE, make_browsed, revision, take_over
from tests.support.git import git
from tests.support.rest import RestClient, rest_client

COMPARE = "/v1/repos/browsed/compare"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_browsed(tmp_path_factory.mktemp("browsed") / "browsed.git")


@pytest.fixture
async def rest(tmp_path: Path, repository: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        take_over(client.engine, repository, "browsed")
        yield client


async def compared(rest: RestClient, spec: str, **query: object) -> Any:
    answer = await rest.call("GET", f"{COMPARE}/{spec}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


PAIRS = [("main~1", FEATURE), (FEATURE, "main~1"), ("main~2", "main"), ("main", "main~2"), ("release/v1.0", "main")]


@pytest.mark.parametrize(("base", "head"), PAIRS)
@pytest.mark.parametrize("dots", ["...", ".."])
async def test_comparison_is_gits(rest: RestClient, repository: Path, base: str, head: str, dots: str) -> None:
    found = await compared(rest, f"{base}{dots}{head}")
    assert found["base"] == revision(repository, f"{base}^{{commit}}")
    assert found["head"] == revision(repository, f"{head}^{{commit}}")
    assert found["mergeBase"] == git("merge-base", base, head, cwd=repository).decode().strip()
    commits = git("rev-list", f"{base}..{head}", cwd=repository).decode().split()
    assert [commit["sha"] for commit in found["commits"]] == commits
    names = git("diff", "-M", "--name-only", "-z", f"{base}{dots}{head}", cwd=repository).decode().split("\0")[:-1]
    assert [file["path"] for file in found["files"]] == names


async def test_names_with_slashes_come_as_they_are_or_escaped(rest: RestClient) -> None:
    spec = f"{FEATURE}...release/v1.0"
    plain, escaped = await compared(rest, spec), await compared(rest, quote(spec, safe=""))
    assert plain == escaped
    assert plain["commits"]


async def test_name_that_is_left_out_is_head(rest: RestClient) -> None:
    assert await compared(rest, "main~1...") == await compared(rest, "main~1...HEAD")
    assert await compared(rest, "...main~1") == await compared(rest, "HEAD...main~1")


async def test_commits_come_in_pages_and_files_with_the_first(rest: RestClient) -> None:
    whole = await compared(rest, "main~2...main")
    first = await rest.call("GET", f"{COMPARE}/main~2...main", params={"limit": 2})
    assert first.json() == {**whole, "commits": whole["commits"][:2]}
    cursor = first.headers["X-Next-Cursor"]
    later = await rest.call("GET", f"{COMPARE}/main~2...main", params={"cursor": cursor})
    assert later.json() == {**whole, "commits": whole["commits"][2:], "files": []}
    assert "X-Next-Cursor" not in later.headers
    other = await rest.call("GET", f"{COMPARE}/main~1...main", params={"cursor": cursor})
    assert other.status_code == 400


async def test_files_that_are_left_out_are_told_of(rest: RestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "filesTruncated" not in await compared(rest, "main~2...main")
    monkeypatch.setattr(diffs_module, "MAX_PAGE_LINES", 1)
    found = await compared(rest, "main~2...main")
    assert found["filesTruncated"] is True


async def test_histories_without_a_common_ancestor_are_compared_directly(rest: RestClient) -> None:
    body = {"branch": "apart", "parent": None, "message": "Alone", "changes": [{"op": "write", "path": "a"}]}
    assert (await rest.call("POST", "/v1/repos/browsed/commits", body)).status_code == 200
    answer = await rest.call("GET", f"{COMPARE}/main...apart")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    found = await compared(rest, "main..apart")
    assert (found["mergeBase"], len(found["commits"])) == (None, 1)
    assert {file["status"] for file in found["files"]} >= {"added", "deleted"}


@pytest.mark.parametrize("spec", ["main", "main.main", "nothing...main", "main...nothing", "main....main", "a..b..c"])
async def test_what_is_no_pair_is_a_bad_request(rest: RestClient, spec: str) -> None:
    answer = await rest.call("GET", f"{COMPARE}/{spec}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
