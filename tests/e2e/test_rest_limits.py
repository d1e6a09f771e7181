"""The contract's rows on rates and quotas."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from packengine.storage.ports import OwnerUsage
from tests.support.rest import RestClient, rest_client

ALICE = {"Authorization": "Bearer user:alice"}
BOB = {"Authorization": "Bearer user:bob"}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def make(rest: RestClient, name: str, headers: dict[str, str]) -> httpx.Response:
    return await rest.call("POST", "/v1/repos", {"id": name}, headers=headers)


async def metric(rest: RestClient, name: str) -> str:
    lines = (await rest.call("GET", "/metrics")).text.splitlines()
    (value,) = [line.split()[1] for line in lines if line.startswith(f"artifacts_{name} ")]
    return value


@asynccontextmanager
async def slow(data_dir: Path, name: str) -> AsyncIterator[RestClient]:
    """A server where two requests of that class are fine, and the third comes an hour later."""
    chosen: dict[str, Any] = {f"rate_{name}": "2/1h"}
    async with rest_client(data_dir, **chosen) as rest:
        await rest.create("open-one", visibility="public")
        yield rest


CLASSES: list[tuple[str, str, str, Any]] = [
    ("create", "POST", "/v1/repos", {}),
    ("create", "POST", "/v1/repos/open-one/forks", {}),
    ("token", "POST", "/v1/repos/open-one/tokens", {"scope": "read"}),
    ("token", "GET", "/v1/repos/open-one/tokens", None),
    ("token", "POST", "/v1/repos/open-one/tokens/rotate", {}),
    ("token", "POST", "/v1/tokens/revoke", {"token": "x"}),
    ("commit", "DELETE", "/v1/repos/open-one", None),
    ("read", "GET", "/v1/repos", None),
    ("read", "GET", "/v1/repos/open-one", None),
]


@pytest.mark.parametrize(("name", "method", "path", "body"), CLASSES)
async def test_too_many_requests_of_a_class_wait(data_dir: Path, name: str, method: str, path: str, body: Any) -> None:
    async with slow(data_dir, name) as rest:
        first = [await rest.call(method, path, body, headers=ALICE) for _ in range(2)]
        assert {answer.status_code for answer in first} <= {200, 403}
        limited = await rest.call(method, path, body, headers=ALICE)
        assert limited.status_code == 429
        error = limited.json()["error"]
        assert error["code"] == "rate_limited"
        assert 3500 < error["retryAfter"] <= 3600
        assert limited.headers["Retry-After"] == str(error["retryAfter"])
        assert (await rest.call(method, path, body, headers=BOB)).status_code != 429
        assert (await rest.call(method, path, body)).status_code != 429
        assert await metric(rest, "rate_limited_total") == "1.0"


async def test_the_administrator_is_exempt(data_dir: Path) -> None:
    async with slow(data_dir, "read") as rest:
        assert {(await rest.call("GET", "/v1/repos")).status_code for _ in range(20)} == {200}


async def test_classes_do_not_share(data_dir: Path) -> None:
    async with slow(data_dir, "read") as rest:
        for _ in range(3):
            await rest.call("GET", "/v1/repos", headers=ALICE)
        assert (await make(rest, "alices", ALICE)).status_code == 200


async def test_the_rate_comes_before_id_existence_owner_and_body(data_dir: Path) -> None:
    async with slow(data_dir, "token") as rest:
        for path in ("/v1/repos/a.b/tokens", "/v1/repos/missing-one/tokens"):
            assert (await rest.call("GET", path, headers=ALICE)).status_code in (400, 404)
        for path in ("/v1/repos/a.b/tokens", "/v1/repos/missing-one/tokens", "/v1/repos/open-one/tokens"):
            assert (await rest.call("GET", path, headers=ALICE)).status_code == 429
        assert (await rest.call("POST", "/v1/repos/open-one/tokens", [], headers=ALICE)).status_code == 429
        assert (await rest.call("GET", path, headers={"Authorization": "Bearer x"})).status_code == 401


async def status_of_nobody(rest: RestClient, path: str, address: str | None = None) -> int:
    request = rest.http.build_request("GET", path, headers={"X-Forwarded-For": address} if address else {})
    del request.headers["Authorization"]
    return (await rest.http.send(request)).status_code


@pytest.mark.parametrize("path", ["/v1/health", "/v1/health/ready"])
async def test_health_is_counted_by_address_for_everybody(data_dir: Path, path: str) -> None:
    async with slow(data_dir, "health") as rest:
        assert [await status_of_nobody(rest, path) for _ in range(3)] == [200, 200, 429]
        assert (await rest.call("GET", path)).status_code == 429
        assert (await rest.call("GET", "/metrics")).status_code == 200


async def test_readers_without_credentials_are_counted_by_address(data_dir: Path) -> None:
    async with slow(data_dir, "read") as rest:
        assert [await status_of_nobody(rest, "/v1/repos/open-one") for _ in range(3)] == [200, 200, 429]
        assert (await rest.call("GET", "/v1/repos/open-one", headers=ALICE)).status_code == 200


@pytest.mark.parametrize(("proxies", "statuses"), [((), [200, 200, 429]), (("127.0.0.0/8",), [200, 200, 200])])
async def test_only_a_trusted_proxy_tells_addresses(
    data_dir: Path, proxies: tuple[str, ...], statuses: list[int]
) -> None:
    async with rest_client(data_dir, rate_health="2/1h", trusted_proxies=proxies) as rest:
        found = [await status_of_nobody(rest, "/v1/health", f"203.0.113.{number}") for number in range(3)]
    assert found == statuses


async def test_a_line_that_a_client_made_up_before_the_proxys_counts_for_nothing(data_dir: Path) -> None:
    async with rest_client(data_dir, rate_health="2/1h", trusted_proxies=("127.0.0.0/8",)) as rest:
        found = []
        for number in range(3):
            lines = [("X-Forwarded-For", f"198.51.100.{number}"), ("X-Forwarded-For", "203.0.113.1")]
            found.append((await rest.http.get("/v1/health", headers=lines)).status_code)
    assert found == [200, 200, 429]


async def test_a_subject_has_only_so_many_repositories(data_dir: Path) -> None:
    async with rest_client(data_dir, max_repos_per_user=2) as rest:
        for name in ("alices-1", "alices-2"):
            assert (await make(rest, name, ALICE)).status_code == 200
        refused = [
            await make(rest, "alices-3", ALICE),
            await rest.call("POST", "/v1/repos/alices-1/forks", {}, headers=ALICE),
            await rest.call("POST", "/v1/repos/alices-1/forks", {"count": 5}, headers=ALICE),
        ]
        for answer in refused:
            assert answer.status_code == 429
            error = answer.json()["error"]
            assert (error["code"], error["subject"], error["limit"]) == ("quota_exceeded", "alice", 2)
        assert (await rest.call("GET", "/v1/repos/alices-3")).status_code == 404
        assert await metric(rest, "quota_exceeded_total") == "3.0"
        assert (await make(rest, "bobs-1", BOB)).status_code == 200
        assert (await rest.call("POST", "/v1/repos/alices-1/forks", {"count": 5})).status_code == 200
        assert (await rest.call("DELETE", "/v1/repos/alices-2", headers=ALICE)).status_code == 200
        assert (await make(rest, "alices-3", ALICE)).status_code == 200


async def test_many_forks_are_made_up_to_the_quota_at_once(data_dir: Path) -> None:
    async with rest_client(data_dir, max_repos_per_user=10) as rest:
        await make(rest, "alices", ALICE)
        assert (await rest.call("POST", "/v1/repos/alices/forks", {"count": 10}, headers=ALICE)).status_code == 429
        assert (await rest.call("POST", "/v1/repos/alices/forks", {"count": 9}, headers=ALICE)).status_code == 200
        assert rest.engine.catalog.owner_usage("alice") == OwnerUsage(10, 0)


def commit(size_bytes: int, name: str) -> dict[str, object]:
    """A first commit on a branch of its own, with a file that does not compress."""
    content = Random(name).randbytes(size_bytes).hex()
    return {"branch": name, "message": "m", "changes": [{"op": "write", "path": name, "content": content}]}


async def test_a_repository_has_only_so_many_bytes(data_dir: Path) -> None:
    async with rest_client(data_dir, max_repo_bytes=2000) as rest:
        await make(rest, "alices", ALICE)
        assert (
            await rest.call("POST", "/v1/repos/alices/commits", commit(10, "small"), headers=ALICE)
        ).status_code == 200
        used = (await rest.call("GET", "/v1/repos/alices")).json()["sizeBytes"]
        for headers in (ALICE, {}):
            answer = await rest.call("POST", "/v1/repos/alices/commits", commit(9000, "large"), headers=headers)
            assert answer.status_code == 413, answer.text
            error = answer.json()["error"]
            assert (error["code"], error["repoId"], error["limit"]) == ("repo_byte_quota_exceeded", "alices", 2000)
            assert error["bytesUsed"] > 2000
        assert (await rest.call("GET", "/v1/repos/alices")).json()["sizeBytes"] == used
        assert await metric(rest, "repo_byte_quota_exceeded_total") == "2.0"


async def test_all_repositories_of_a_subject_have_only_so_many_bytes_together(data_dir: Path) -> None:
    async with rest_client(data_dir, max_bytes_per_user=3000) as rest:
        for name, headers in (("alices-1", ALICE), ("alices-2", ALICE), ("bobs-1", BOB), ("admins-1", {})):
            await make(rest, name, headers)
        path = "/v1/repos/{}/commits"
        assert (await rest.call("POST", path.format("alices-1"), commit(1500, "a"), headers=ALICE)).status_code == 200
        refused = await rest.call("POST", path.format("alices-2"), commit(9000, "b"), headers=ALICE)
        assert refused.status_code == 429
        error = refused.json()["error"]
        assert (error["code"], error["subject"], error["limit"]) == ("quota_exceeded", "alice", 3000)
        assert rest.engine.catalog.owner_usage("alice").size_bytes < 3000
        assert (await rest.call("POST", path.format("bobs-1"), commit(1500, "c"), headers=BOB)).status_code == 200
        assert (await rest.call("POST", path.format("admins-1"), commit(9000, "d"))).status_code == 200


async def test_what_there_is_is_told_with_the_metrics(data_dir: Path) -> None:
    async with rest_client(data_dir) as rest:
        for name in ("repo-1", "repo-2"):
            await rest.create(name)
        await rest.call("POST", "/v1/repos/repo-1/tokens", {"scope": "read"})
        assert (await metric(rest, "repos_total"), await metric(rest, "tokens_active_total")) == ("2.0", "3.0")
