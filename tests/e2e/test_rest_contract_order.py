"""The order of checks, of every route that there is: what comes later is bad too, and is not heard of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.rest.openapi import Route, routes
from tests.support.rest import RestClient, rest_application, rest_client

ALICE = {"Authorization": "Bearer user:alice"}
BAD_QUERY = "?limit=x&context=x&force=x&recursive=x&at=x&cursor=%00&commit=x&expected=x"
OTHER_PATHS = {"name": "heads/a..b", "spec": "nothing", "asset": "nothing"}


@pytest.fixture(scope="module")
def every_route(tmp_path_factory: pytest.TempPathFactory) -> list[Route]:
    with rest_application(tmp_path_factory.mktemp("data")) as app:
        return [route for route in routes(app) if not route.operation.public]


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        await client.create("somebody-elses")
        yield client


def of_repositories(every_route: list[Route]) -> list[Route]:
    """But for the return of a deleted one, which has no live repository to check."""
    found = [route for route in every_route if "{repository_id}" in route.path]
    return [route for route in found if not route.path.endswith("/undelete")]


async def ask(rest: RestClient, route: Route, repository_id: str, headers: dict[str, str]) -> httpx.Response:
    """With a query and a body that would be refused."""
    path = route.path.format(repository_id=repository_id, **OTHER_PATHS)
    content = b"no JSON" if route.operation.body else None
    sent = {**headers, "Content-Type": "application/json"} if content else headers
    return await rest.call(route.method, path + BAD_QUERY, content=content, headers=sent)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_authentication_comes_first(rest: RestClient, every_route: list[Route]) -> None:
    assert len(every_route) > 30
    for route in every_route:
        answer = await ask(rest, route, "!", {"Authorization": "Bearer nobody"})
        assert code(answer) == (401, "unauthorized"), route.path


async def test_the_rate_comes_before_the_id(tmp_path: Path, every_route: list[Route]) -> None:
    slow: dict[str, Any] = {f"rate_{name}": "1/1h" for name in ("create", "token", "commit", "read")}
    async with rest_client(tmp_path / "data", **slow) as rest:
        for number, route in enumerate(of_repositories(every_route)):
            headers = {"Authorization": f"Bearer user:user-{number}"}
            assert code(await ask(rest, route, "!", headers)) == (400, "invalid_repo_id"), route.path
            answer = await ask(rest, route, "!", headers)
            assert code(answer) == (429, "rate_limited"), route.path
            assert answer.headers["Retry-After"] == str(answer.json()["error"]["retryAfter"])


async def test_the_id_comes_before_existence_and_existence_before_the_owner(
    rest: RestClient, every_route: list[Route]
) -> None:
    for route in of_repositories(every_route):
        assert code(await ask(rest, route, "!", ALICE)) == (400, "invalid_repo_id"), route.path
        is_deletion = (route.method, route.path) == ("DELETE", "/v1/repos/{repository_id}")
        absent = (403, "forbidden") if is_deletion else (404, "repo_not_found")
        assert code(await ask(rest, route, "missing", ALICE)) == absent, route.path


async def test_the_owner_comes_before_query_and_body(rest: RestClient, every_route: list[Route]) -> None:
    for route in of_repositories(every_route):
        answer = await ask(rest, route, "somebody-elses", ALICE)
        assert code(answer) == (403, "forbidden"), f"{route.method} {route.path}"
        if route.operation.body:
            assert code(await ask(rest, route, "somebody-elses", {})) == (400, "bad_request"), route.path


async def test_nobody_is_401_whether_or_not_there_is_a_repository(rest: RestClient, every_route: list[Route]) -> None:
    del rest.http.headers["Authorization"]
    for route in of_repositories(every_route):
        for repository_id in ("missing", "somebody-elses"):
            answer = await ask(rest, route, repository_id, {})
            assert code(answer) == (401, "unauthorized"), f"{route.method} {route.path}"
