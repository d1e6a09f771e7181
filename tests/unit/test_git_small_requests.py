"""What small requests cost: visits to threads, and writes. Each is about a tenth of a millisecond."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio.testing
from hypercorn.typing import ASGIFramework

from packengine.repository import Engine
from server.git.native import WorkerThreads
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.git_client import GitClient, open_app
from tests.support.raw_packs import COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of
from tests.support.wire_client import (
    command_request,
    fetch_request,
    ls_refs_request,
    parse_advertisement,
    parse_fetch_answer,
    parse_push_report,
    push_request,
)

ROOT = commit_content()
TIP = oid_of(COMMIT, ROOT)
PACK = pack_of([entry(TREE, b""), entry(COMMIT, ROOT)])
MANY = 10_000
"""Refs: three quarters of a megabyte."""

LOUD = (b"thin-pack", b"ofs-delta")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine.open(tmp_path)
    opened.create_repository("project", ACTOR)
    begin_push(opened, "project", [(NULL, TIP, b"refs/heads/main")], PACK).finish()
    yield opened
    opened.close()


@pytest.fixture
def visits(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows by one with each visit to a thread."""
    seen: list[object] = []
    run = WorkerThreads.run

    async def count(self: WorkerThreads, work: Any, **others: Any) -> Any:
        seen.append(work)
        return await run(self, work, **others)

    monkeypatch.setattr(WorkerThreads, "run", count)
    return seen


@pytest.fixture
async def client(engine: Engine, visits: list[object]) -> GitClient:
    """One who has asked before, so that its token and repository are known."""
    return await known_client(engine, open_app(engine), visits)


async def known_client(engine: Engine, app: ASGIFramework, visits: list[object]) -> GitClient:
    client = GitClient(engine, app)
    await client.list_refs("git-upload-pack")
    client.headers, client.body, client.writes = {}, b"", 0
    visits.clear()
    return client


async def test_an_advertisement_of_version_2_costs_no_visit(client: GitClient, visits: list[object]) -> None:
    await client.list_refs("git-upload-pack")
    assert client.body.startswith(b"000eversion 2\n")
    assert (len(visits), client.writes) == (0, 1)


@pytest.mark.parametrize("service", ["git-upload-pack", "git-receive-pack"])
async def test_an_advertisement_of_refs_costs_one(client: GitClient, visits: list[object], service: str) -> None:
    await client.list_refs(service, version=0)
    assert parse_advertisement(client.body).refs[b"refs/heads/main"] == TIP
    assert (len(visits), client.writes) == (1, 1)


async def test_a_listing_of_refs_costs_one_and_says_how_long_it_is(client: GitClient, visits: list[object]) -> None:
    await client.post("git-upload-pack", ls_refs_request())
    assert TIP.hex().encode() in client.body
    assert (len(visits), client.writes) == (1, 1)
    assert client.headers[b"content-length"] == str(len(client.body)).encode()


async def test_a_listing_of_the_same_refs_of_the_same_state_costs_no_visit(
    engine: Engine, client: GitClient, visits: list[object]
) -> None:
    for request in (ls_refs_request(b"HEAD", b"refs/heads/ma"), ls_refs_request()):
        await client.post("git-upload-pack", request)
        listed, client.body, client.writes = client.body, b"", 0
        visits.clear()
        await client.post("git-upload-pack", request)
        assert TIP.hex().encode() in client.body
        assert client.body == listed
        assert (len(visits), client.writes) == (0, 1)
        client.body = b""
    begin_push(engine, "project", [(NULL, TIP, b"refs/heads/more")], pack_of([])).finish()
    await client.post("git-upload-pack", ls_refs_request())
    assert b"refs/heads/more" in client.body


async def test_the_flags_of_a_listing_are_part_of_the_question(client: GitClient) -> None:
    bodies = set()
    for arguments in ([], [b"symrefs"], [b"ref-prefix refs/heads/"], [b"ref-prefix HEAD"]):
        client.body = b""
        await client.post("git-upload-pack", command_request(b"ls-refs", arguments))
        bodies.add(client.body)
    assert len(bodies) == 4


