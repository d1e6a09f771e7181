"""Hidden refs through the Git application: not shown, not to be pushed to, and still there for whoever knows the id."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core_ext import Cancel
from packengine.refs import HiddenRefs
from packengine.repository import Engine
from packengine.repository.push_policy import PushPolicy
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.engines import Objects, move, needs, new_project, open_in_memory
from tests.support.fakes import MemoryCatalog
from tests.support.git_client import GitClient
from tests.support.raw_packs import COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of
from tests.support.wire_client import (
    command_request,
    decode,
    fetch_request,
    lines,
    ls_refs_request,
    parse_advertisement,
    parse_fetch_answer,
    parse_push_report,
    push_request,
)

PUBLIC, SECRET = commit_content(), commit_content(message=b"secret")
TIP, HIDDEN_TIP = oid_of(COMMIT, PUBLIC), oid_of(COMMIT, SECRET)
PACK = pack_of([entry(TREE, b""), entry(COMMIT, PUBLIC), entry(COMMIT, SECRET)])
MAIN, PULL, SHOWN = b"refs/heads/main", b"refs/pull/1/head", b"refs/pull/2/head"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """It hides refs that were pushed before it did."""
    before = Engine.open(tmp_path)
    before.create_repository("project", ACTOR)
    commands = [(NULL, TIP, MAIN), (NULL, HIDDEN_TIP, PULL), (NULL, TIP, SHOWN)]
    begin_push(before, "project", commands, PACK).finish()
    before.close()
    opened = Engine.open(tmp_path, hidden_refs=HiddenRefs.of_patterns([b"refs/pull", b"!refs/pull/2"]))
    yield opened
    opened.close()


@pytest.mark.parametrize("service", ["git-receive-pack", "git-upload-pack"])
@pytest.mark.parametrize("version", [0, 1])
async def test_advertisements_leave_hidden_refs_out(engine: Engine, service: str, version: int) -> None:
    client = GitClient(engine)
    await client.list_refs(service, version=version)
    assert set(parse_advertisement(client.body).refs) - {b"HEAD"} == {MAIN, SHOWN}


@pytest.mark.parametrize("prefixes", [(), (b"refs/",), (b"refs/pull/",), (b"refs/pull/1",)])
async def test_version_2_leaves_hidden_refs_out_of_every_prefix(engine: Engine, prefixes: tuple[bytes, ...]) -> None:
    client = GitClient(engine)
    await client.post("git-upload-pack", ls_refs_request(*prefixes, flags=()))
    names = {line.split()[1] for line in lines(decode(client.body))} - {b"HEAD"}
    assert names == {name for name in (MAIN, SHOWN) if not prefixes or name.startswith(prefixes)}


async def test_what_a_hidden_ref_names_is_fetched_by_its_id(engine: Engine) -> None:
    client = GitClient(engine)
    await client.post("git-upload-pack", fetch_request([HIDDEN_TIP]))
    answer = parse_fetch_answer(client.body)
    assert (answer.error, (answer.pack or b"")[:4]) == (None, b"PACK")


async def test_pushes_to_hidden_refs_are_refused_and_others_not(engine: Engine) -> None:
    commands = [(HIDDEN_TIP, TIP, PULL), (NULL, TIP, b"refs/pull/3/head"), (NULL, TIP, b"refs/pull/2/more")]
    client = GitClient(engine)
    await client.post("git-receive-pack", push_request(commands, pack_of([])))
    assert parse_push_report(client.body).refs == {
        PULL: b"deny updating a hidden ref",
        b"refs/pull/3/head": b"deny updating a hidden ref",
        b"refs/pull/2/more": None,
    }


async def test_hidden_refs_are_not_deleted(engine: Engine) -> None:
    client = GitClient(engine)
    await client.post("git-receive-pack", push_request([(HIDDEN_TIP, NULL, PULL)]))
    assert parse_push_report(client.body).refs == {PULL: b"deny deleting a hidden ref"}
    assert engine.load("project").manifest.refs.get(PULL) is not None


async def test_a_hidden_head_is_neither_listed_nor_wanted_by_name(engine: Engine, tmp_path: Path) -> None:
    hiding = Engine.open(tmp_path, hidden_refs=HiddenRefs.of_patterns([b"HEAD", b"refs/pull"]))
    client = GitClient(hiding)
    await client.post("git-upload-pack", ls_refs_request(flags=(b"symrefs", b"unborn")))
    assert [line.split()[1] for line in lines(decode(client.body))] == [MAIN]
    for version in (0, 1):
        client = GitClient(hiding)
        await client.list_refs("git-upload-pack", version=version)
        assert parse_advertisement(client.body).refs == {MAIN: TIP}
    client = GitClient(hiding)
    await client.post("git-upload-pack", command_request(b"fetch", [b"want-ref HEAD", b"done"]))
    assert parse_fetch_answer(client.body).error == b"unknown ref HEAD"
    hiding.close()


async def test_hidden_tags_do_not_come_along(tmp_path: Path) -> None:
    objects = Objects()
    commit = objects.commit("tagged")
    tags = {name: objects.tag(name, commit) for name in (b"v1", b"secret")}
    policy = PushPolicy(hidden_refs=HiddenRefs.of_patterns([b"refs/tags/secret"]))
    catalog = MemoryCatalog()
    for at, settled in enumerate((PushPolicy(), policy)):
        engine = open_in_memory(tmp_path / str(at), catalog=catalog, policy=settled)
        if at == 0:
            project = new_project(engine, objects=objects)
            commands = [move(b"refs/tags/" + name, None, tag) for name, tag in tags.items()]
            project.push(move(MAIN, None, commit), *commands, new=[objects.empty_tree, commit, *tags.values()])
    asked = needs(commit, include_tag=True)
    sent = engine.fetches.begin(engine.load("project"), asked).select([], Cancel()).objects
    assert [tag in sent for tag in tags.values()] == [True, False]
