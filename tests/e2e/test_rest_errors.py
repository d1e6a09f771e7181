"""The envelope, the order of checks, request ids and limits: what holds for every route."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
from trio.testing import MockClock

from packengine.storage.ports import CatalogBusy
from tests.support.rest import RestClient, rest_client

JSON = {"Content-Type": "application/json"}
ROUTES = [
    ("POST", "/v1/repos"),
    ("GET", "/v1/repos"),
    ("GET", "/v1/repos/!"),
    ("DELETE", "/v1/repos/!"),
    ("POST", "/v1/repos/!/forks"),
    ("POST", "/v1/repos/!/tokens"),
    ("GET", "/v1/repos/!/tokens"),
    ("POST", "/v1/tokens/revoke"),
]
OF_A_REPOSITORY = [(method, path) for method, path in ROUTES if "!" in path]


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data", rest_body_limit_bytes=1000) as client:
        yield client


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an answer, which must be an envelope."""
    assert answer.headers["Content-Type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"error"}
    assert body["error"].keys() >= {"code", "message"}
    return answer.status_code, body["error"]["code"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic eDp5", "the-administrator"])
async def test_authentication_is_checked_before_everything_else(
    rest: RestClient, method: str, path: str, header: str
) -> None:
    answer = await rest.call(method, path, headers={"Authorization": header})
    assert error_of(answer) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), OF_A_REPOSITORY)
async def test_id_is_checked_before_existence(rest: RestClient, method: str, path: str) -> None:
    assert error_of(await rest.call(method, path)) == (400, "invalid_repo_id")
    assert error_of(await rest.call(method, path.replace("!", "missing"))) == (404, "repo_not_found")


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/repos/", "/v1//repos", "/v1/repo", "/v2/repos", "/v1/repos/abcd/x"])
async def test_unknown_route_is_404_in_the_envelope(rest: RestClient, path: str) -> None:
    answer = await rest.call("GET", path)
    assert error_of(answer)[0] == 404
    assert answer.json()["error"]["message"] == "not found; /v1/docs lists the routes"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/repos", {"GET", "HEAD", "POST"}),
        ("OPTIONS", "/v1/repos", {"GET", "HEAD", "POST"}),
        ("GET", "/v1/repos/abcd/forks", {"POST"}),
        ("POST", "/v1/health", {"GET", "HEAD"}),
    ],
)
async def test_wrong_method_is_405_and_names_the_right_ones(
    rest: RestClient, method: str, path: str, allowed: set[str]
) -> None:
    answer = await rest.call(method, path)
    assert error_of(answer)[0] == 405
    assert set(re.split(r", *", answer.headers["Allow"])) == allowed


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
async def test_body_without_json_content_type_is_415(rest: RestClient, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    assert error_of(await rest.call("POST", "/v1/repos", content=b"{}", headers=headers)) == (415, "bad_request")


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "application/x+json"])
async def test_json_content_types_are_taken(rest: RestClient, content_type: str) -> None:
    answer = await rest.call("POST", "/v1/repos", content=b"{}", headers={"Content-Type": content_type})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"nonsense", b"{} {}", b'{"id":"\xff\xfe"}', b"\xef\xbb\xbf{}", b'{"x":' + b"[" * 900]
)
async def test_what_is_no_json_is_400(rest: RestClient, body: bytes) -> None:
    assert error_of(await rest.call("POST", "/v1/repos", content=body, headers=JSON)) == (400, "bad_request")


async def test_json_nested_beyond_reason_is_400(tmp_path: Path) -> None:
    async with rest_client(tmp_path / "data") as rest:
        body = b'{"x":' + b"[" * 1_000_000
        assert error_of(await rest.call("POST", "/v1/repos", content=body, headers=JSON)) == (400, "bad_request")


@pytest.mark.parametrize("body", [[], 1, None, {"id": 1}, {"readOnly": "yes"}, {"objectFormat": "md5"}])
async def test_wrong_json_type_is_422(rest: RestClient, body: object) -> None:
    answer = await rest.call("POST", "/v1/repos", content=json.dumps(body).encode(), headers=JSON)
    assert error_of(answer) == (422, "bad_request")


