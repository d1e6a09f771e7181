"""The id of a request: on every kind of answer, of REST and of Git, and in its log line."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import httpx
import pytest

from tests.support.rest import rest_client
from tests.support.server import RunningServer

OWN = "my-own id 1"
MADE_UP = re.compile(r"[0-9a-f]{32}")
JSON = {"Content-Type": "application/json"}
LARGE = b"{}".ljust(2_000_000)


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status"),
    [
        ("GET", "/v1/health", {}, None, 200),
        ("GET", "/metrics", {}, None, 200),
        ("GET", "/v1/repos", {"Authorization": "Bearer nobody"}, None, 401),
        ("GET", "/v1/nowhere", {}, None, 404),
        ("GET", "/", {}, None, 404),
        ("DELETE", "/v1/health", {}, None, 405),
        ("POST", "/v1/repos", {}, b"{}", 415),
        ("POST", "/v1/repos", JSON, b"{", 400),
        ("POST", "/v1/repos", JSON, b"[]", 422),
        ("POST", "/v1/repos", JSON, LARGE, 413),
        ("GET", "/git/missing.git/info/refs?service=git-upload-pack", {"Authorization": ""}, None, 401),
        ("GET", "/git/nothing/of/the/kind", {}, None, 404),
    ],
)
def test_every_answer_has_the_id_of_its_request(
    server: RunningServer, method: str, path: str, headers: dict[str, str], content: bytes | None, status: int
) -> None:
    sent = {"Authorization": f"Bearer {server.admin_token}", **headers}
    told = httpx.request(method, server.url + path, headers={**sent, "X-Request-Id": OWN}, content=content)
    assert (told.status_code, told.headers["X-Request-Id"]) == (status, OWN)
    made_up = httpx.request(method, server.url + path, headers={**sent, "X-Request-Id": "x" * 129}, content=content)
    assert MADE_UP.fullmatch(made_up.headers["X-Request-Id"])


async def test_the_log_line_has_the_id_of_the_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with rest_client(tmp_path / "data") as rest:
        answers = [
            await rest.call("GET", "/v1/repos", headers={"X-Request-Id": OWN}),
            await rest.call("POST", "/v1/nowhere"),
        ]
    lines = [vars(record)["fields"] for record in caplog.records if record.name == "packhouse.request"]
    assert [line["request_id"] for line in lines] == [answer.headers["X-Request-Id"] for answer in answers]
    assert lines[0]["request_id"] == OWN
