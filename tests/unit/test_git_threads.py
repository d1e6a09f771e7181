"""Requests that only look something up do not wait for those that work on packs."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
import trio
import trio.testing

from packengine.repository import Engine
from packengine.storage.ports import CatalogBusy
from tests.support.engine_pushes import ACTOR
from tests.support.git_client import GitClient, open_app
from tests.support.raw_packs import COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of
from tests.support.wire_client import push_request

ROOT = commit_content()
PUSH = push_request(
    [(NULL, oid_of(COMMIT, ROOT), b"refs/heads/main")], pack_of([entry(TREE, b""), entry(COMMIT, ROOT)])
)
MORE_THAN_THREADS = 4 * (os.cpu_count() or 1) + 1


async def test_refs_are_listed_while_pushes_keep_every_thread_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine.open(tmp_path)
    engine.create_repository("project", ACTOR)
    app, may_end = open_app(engine), threading.Event()

    def publish(*_: object, **__: object) -> None:
        may_end.wait()
        raise CatalogBusy("never mind")

    monkeypatch.setattr(engine.pushes.publisher, "publish", publish)
    lister = GitClient(engine, app)
    async with trio.open_nursery() as nursery:
        for _ in range(MORE_THAN_THREADS):
            nursery.start_soon(GitClient(engine, app).post, "git-receive-pack", PUSH)
        await trio.testing.wait_all_tasks_blocked(0.2)
        with trio.move_on_after(10):
            await lister.list_refs()
        may_end.set()
    assert b"capabilities^{}" in lister.body
    engine.close()
