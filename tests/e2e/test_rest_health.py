"""Health and readiness."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from packengine.storage.ports import CatalogBusy
from tests.support.rest import RestClient, rest_client

COMPONENTS = {"tokens", "audit", "ownership"}
NOBODY = {"Authorization": ""}


@pytest.fixture
async def rest(tmp_path: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        yield client


async def test_health_needs_no_credentials(rest: RestClient) -> None:
    answer = await rest.call("GET", "/v1/health", headers=NOBODY)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


async def test_ready_probes_the_write_path(rest: RestClient) -> None:
    answer = await rest.call("GET", "/v1/health/ready", headers=NOBODY)
    assert answer.status_code == 200
    assert answer.json() == {"ok": True, "components": dict.fromkeys(COMPONENTS, "ok")}


async def test_failing_probe_is_503(rest: RestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy() -> None:
        raise CatalogBusy("the writer is held")

    monkeypatch.setattr(rest.engine.catalog, "probe_write", busy)
    answer = await rest.call("GET", "/v1/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "components": dict.fromkeys(COMPONENTS, "fail")}


async def test_hanging_probe_is_503_after_a_second(rest: RestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(rest.engine.catalog, "probe_write", lambda: release.wait(60))
    answer = await rest.call("GET", "/v1/health/ready")
    release.set()
    assert answer.status_code == 503


async def test_draining_is_503_while_health_stays_well(tmp_path: Path) -> None:
    async with rest_client(tmp_path / "data", is_draining=lambda: True) as rest:
        answer = await rest.call("GET", "/v1/health/ready")
        assert (answer.status_code, answer.json()) == (503, {"ok": False, "draining": True})
        assert (await rest.call("GET", "/v1/health")).status_code == 200


async def test_write_check_can_be_turned_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with rest_client(tmp_path / "data", readiness_write_check=False) as rest:
        monkeypatch.setattr(rest.engine.catalog, "probe_write", lambda: pytest.fail("was asked for"))
        assert (await rest.call("GET", "/v1/health/ready")).status_code == 200
