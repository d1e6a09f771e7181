"""What a tree holds, over REST: the contract's row, and pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browsing import FEATURE, SUBMODULE_COMMIT, make_browsed, revision, take_over
from tests.support.git import git
from tests.support.rest import RestClient, rest_client

TREE = "/v1/repos/browsed/tree"
ALICE = {"Authorization": "Bearer user:alice"}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_browsed(tmp_path_factory.mktemp("browsed") / "browsed.git")


@pytest.fixture
async def rest(tmp_path: Path, repository: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        take_over(client.engine, repository, "browsed")
        yield client


async def listed(rest: RestClient, **query: object) -> Any:
    answer = await rest.call("GET", TREE, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_tree_is_recursive_and_folders_come_first(rest: RestClient) -> None:
    assert [(row["path"], row["type"]) for row in await listed(rest)] == [
        ("grün", "dir"),
        ("grün/☃", "file"),
        ("lib", "dir"),
        ("lib/core.c", "file"),
        ("src", "dir"),
        ("src/deep", "dir"),
        ("src/deep/er", "dir"),
        ("src/deep/er/leaf.txt", "file"),
        ("src/link", "file"),
        ("src/run.sh", "file"),
        ("README", "file"),
        ("binary.dat", "file"),
        ("merged", "file"),
        ('"na\\377me"', "file"),
        ("noise.bin", "file"),
        ("vendored", "submodule"),
    ]


async def test_rows_are_those_of_git(rest: RestClient, repository: Path) -> None:
    lines = git("ls-tree", "-r", "-t", "-l", "-z", "main", cwd=repository).split(b"\0")[:-1]
    expected = set()
    for line in lines:
        words, _, path = line.partition(b"\t")
        mode, _, sha, size = words.decode().split()
        expected.add((path if path != b"na\xffme" else b'"na\\377me"', mode, sha, size))
    rows = await listed(rest)
    assert {(r["path"].encode(), r["mode"], r["sha"], str(r.get("size", "-"))) for r in rows} == expected


async def test_one_folder_alone(rest: RestClient) -> None:
    rows = await listed(rest, path="src", recursive="false", ref="main~1")
    assert [(row["path"], row["type"]) for row in rows] == [
        ("src/deep", "dir"),
        ("src/link", "file"),
        ("src/main.c", "file"),
        ("src/run.sh", "file"),
    ]
    assert [row["path"] for row in await listed(rest, path="/src/deep/")] == ["src/deep/er", "src/deep/er/leaf.txt"]


async def test_modes_tell_links_and_programs(rest: RestClient) -> None:
    modes = {row["path"]: row["mode"] for row in await listed(rest, ref="main~1")}
    assert modes["src/link"] == "120000"
    assert modes["src/run.sh"] == "100755"
    assert modes["README"] == "100644"
    assert modes["src"] == "040000"


async def test_submodule_has_its_commit_and_no_size(rest: RestClient) -> None:
    (row,) = [row for row in await listed(rest) if row["type"] == "submodule"]
    assert row == {"path": "vendored", "type": "submodule", "mode": "160000", "sha": SUBMODULE_COMMIT}


async def test_ref_is_any_revision(rest: RestClient, repository: Path) -> None:
    for ref in (FEATURE, f"refs/heads/{FEATURE}", revision(repository, FEATURE), f"{FEATURE}~0"):
        paths = [row["path"] for row in await listed(rest, ref=ref)]
        assert "lib/core.c" in paths
        assert "merged" not in paths
    assert "lib" not in [row["path"] for row in await listed(rest, ref="release/v1.0")]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
@pytest.mark.parametrize("query", [{}, {"recursive": "0"}, {"path": "src"}])
async def test_pages_make_up_the_whole(rest: RestClient, limit: int, query: dict[str, str]) -> None:
    whole, rows, cursor = await listed(rest, **query), [], None
    while True:
        asked = {**query, "limit": limit} | ({} if cursor is None else {"cursor": cursor})
        answer = await rest.call("GET", TREE, params=asked)
        page = answer.json()
        rows += page
        cursor = answer.headers.get("X-Next-Cursor")
        if cursor is None:
            break
        assert len(page) == limit
    assert rows == whole


async def test_pages_are_of_one_tree_though_the_branch_moves(rest: RestClient) -> None:
    whole = await listed(rest)
    first = await rest.call("GET", TREE, params={"limit": 5})
    made = await rest.call(
        "POST",
        "/v1/repos/browsed/commits",
        {
            "branch": "main",
            "parent": (await rest.call("GET", "/v1/repos/browsed")).json()["headSha"],
            "message": "Another",
            "changes": [{"op": "write", "path": "zzz", "content": "new"}],
        },
    )
    assert made.status_code == 200, made.text
    rest_of_it = await rest.call("GET", TREE, params={"cursor": first.headers["X-Next-Cursor"]})
    assert first.json() + rest_of_it.json() == whole
    assert "zzz" in [row["path"] for row in await listed(rest)]


async def test_empty_repository_has_an_empty_tree(rest: RestClient) -> None:
    await rest.create("nothing-yet")
    answer = await rest.call("GET", "/v1/repos/nothing-yet/tree")
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    "query",
    [
        {"ref": "nothing"},
        {"ref": "f" * 40},
        {"path": "no/such"},
        {"path": "README"},
        {"path": "vendored"},
        {"path": "a//b"},
        {"recursive": "maybe"},
        {"limit": "-1"},
        {"limit": "x"},
        {"cursor": "nonsense"},
        {"cursor": ""},
    ],
)
async def test_bad_query_is_a_bad_request(rest: RestClient, query: dict[str, str]) -> None:
    answer = await rest.call("GET", TREE, params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request"), answer.text


async def test_cursor_of_other_parameters_is_refused(rest: RestClient) -> None:
    first = await rest.call("GET", TREE, params={"limit": 3})
    answer = await rest.call("GET", TREE, params={"path": "src", "cursor": first.headers["X-Next-Cursor"]})
    assert answer.status_code == 400


@pytest.mark.parametrize("route", ["tree", "commits", "blob?path=README", "diff?commit=" + "0" * 40, "compare/a...b"])
async def test_reads_are_their_owners_alone(rest: RestClient, route: str) -> None:
    path = f"/v1/repos/browsed/{route}"
    assert (await rest.call("GET", path, headers=ALICE)).status_code == 403
    assert (await rest.call("GET", path, headers={"Authorization": "Bearer nobody"})).status_code == 401
    assert (await rest.call("GET", path.replace("browsed", "missing"))).status_code == 404
    assert (await rest.call("GET", path.replace("browsed", "b"))).status_code == 400


async def test_public_repository_is_read_without_credentials(rest: RestClient, repository: Path) -> None:
    anonymous = {"Authorization": ""}
    rest.http.headers.pop("Authorization")
    routes = ["tree", "commits", "blob?path=README", f"diff?commit={revision(repository, 'main')}", "archive/main.zip"]
    for route in routes:
        assert (await rest.call("GET", f"/v1/repos/browsed/{route}")).status_code == 401
    rest.engine.catalog.update_repository("browsed", is_public=True)
    for route in routes:
        assert (await rest.call("GET", f"/v1/repos/browsed/{route}")).status_code == 200
    assert (await rest.call("GET", "/v1/repos/browsed/tree", headers=anonymous)).status_code == 401


async def test_repository_of_sha256_is_read_the_same(rest: RestClient, tmp_path: Path) -> None:
    path = make_browsed(tmp_path / "long.git", object_format="sha256")
    take_over(rest.engine, path, "long-ids")
    head = revision(path, "main")
    rows = (await rest.call("GET", f"/v1/repos/long-ids/tree?ref={head}")).json()
    assert [row["path"] for row in rows] == [row["path"] for row in await listed(rest)]
    blob = await rest.call("GET", "/v1/repos/long-ids/blob?path=README")
    assert blob.headers["ETag"] == f'"{revision(path, "main:README")}"'
    for route in (f"diff?commit={head}", "commits", "compare/main~1...main", "archive/main.tar.gz"):
        assert (await rest.call("GET", f"/v1/repos/long-ids/{route}")).status_code == 200
