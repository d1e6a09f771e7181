"""What a read over REST has open is held until its answer is sent, and not read once it may be gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from packengine.repository.open_states import Held, OpenStates, ReaderExpired
from server.rest import archives, blobs
from tests.support.browsing import make_browsed, take_over
from tests.support.rest import RestClient, rest_client

LONG_READS = ["blob?path=noise.bin", "archive/main.tar.gz", "archive/main.zip"]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_browsed(tmp_path_factory.mktemp("browsed") / "browsed.git")


@pytest.fixture
async def rest(tmp_path: Path, repository: Path) -> AsyncIterator[RestClient]:
    async with rest_client(tmp_path / "data") as client:
        take_over(client.engine, repository, "browsed")
        yield client


def held_by(states: OpenStates) -> int:
    return len(states._held)


@pytest.mark.parametrize("read", LONG_READS)
async def test_stream_holds_its_state_to_its_end(rest: RestClient, read: str, monkeypatch: pytest.MonkeyPatch) -> None:
    states, seen = rest.engine.open_states, list[int]()
    for module in (blobs, archives):
        monkeypatch.setattr(module, "check_held", lambda: seen.append(held_by(states)))
    answer = await rest.call("GET", f"/v1/repos/browsed/{read}")
    assert answer.status_code == 200
    assert len(seen) > 2
    assert set(seen) == {1}
    assert held_by(states) == 0


async def test_process_out_of_touch_reads_nothing(rest: RestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_held: Held) -> None:
        raise ReaderExpired

    monkeypatch.setattr(Held, "check", lost)
    answer = await rest.call("GET", "/v1/repos/browsed/tree")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "db_busy")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize("read", LONG_READS)
async def test_stream_is_cut_when_what_it_reads_may_be_gone(
    rest: RestClient, read: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count()

    def lost_later(_held: Held) -> None:
        if next(calls) > 2:
            raise ReaderExpired

    monkeypatch.setattr(Held, "check", lost_later)
    with pytest.RaisesGroup(ReaderExpired):
        await rest.call("GET", f"/v1/repos/browsed/{read}")
    assert held_by(rest.engine.open_states) == 0
