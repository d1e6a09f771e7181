"""Differences over REST: the contract's row, limits and pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from packengine.repository.browsing import changes as changes_module
from packengine.repository.browsing import diffs as diffs_module
from tests.support.browsing import FEATURE, SUBMODULE_COMMIT, make_browsed, revision, take_over
from tests.support.git import git
from tests.support.rest import RestClient, rest_client

DIFF = "/v1/repos/browsed/diff"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_browsed(tmp_path_factory.mktemp("browsed") / "browsed.git")


@pytest.fixture
async def rest(tmp_path: Path, repository: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        take_over(client.engine, repository, "browsed")
        yield client


async def differing(rest: RestClient, commit: str, **query: object) -> Any:
    answer = await rest.call("GET", DIFF, params={"commit": commit, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def by_path(files: Any) -> dict[str, Any]:
    return {file["path"]: file for file in files}


async def test_root_is_compared_with_nothing(rest: RestClient, repository: Path) -> None:
    files = by_path(await differing(rest, revision(repository, "main~2")))
    assert {file["status"] for file in files.values()} == {"added"}
    assert files["README"] == {
        "path": "README",
        "status": "added",
        "additions": 1,
        "deletions": 0,
        "hunks": [
            {"oldStart": 0, "oldLines": 0, "newStart": 1, "newLines": 1, "lines": [{"kind": "add", "text": "Hello"}]}
        ],
        "mode": "100644",
        "sha": revision(repository, "main~2:README"),
    }
    assert files["empty"]["hunks"] == []
    assert files['"na\\377me"']["additions"] == 1


async def test_commit_is_compared_with_its_first_parent(rest: RestClient, repository: Path) -> None:
    files = by_path(await differing(rest, revision(repository, "main~1")))
    assert files.keys() == {"src/main.c", "empty"}
    changed, gone = files["src/main.c"], files["empty"]
    assert (changed["status"], changed["additions"], changed["deletions"]) == ("modified", 2, 3)
    assert [(hunk["oldStart"], hunk["newStart"]) for hunk in changed["hunks"]] == [(48, 48), (148, 148), (198, 196)]
    first = [(line["kind"], line["text"]) for line in changed["hunks"][0]["lines"]]
    assert first[3:5] == [("del", "line 50"), ("add", "inserted")]
    assert changed["hunks"][-1]["lines"][-1] == {"kind": "add", "text": "no end", "noNewline": True}
    assert (gone["status"], gone["deletions"], gone["hunks"]) == ("deleted", 0, [])
    assert "sha" not in gone


async def test_rename_is_found(rest: RestClient, repository: Path) -> None:
    files = by_path(await differing(rest, revision(repository, FEATURE)))
    moved = files["lib/core.c"]
    assert (moved["status"], moved["oldPath"], moved["additions"], moved["deletions"]) == (
        "renamed",
        "src/main.c",
        1,
        0,
    )
    assert "src/main.c" not in files
    apart = by_path(await differing(rest, revision(repository, FEATURE), renames="false"))
    assert (apart["lib/core.c"]["status"], apart["src/main.c"]["status"]) == ("added", "deleted")


async def test_binary_file_has_no_lines(rest: RestClient, repository: Path) -> None:
    files = by_path(await differing(rest, revision(repository, FEATURE)))
    assert files["binary.dat"]["binary"] is True
    assert (files["binary.dat"]["hunks"], files["binary.dat"]["additions"]) == ([], 0)


async def test_change_of_mode_alone_has_no_lines(rest: RestClient, repository: Path) -> None:
    file = by_path(await differing(rest, revision(repository, FEATURE)))["src/run.sh"]
    assert (file["status"], file["oldMode"], file["mode"], file["hunks"]) == ("modified", "100755", "100644", [])


async def test_submodule_is_told_as_git_does(rest: RestClient, repository: Path) -> None:
    file = by_path(await differing(rest, revision(repository, "main~2")))["vendored"]
    assert file["hunks"][0]["lines"] == [{"kind": "add", "text": f"Subproject commit {SUBMODULE_COMMIT}"}]


async def test_base_is_any_revision(rest: RestClient, repository: Path) -> None:
    head = revision(repository, "main")
    for base in ("release/v1.0", "main~2", FEATURE, head):
        lines = git("diff", "--name-only", "-z", base, "main", cwd=repository).split(b"\0")[:-1]
        assert [file["path"].encode() for file in await differing(rest, head, base=base)] == lines


async def test_context_is_chosen(rest: RestClient, repository: Path) -> None:
    commit = revision(repository, "main~1")
    for context, hunks in ((0, 3), (3, 3), (60, 1), (1000, 1)):
        file = by_path(await differing(rest, commit, context=context))["src/main.c"]
        assert len(file["hunks"]) == hunks
    bare = by_path(await differing(rest, commit, context=0))["src/main.c"]
    assert {line["kind"] for hunk in bare["hunks"] for line in hunk["lines"]} == {"add", "del"}


async def test_pages_make_up_the_whole(rest: RestClient, repository: Path) -> None:
    commit = revision(repository, "main~2")
    whole, files, cursor = await differing(rest, commit), [], None
    while True:
        asked = {"commit": commit, "limit": "3"} | ({} if cursor is None else {"cursor": cursor})
        answer = await rest.call("GET", DIFF, params=asked)
        files += answer.json()
        cursor = answer.headers.get("X-Next-Cursor")
        if cursor is None:
            break
    assert files == whole


async def test_page_ends_where_it_has_enough_lines(
    rest: RestClient, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = revision(repository, "main~2")
    whole = await differing(rest, commit)
    monkeypatch.setattr(diffs_module, "MAX_PAGE_LINES", 1)
    answer = await rest.call("GET", DIFF, params={"commit": commit})
    assert 0 < len(answer.json()) < len(whole)
    assert "X-Next-Cursor" in answer.headers


async def test_long_file_is_cut_and_says_so(
    rest: RestClient, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes_module, "MAX_FILE_LINES", 10)
    file = by_path(await differing(rest, revision(repository, "main~2")))["src/main.c"]
    assert file["truncated"] is True
    assert sum(len(hunk["lines"]) for hunk in file["hunks"]) <= 10


async def test_large_file_is_not_compared_and_says_so(
    rest: RestClient, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes_module, "MAX_FILE_BYTES", 1000)
    files = by_path(await differing(rest, revision(repository, "main~2")))
    assert (files["src/main.c"]["truncated"], files["src/main.c"]["hunks"]) == (True, [])
    assert "truncated" not in files["README"]


async def test_file_of_many_lines_is_not_compared_and_says_so(
    rest: RestClient, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = by_path(await differing(rest, revision(repository, "main~1")))["src/main.c"]
    monkeypatch.setattr(changes_module, "MAX_COMPARED_LINES", 10)
    files = by_path(await differing(rest, revision(repository, "main~1")))
    assert whole["hunks"]
    assert (files["src/main.c"]["truncated"], files["src/main.c"]["hunks"]) == (True, [])
    assert not [path for path, file in files.items() if path != "src/main.c" and file.get("truncated")]


async def test_trees_too_far_apart_are_refused(
    rest: RestClient, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes_module, "MAX_CHANGES", 3)
    answer = await rest.call("GET", DIFF, params={"commit": revision(repository, "main~2")})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"commit": "main"},
        {"commit": "f" * 40},
        {"commit": "f" * 39},
        {"base": "nothing"},
        {"context": "-1"},
        {"context": "1001"},
        {"renames": "perhaps"},
        {"cursor": "nonsense"},
    ],
)
async def test_bad_query_is_a_bad_request(rest: RestClient, repository: Path, query: dict[str, str]) -> None:
    full = {"commit": revision(repository, "main")} | query if query and "commit" not in query else query
    answer = await rest.call("GET", DIFF, params=full)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request"), answer.text