async def test_unknown_fields_are_ignored(rest: RestClient) -> None:
    assert (await rest.create("abcd", unheard_of=[1, {}]))["id"] == "abcd"


async def test_body_over_the_limit_is_413(rest: RestClient) -> None:
    fits = json.dumps({"id": "abcd"}).encode().ljust(1000)
    assert error_of(await rest.call("POST", "/v1/repos", content=fits + b" ", headers=JSON))[0] == 413
    assert (await rest.call("POST", "/v1/repos", content=fits, headers=JSON)).status_code == 200


async def test_chunked_body_over_the_limit_is_413(rest: RestClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b" " * 100

    assert error_of(await rest.call("POST", "/v1/repos", content=chunks(), headers=JSON))[0] == 413


async def test_body_that_stops_coming_is_408(rest: RestClient, autojump_clock: MockClock) -> None:
    async def silence() -> AsyncIterator[bytes]:
        yield b"{"
        await trio.sleep_forever()

    started_at_s = trio.current_time()
    assert error_of(await rest.call("POST", "/v1/repos", content=silence(), headers=JSON)) == (408, "bad_request")
    assert trio.current_time() - started_at_s >= 300


async def test_slow_but_living_body_is_taken(rest: RestClient, autojump_clock: MockClock) -> None:
    async def slow() -> AsyncIterator[bytes]:
        for octet in b'{"id":"abcd"}':
            await trio.sleep(299)
            yield bytes([octet])

    answer = await rest.call("POST", "/v1/repos", content=slow(), headers=JSON)
    assert answer.json()["id"] == "abcd"


@pytest.mark.parametrize("request_id", ["a", "x" * 128, "with spaces ~!"])
async def test_request_id_is_echoed(rest: RestClient, request_id: str) -> None:
    for path in ("/v1/health", "/nowhere", "/v1/repos"):
        answer = await rest.call("GET", path, headers={"X-Request-Id": request_id})
        assert answer.headers["X-Request-Id"] == request_id


@pytest.mark.parametrize("request_id", [b"", b"x" * 129, b"tab\there", b"\xe4", b"line\x7f"])
async def test_unusable_request_id_is_replaced(rest: RestClient, request_id: bytes) -> None:
    answer = await rest.http.get("/v1/health", headers=[(b"X-Request-Id", request_id)])
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-Id"])


async def test_busy_catalog_is_503_with_retry_after(rest: RestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_args: object, **_kwargs: object) -> None:
        raise CatalogBusy("the writer is held")

    monkeypatch.setattr(rest.engine, "create_repository", busy)
    answer = await rest.call("POST", "/v1/repos", {})
    assert error_of(answer) == (503, "db_busy")
    assert answer.headers["Retry-After"] == "1"


async def test_internal_error_tells_the_log_and_not_the_client(
    rest: RestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object, **_kwargs: object) -> None:
        raise ValueError("secret detail")

    monkeypatch.setattr(rest.engine, "create_repository", broken)
    answer = await rest.call("POST", "/v1/repos", {}, headers={"X-Request-Id": "find-me"})
    assert answer.status_code == 500
    assert answer.json() == {"error": {"code": "internal", "message": "internal"}}
    failure = next(record for record in caplog.records if record.exc_info)
    assert "secret detail" in str(failure.exc_info)
    assert vars(failure)["fields"]["request_id"] == "find-me"


async def test_log_line_tells_the_request_and_no_token(rest: RestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    made = await rest.create("abcd")
    await rest.call("POST", "/v1/tokens/revoke", {"token": made["token"]})
    lines = [vars(record)["fields"] for record in caplog.records if record.name == "packhouse.request"]
    create: dict[str, Any] = lines[0]
    assert create["method"] == "POST"
    assert create["path"] == "/v1/repos"
    assert create["status"] == 200
    assert create["repository"] == "abcd"
    assert create["actor"] == "admin"
    assert create["sent_bytes"] > 0
    assert made["token"] not in caplog.text + str(lines)
