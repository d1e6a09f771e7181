"""Refs over REST: lists in pages, and moves by compare-and-swap."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.rest import RestClient, rest_client

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}
UNKNOWN = "1" * 40
ROUTE = "/v1/repos/project/refs"


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        await client.create("project")
        yield client


@pytest.fixture
async def commits(rest: RestClient) -> list[str]:
    """Two commits of main, the older first."""
    first = await committed(rest, None)
    return [first, await committed(rest, first)]


async def committed(rest: RestClient, parent: str | None) -> str:
    body = {"branch": "main", "parent": parent, "message": "m"}
    answer = await rest.call("POST", "/v1/repos/project/commits", body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["commit"])


async def listed(rest: RestClient, query: str = "") -> dict[str, str]:
    answer = await rest.call("GET", ROUTE + query)
    assert answer.status_code == 200, answer.text
    return {item["name"]: item["sha"] for item in answer.json()}


# --- listing ----------------------------------------------------------------------------------------------------------


async def test_an_empty_repository_has_no_refs(rest: RestClient) -> None:
    assert await listed(rest) == {}


async def test_all_refs_come_in_one_array_in_name_order(rest: RestClient, commits: list[str]) -> None:
    for name in ("tags/v2", "tags/v1"):
        await rest.call("PUT", f"{ROUTE}/{name}", {"sha": commits[0]})
    answer = await rest.call("GET", ROUTE)
    assert answer.json() == [
        {"name": "refs/heads/main", "sha": commits[1]},
        {"name": "refs/tags/v1", "sha": commits[0]},
        {"name": "refs/tags/v2", "sha": commits[0]},
    ]
    assert "X-Next-Cursor" not in answer.headers


async def test_a_prefix_narrows_the_list(rest: RestClient, commits: list[str]) -> None:
    await rest.call("PUT", f"{ROUTE}/tags/v1", {"sha": commits[0]})
    assert set(await listed(rest, "?prefix=refs/tags/")) == {"refs/tags/v1"}
    assert await listed(rest, "?prefix=refs/other/") == {}


async def test_a_cursor_goes_on_where_a_page_ended(rest: RestClient, commits: list[str]) -> None:
    for number in range(5):
        await rest.call("PUT", f"{ROUTE}/tags/t{number}", {"sha": commits[0]})
    names: list[str] = []
    query = "?limit=2"
    while True:
        answer = await rest.call("GET", ROUTE + query)
        names += [item["name"] for item in answer.json()]
        if "X-Next-Cursor" not in answer.headers:
            break
        assert len(answer.json()) == 2
        query = f"?limit=2&cursor={answer.headers['X-Next-Cursor']}"
    assert names == ["refs/heads/main", *(f"refs/tags/t{number}" for number in range(5))]


@pytest.mark.parametrize("query", ["?limit=x", "?limit=-1", "?cursor=x", "?cursor="])
async def test_a_bad_query_is_400(rest: RestClient, query: str) -> None:
    answer = await rest.call("GET", ROUTE + query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


async def test_hidden_refs_are_not_there(tmp_path: Path) -> None:
    async with rest_client(tmp_path / "data") as rest:
        await rest.create("project")
        sha = await committed(rest, None)
        await rest.call("PUT", f"{ROUTE}/pull/1/head", {"sha": sha})
    async with rest_client(tmp_path / "data", hidden_refs=("refs/pull",)) as rest:
        assert set(await listed(rest)) == {"refs/heads/main"}
        for method, body in (("PUT", {"sha": sha}), ("DELETE", None)):
            answer = await rest.call(method, f"{ROUTE}/pull/1/head", body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


# --- moving -----------------------------------------------------------------------------------------------------------


async def test_a_ref_is_created_moved_and_deleted_by_what_is_expected(rest: RestClient, commits: list[str]) -> None:
    path = f"{ROUTE}/heads/topic/one"
    answer = await rest.call("PUT", path, {"sha": commits[0], "expected": None})
    assert (answer.status_code, answer.json()) == (200, {"name": "refs/heads/topic/one", "sha": commits[0]})
    answer = await rest.call("PUT", path, {"sha": commits[1], "expected": commits[0]})
    assert answer.status_code == 200
    assert (await listed(rest))["refs/heads/topic/one"] == commits[1]
    answer = await rest.call("DELETE", f"{path}?expected={commits[1]}")
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    assert set(await listed(rest)) == {"refs/heads/main"}


async def test_what_is_not_as_expected_is_a_conflict_with_both_values(rest: RestClient, commits: list[str]) -> None:
    older, newer = commits
    cases: list[tuple[str, str, Any, str | None, str | None]] = [
        ("PUT", "heads/main", {"sha": older, "expected": None}, None, newer),
        ("PUT", "heads/main", {"sha": older, "expected": older}, older, newer),
        ("PUT", "heads/side", {"sha": older, "expected": older}, older, None),
        ("DELETE", f"heads/side?expected={older}", None, older, None),
    ]
    for method, path, body, expected, current in cases:
        answer = await rest.call(method, f"{ROUTE}/{path}", body)
        assert answer.status_code == 409
        found = answer.json()["error"]
        assert found.pop("message")
        name = "refs/" + path.partition("?")[0]
        assert found == {"code": "ref_conflict", "branch": name, "expected": expected, "current": current}
    assert await listed(rest) == {"refs/heads/main": newer}


async def test_without_an_expectation_a_ref_moves_and_goes(rest: RestClient, commits: list[str]) -> None:
    assert (await rest.call("PUT", f"{ROUTE}/heads/main", {"sha": commits[0]})).status_code == 200
    assert await listed(rest) == {"refs/heads/main": commits[0]}
    await rest.call("PUT", f"{ROUTE}/heads/side", {"sha": commits[0]})
    assert (await rest.call("DELETE", f"{ROUTE}/heads/side")).status_code == 200
    assert await listed(rest) == {"refs/heads/main": commits[0]}


@pytest.mark.parametrize("name", ["heads/a..b", "heads/a b", "stash", "heads/x.lock", "heads/", "heads/a\x01"])
async def test_a_name_that_no_ref_may_have_is_400(rest: RestClient, commits: list[str], name: str) -> None:
    answer = await rest.call("PUT", f"{ROUTE}/{quote(name)}", {"sha": commits[0]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request"), answer.text


async def test_a_name_that_is_not_utf_8_is_400(rest: RestClient, commits: list[str]) -> None:
    for method, body in (("PUT", {"sha": commits[0]}), ("DELETE", None)):
        answer = await rest.call(method, f"{ROUTE}/heads/%FF", body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert await listed(rest) == {"refs/heads/main": commits[1]}


async def test_a_name_may_have_other_letters(rest: RestClient, commits: list[str]) -> None:
    assert (await rest.call("PUT", f"{ROUTE}/heads/{quote('größe')}", {"sha": commits[0]})).status_code == 200
    assert "refs/heads/größe" in await listed(rest)


@pytest.mark.parametrize("body", [{"sha": UNKNOWN}, {"sha": "x"}, {"sha": "A" * 40}, {"sha": UNKNOWN, "expected": "x"}])
async def test_objects_that_are_not_there_are_400(rest: RestClient, commits: list[str], body: Any) -> None:
    answer = await rest.call("PUT", f"{ROUTE}/tags/v1", body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")


async def test_a_body_without_a_value_is_422(rest: RestClient) -> None:
    assert (await rest.call("PUT", f"{ROUTE}/tags/v1", {})).status_code == 422


async def test_heads_branch_and_what_is_not_there_cannot_be_deleted(rest: RestClient, commits: list[str]) -> None:
    for name in ("heads/main", "heads/side"):
        answer = await rest.call("DELETE", f"{ROUTE}/{name}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert await listed(rest) == {"refs/heads/main": commits[1]}


async def test_a_ref_beside_a_folder_of_its_name_is_400(rest: RestClient, commits: list[str]) -> None:
    assert (await rest.call("PUT", f"{ROUTE}/heads/main/x", {"sha": commits[0]})).status_code == 400


async def test_another_owners_refs_are_neither_read_nor_moved(rest: RestClient) -> None:
    await rest.call("POST", "/v1/repos", {"id": "alices"}, headers=ALICE)
    for method, path, body in (
        ("GET", "", None),
        ("PUT", "/heads/main", {"sha": UNKNOWN}),
        ("DELETE", "/heads/main", None),
    ):
        answer = await rest.call(method, f"/v1/repos/alices/refs{path}", body, headers=BOB)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


async def test_anybody_lists_the_refs_of_a_public_repository_and_moves_none(
    rest: RestClient, commits: list[str]
) -> None:
    rest.engine.catalog.update_repository("project", is_public=True)
    anonymous = {"Authorization": ""}
    del rest.http.headers["Authorization"]
    assert (await rest.call("GET", ROUTE)).status_code == 200
    assert (await rest.call("PUT", f"{ROUTE}/heads/x", {"sha": commits[0]})).status_code == 401
    assert (await rest.call("GET", ROUTE, headers=anonymous)).status_code == 401
    assert (await rest.call("GET", ROUTE, headers=BOB)).status_code == 200
    assert (await rest.call("PUT", f"{ROUTE}/heads/x", {"sha": commits[0]}, headers=BOB)).status_code == 403
