"""What goes wrong inside, as a Git client hears of it: in Git's words, and never as half an answer."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from trio.testing import MockClock

from core_ext import CorruptPack, LimitExceeded
from packengine.repository import Engine, LimitReached
from packengine.storage.ports import CatalogBusy, StorageError
from tests.support import legacy_client
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.git_client import GitClient
from tests.support.raw_packs import COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of
from tests.support.wire_client import decode, fetch_request, parse_fetch_answer, parse_push_report, push_request

ROOT = commit_content()
TIP = oid_of(COMMIT, ROOT)
PACK = pack_of([entry(TREE, b""), entry(COMMIT, ROOT)])
CREATE_MAIN = [(NULL, TIP, b"refs/heads/main")]

TOLD = [
    (CatalogBusy("catalog.sqlite: the writer was not free"), b"the server is busy; try again"),
    (LimitReached("the repository has 3 packs, the limit is 3"), b"the repository has 3 packs, the limit is 3"),
    (LimitExceeded("depth of a tree: 2049, limit 2048"), b"depth of a tree: 2049, limit 2048"),
    (StorageError("/srv/data/catalog.sqlite: disk I/O error"), b"internal error; the server's log says which"),
    (OSError(errno.ENOSPC, "No space left on device", "/srv/data"), b"internal error; the server's log says which"),
    (CorruptPack("/srv/data/blobs/ab: bad entry"), b"internal error; the server's log says which"),
]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine.open(tmp_path)
    opened.create_repository("project", ACTOR)
    yield opened
    opened.close()


def fail_with(failure: Exception) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise failure

    return fail


@pytest.mark.parametrize(("failure", "told"), TOLD, ids=lambda value: type(value).__name__)
async def test_a_push_that_cannot_be_published_is_answered_to_its_end(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, failure: Exception, told: bytes
) -> None:
    monkeypatch.setattr(engine.pushes.publisher, "publish", fail_with(failure))
    client = GitClient(engine)
    await client.post("git-receive-pack", push_request(CREATE_MAIN, PACK))
    report = parse_push_report(client.body)
    assert (client.status, report.error, report.refs) == (200, told + b"\n", {})
    assert client.body.endswith(b"0000")


@pytest.mark.parametrize(("failure", "told"), TOLD, ids=lambda value: type(value).__name__)
async def test_a_fetch_that_cannot_begin_gets_an_error_packet(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, failure: Exception, told: bytes
) -> None:
    monkeypatch.setattr(engine.fetches, "begin", fail_with(failure))
    client = GitClient(engine)
    await client.post("git-upload-pack", fetch_request([TIP]))
    assert (client.status, parse_fetch_answer(client.body).error) == (200, told)


async def test_a_pack_that_cannot_be_taken_in_fails_the_unpacking(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr("packengine.repository.push.open_ingest", fail_with(full))
    client = GitClient(engine)
    await client.post("git-receive-pack", push_request(CREATE_MAIN, PACK))
    report = parse_push_report(client.body)
    assert b"No space left on device" in (report.unpack or b"")
    assert report.refs == {b"refs/heads/main": b"unpacker error"}


async def test_a_client_that_stops_reading_its_pack_ends_the_request_quietly(
    engine: Engine, autojump_clock: MockClock
) -> None:
    begin_push(engine, "project", CREATE_MAIN, PACK).finish()
    client = GitClient(engine)
    client.http_version = "2"  # over HTTP/1.1 it is the kernel that notices
    client.reads_pack = False
    await client.post("git-upload-pack", fetch_request([TIP]))
    assert b"PACK" in client.body


@pytest.mark.parametrize("version", [0, 1])
async def test_a_boundary_that_is_no_commit_is_told_although_no_band_was_asked_for(
    engine: Engine, version: int
) -> None:
    begin_push(engine, "project", CREATE_MAIN, PACK).finish()
    tree = oid_of(TREE, b"").hex()
    client = GitClient(engine)
    body = legacy_client.request([TIP], capabilities=b"", arguments=[b"shallow " + tree.encode()])
    await client.post("git-upload-pack", body, version=version)
    assert (client.status, decode(client.body)) == (200, [b"ERR invalid shallow object " + tree.encode()])
