"""Serving downloads where no client can bring it about: failures below, clients that leave, files that end early."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, cast

import pytest
import trio
from hypercorn.typing import HTTPScope

from core_ext import CorruptPack
from packengine.repository import Engine, Limits
from packengine.storage.ports import CatalogBusy
from server.asgi.record import open_record, record_of
from server.config import Settings
from server.git.downloads import DownloadUrls
from server.git.native import Overloaded, WorkerThreads
from tests.support.engines import Project, new_project, open_in_memory
from tests.support.git_client import open_app

MAIN = b"refs/heads/main"
LARGE = 3_000_000


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_in_memory(tmp_path / "engine", limits=Limits(min_bundle_bytes=1))


@pytest.fixture
def project(engine: Engine) -> Project:
    """With a bundle of a few pieces."""
    project = new_project(engine)
    objects = project.objects
    blob = objects.blob(random.Random(3).randbytes(LARGE))
    tree = objects.tree({b"file": blob})
    commit = objects.commit("large", tree=tree)
    project.pushed(MAIN, None, commit, blob, tree, commit)
    return project


class Download:
    """One GET of the project's bundle, and what came back. leaves_after: bytes of body, or None to stay."""

    def __init__(self, project: Project, *, leaves_after: int | None = None) -> None:
        engine = project.engine
        self.state = engine.load(project.id)
        bundle = engine.bundles.offer(self.state)
        assert bundle is not None
        self.bundle = bundle
        self.app = open_app(engine)
        url = DownloadUrls(Settings(), engine.catalog.secret()).bundle_url(self.state, bundle, "")
        path, _, query = url.partition("?")
        scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "scheme": "http", "method": "GET"}
        scope |= {"path": path, "query_string": query.encode(), "headers": []}
        self.scope = cast("HTTPScope", scope)
        open_record(self.scope)
        self.events: list[Any] = []
        self._left = trio.Event()
        self._leaves_after = leaves_after

    @property
    def status(self) -> int:
        return int(self.events[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(event["body"] for event in self.events[1:])

    async def run(self) -> None:
        with trio.fail_after(60):
            await self.app(self.scope, self._receive, self._send)

    async def _receive(self) -> Any:
        if self._leaves_after == 0:
            self._left.set()
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, event: Any) -> None:
        if self._left.is_set():
            await trio.sleep_forever()  # as a connection that nobody reads
        self.events.append(event)
        if self._leaves_after is not None and event["type"] == "http.response.body" and self.body:
            self._left.set()
            await trio.sleep_forever()


async def test_a_download_comes_in_pieces_that_make_the_file(project: Project) -> None:
    download = Download(project)
    await download.run()
    with project.engine.bundles.open(download.bundle) or pytest.fail("not built") as file:
        assert download.body == file.read()
    assert download.status == 200
    assert max(len(event["body"]) for event in download.events[1:]) <= 1 << 20
    assert record_of(download.scope).template == "/git/:id/bundles/:digest"
    assert record_of(download.scope).actor == "signed-url"


@pytest.mark.parametrize(
    ("failure", "status"),
    [(CatalogBusy("busy"), 503), (CorruptPack("secret detail"), 500), (OSError(28, "No space left"), 500)],
)
async def test_a_failure_below_is_told_without_detail(
    project: Project, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int
) -> None:
    def fail(*_: object) -> None:
        raise failure

    download = Download(project)
    monkeypatch.setattr(project.engine.bundles, "build", fail)
    await download.run()
    assert download.status == status
    assert b"secret" not in download.body
    assert (b"retry-after", b"1") in download.events[0]["headers"] or status != 503


async def test_a_bundle_beyond_the_line_of_builds_is_told_to_come_later(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: WorkerThreads) -> None:
        raise Overloaded("5 requests wait already")

    download = Download(project)
    monkeypatch.setattr(WorkerThreads, "refuse_if_full", refuse)
    await download.run()
    assert (download.status, project.engine.bundles.open(download.bundle)) == (429, None)
    assert (b"retry-after", b"5") in download.events[0]["headers"]


async def test_a_client_that_leaves_ends_its_download_and_the_file_is_closed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []
    build = project.engine.bundles.build

    def remember(*arguments: Any) -> Any:
        opened.append(build(*arguments))
        return opened[-1]

    monkeypatch.setattr(project.engine.bundles, "build", remember)
    download = Download(project, leaves_after=1)
    await download.run()
    assert 0 < len(download.body) < LARGE
    assert [file.closed for file in opened] == [True]


async def test_a_build_is_finished_for_others_when_its_client_has_left(project: Project) -> None:
    download = Download(project, leaves_after=0)
    await download.run()
    assert download.body == b""
    with project.engine.bundles.open(download.bundle) or pytest.fail("not built") as file:
        assert file.read(15) == b"# v2 git bundle"


async def test_a_file_that_ends_early_cuts_the_answer_off(project: Project, tmp_path: Path) -> None:
    whole = Download(project)
    await whole.run()
    (path,) = (tmp_path / "engine" / "derived" / "bundles").iterdir()
    cut = Download(project)
    send = cut._send

    async def shrink(event: Any) -> None:
        await send(event)
        with path.open("r+b") as file:
            file.truncate(1000)

    cut._send = shrink  # type: ignore[method-assign]
    with pytest.RaisesGroup(pytest.RaisesExc(OSError, match="ends at byte")):
        await cut.run()
    assert all(event.get("more_body", True) for event in cut.events)