async def test_a_long_listing_is_sent_in_few_large_pieces(
    engine: Engine, client: GitClient, visits: list[object]
) -> None:
    commands = [(NULL, TIP, b"refs/heads/many/%04d" % number) for number in range(MANY)]
    begin_push(engine, "project", commands, pack_of([])).finish()
    await client.post("git-upload-pack", ls_refs_request())
    assert client.body.count(b"refs/heads/many/") == MANY
    assert 2 < client.writes < 6
    assert b"content-length" not in client.headers


@pytest.mark.parametrize("flags", [(*LOUD, b"no-progress"), LOUD], ids=["quiet", "loud"])
@pytest.mark.parametrize("kept", ["nothing", "others", "it"])
async def test_a_fetch_costs_one_visit_and_one_write(
    engine: Engine,
    visits: list[object],
    flags: tuple[bytes, ...],
    kept: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """kept: what the cache has; nothing where there is none. A miss is decided on, made and kept in that visit."""
    monkeypatch.setattr("packengine.repository.answers.store.MIN_BUILD_US", 0)
    other = commit_content(message=b"Other\n")
    other_pack = pack_of([entry(TREE, b""), entry(COMMIT, other)])
    begin_push(engine, "project", [(NULL, oid_of(COMMIT, other), b"refs/heads/other")], other_pack).finish()
    if kept == "nothing":
        engine.answers = None
    app = open_app(engine)
    if kept == "it":
        await (await known_client(engine, app, visits)).post("git-upload-pack", fetch_request([TIP], flags=flags))
    client = await known_client(engine, app, visits)
    await client.post("git-upload-pack", fetch_request([TIP], flags=flags))
    await trio.testing.wait_all_tasks_blocked()
    answer = parse_fetch_answer(client.body)
    assert answer.pack is not None
    assert answer.pack[12:-20] == PACK[12:-20]
    assert (answer.messages == b"") is (b"no-progress" in flags)
    assert (len(visits), client.writes) == (1, 1)


async def test_a_clone_of_a_single_pack_costs_a_visit_and_one_write(client: GitClient, visits: list[object]) -> None:
    """Nothing is kept of it: the pack is sent as it is stored."""
    await client.post("git-upload-pack", fetch_request([TIP], flags=LOUD))
    assert parse_fetch_answer(client.body).pack == PACK
    assert (len(visits), client.writes) == (1, 1)


async def test_a_push_costs_one_visit(client: GitClient, visits: list[object]) -> None:
    child = commit_content(parents=[TIP], message=b"Child\n")
    tip = oid_of(COMMIT, child)
    await client.post(
        "git-receive-pack", push_request([(TIP, tip, b"refs/heads/main")], pack_of([entry(COMMIT, child)]))
    )
    assert parse_push_report(client.body).refs == {b"refs/heads/main": None}
    assert (len(visits), client.writes) == (1, 1)


async def test_a_push_costs_one_visit_also_after_a_commit(
    engine: Engine, client: GitClient, visits: list[object]
) -> None:
    """Whether it may still push is judged where it is done."""
    engine.create_repository("another", ACTOR)
    child = commit_content(parents=[TIP], message=b"Child\n")
    commands = [(TIP, oid_of(COMMIT, child), b"refs/heads/main")]
    await client.post("git-receive-pack", push_request(commands, pack_of([entry(COMMIT, child)])))
    assert parse_push_report(client.body).refs == {b"refs/heads/main": None}
    assert client.headers[b"content-length"] == str(len(client.body)).encode()
    assert (len(visits), client.writes) == (1, 1)


async def test_a_push_that_leaves_many_packs_merges_them_after_its_answer(
    engine: Engine, client: GitClient, visits: list[object]
) -> None:
    engine.rollup._limits = replace(engine.limits, rollup_packs=2)
    child = commit_content(parents=[TIP], message=b"Child\n")
    tip = oid_of(COMMIT, child)
    await client.post(
        "git-receive-pack",
        push_request([(TIP, tip, b"refs/heads/main")], pack_of([entry(TREE, b""), entry(COMMIT, child)])),
    )
    assert len(visits) == 2
    assert len(engine.load("project").manifest.packs) == 1
