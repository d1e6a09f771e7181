"""A client of a running server, and one of the application in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from packhouse_client import AsyncClient, Client
from tests.support.openapi_check import AnswerCheck
from tests.support.rest import rest_client
from tests.support.server import RunningServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One worker, shared by the tests of a module."""
    with RunningServer(tmp_path_factory.mktemp("served") / "data", workers=1) as running:
        yield running


@pytest.fixture(scope="module")
def answer_check(server: RunningServer) -> AnswerCheck:
    """Whether answers are such as the server's own document says."""
    return AnswerCheck(server.rest("GET", "/v1/openapi.json")[1])


@pytest.fixture
def client(server: RunningServer, answer_check: AnswerCheck) -> Iterator[Client]:
    """The administrator's client of the running server; each answer is compared with the document."""
    headers = {"Authorization": f"Bearer {server.admin_token}"}
    http = httpx.Client(base_url=server.url, headers=headers, event_hooks={"response": [answer_check]})
    with Client(http=http) as opened:
        yield opened


@pytest.fixture
async def async_client(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    """The administrator's client, on Trio, of the application in this process."""
    async with rest_client(tmp_path / "data") as rest, AsyncClient(http=rest.http) as opened:
        yield opened
