"""Capabilities through the Git application, each with a request that uses it and one that does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from packengine.repository import Engine
from tests.support import pack_twin
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.fetch_cases import Case
from tests.support.git import git
from tests.support.git_client import GitClient
from tests.support.raw_packs import BLOB, COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of
from tests.support.repositories import commit_file
from tests.support.wire_client import command_request, decode, lines, ls_refs_request, parse_push_report, push_request

TEXT = b"".join(b"line %d of a file that changes a little\n" % number for number in range(200))
MAIN, SIDE, TAG = b"refs/heads/main", b"refs/heads/side", b"refs/tags/v1"
UNKNOWN = bytes.fromhex("12" * 20)
VERSIONS = [0, 1, 2]
EMPTY_PACK = pack_of([])


@dataclass(frozen=True, slots=True)
class Served:
    """Two commits on main, the first of them tagged; the second was pushed as a delta against the first."""

    engine: Engine
    work: Path

    def oid(self, name: str) -> bytes:
        return bytes.fromhex(git("rev-parse", name, cwd=self.work).decode())

    def push(self, ref: bytes, name: str, known: str = "") -> None:
        revisions = f"{name}\n^{known}\n" if known else f"{name}\n"
        words = ("--thin", "--delta-base-offset", "--revs", "--stdout")
        pack = git("pack-objects", "-q", *words, cwd=self.work, stdin=revisions.encode())
        before = self.engine.load("project").manifest.refs.get(ref)
        commands = [(before.oid if before else NULL, self.oid(name), ref)]
        outcome = begin_push(self.engine, "project", commands, pack).finish()
        assert [reason for _, reason in outcome.verdicts] == [None]

    async def post(self, body: bytes, *, version: int = 2, service: str = "git-upload-pack") -> bytes:
        client = GitClient(self.engine)
        await client.post(service, body, version=version)
        return client.body

    async def fetch(
        self, version: int, words: Sequence[str], want: str = "main", have: str = ""
    ) -> tuple[bytes, bytes]:
        """(the pack, what people would see)"""
        framing = [] if version == 2 else ["side-band-64k"]
        haves = [self.oid(have).hex()] if have else []
        case = Case(version=version, wants=[self.oid(want).hex()], haves=haves, flags=[*framing, *words])
        packets = [
            each for each in decode(await self.post(case.body("sha1"), version=version)) if isinstance(each, bytes)
        ]
        return (
            b"".join(packet[1:] for packet in packets if packet[:1] == b"\x01"),
            b"".join(packet[1:] for packet in packets if packet[:1] == b"\x02"),
        )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    work = tmp_path / "work"
    git("init", "--quiet", "-b", "main", work)
    commit_file(work, "file", TEXT)
    git("tag", "-a", "-m", "The first", "v1", cwd=work)
    commit_file(work, "file", TEXT + b"one more\n")
    engine = Engine.open(tmp_path / "data")
    engine.create_repository("project", ACTOR)
    made = Served(engine, work)
    made.push(MAIN, "main~1")
    made.push(MAIN, "main", known="main~1")
    made.push(TAG, "v1")
    yield made
    engine.close()


# --- fetching ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_deltas_stand_on_what_the_client_has_only_in_a_thin_pack(served: Served, version: int) -> None:
    base = served.oid("main~1:file")
    thin, _ = await served.fetch(version, ["thin-pack"], have="main~1")
    assert pack_twin.read_pack(thin, {base: ("blob", TEXT)}).objects[served.oid("main:file")][1].startswith(TEXT)
    assert pack_twin.REF_DELTA in pack_twin.read_pack(thin, {base: ("blob", TEXT)}).types
    whole, _ = await served.fetch(version, [], have="main~1")
    assert pack_twin.read_pack(whole).objects.keys() == {served.oid(name) for name in ("main", "main:", "main:file")}


@pytest.mark.parametrize("version", VERSIONS)
async def test_bases_are_named_by_distance_only_to_clients_that_know_how(served: Served, version: int) -> None:
    commit_file(served.work, "like-the-next", TEXT[::-1])
    commit_file(served.work, "like-the-last", TEXT[::-1] + b"one more\n")
    served.push(SIDE, "main", known="main~2")
    with_it, _ = await served.fetch(version, ["ofs-delta"], have="main~2")
    without, _ = await served.fetch(version, [], have="main~2")
    assert {kind for kind in pack_twin.read_pack(with_it).types if kind > 4} == {pack_twin.OFS_DELTA}
    assert {kind for kind in pack_twin.read_pack(without).types if kind > 4} == {pack_twin.REF_DELTA}


@pytest.mark.parametrize("version", VERSIONS)
async def test_people_see_progress_unless_they_would_rather_not(served: Served, version: int) -> None:
    _, told = await served.fetch(version, [])
    assert told.startswith(b"Enumerating objects: ")
    assert (await served.fetch(version, ["no-progress"]))[1] == b""


@pytest.mark.parametrize("version", VERSIONS)
async def test_tags_come_along_if_they_are_asked_for(served: Served, version: int) -> None:
    with_it, _ = await served.fetch(version, ["include-tag"])
    without, _ = await served.fetch(version, [])
    tag = served.oid("v1")
    assert tag in pack_twin.read_pack(with_it).objects
    assert tag not in pack_twin.read_pack(without).objects


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_value_that_was_listed_is_fetched_although_its_ref_has_moved_away(served: Served, version: int) -> None:
    git("checkout", "--quiet", "-b", "side", "main~1", cwd=served.work)
    commit_file(served.work, "file", b"soon gone\n")
    served.push(SIDE, "side", known="main~1")
    begin_push(served.engine, "project", [(served.oid("side"), served.oid("main"), SIDE)], EMPTY_PACK).finish()
    pack, _ = await served.fetch(version, [], want="side")
    assert served.oid("side:file") in pack_twin.read_pack(pack).objects


# --- the other commands of version 2 ----------------------------------------------------------------------------------


async def test_refs_are_listed_with_what_is_asked_for_and_no_more(served: Served) -> None:
    main, tag, first = (served.oid(name).hex().encode() for name in ("main", "v1", "main~1"))
    assert lines(decode(await served.post(ls_refs_request(flags=())))) == [
        *(main + b" HEAD", main + b" refs/heads/main", tag + b" refs/tags/v1")
    ]
    assert lines(decode(await served.post(ls_refs_request(flags=(b"peel", b"symrefs"))))) == [
        main + b" HEAD symref-target:refs/heads/main",
        main + b" refs/heads/main",
        tag + b" refs/tags/v1 peeled:" + first,
    ]
    assert lines(decode(await served.post(ls_refs_request(b"refs/tags/", flags=())))) == [tag + b" refs/tags/v1"]


async def test_head_of_an_empty_repository_is_told_to_whoever_asks_for_the_unborn(tmp_path: Path) -> None:
    engine = Engine.open(tmp_path)
    engine.create_repository("project", ACTOR)
    served = Served(engine, tmp_path)
    told = lines(decode(await served.post(ls_refs_request(flags=(b"symrefs", b"unborn")))))
    assert told == [b"unborn HEAD symref-target:refs/heads/main"]
    assert lines(decode(await served.post(ls_refs_request(flags=(b"symrefs",))))) == []
    engine.close()


async def test_sizes_are_told_of_what_the_refs_reach(served: Served) -> None:
    root, stray = commit_content(), b"no ref reaches it"
    pack = pack_of([entry(TREE, b""), entry(COMMIT, root), entry(BLOB, stray)])
    begin_push(served.engine, "project", [(NULL, oid_of(COMMIT, root), SIDE)], pack).finish()
    asked = [served.oid("main:file"), oid_of(COMMIT, root), oid_of(BLOB, stray), UNKNOWN]
    names = [oid.hex().encode() for oid in asked]
    body = command_request(b"object-info", [b"size", *(b"oid " + name for name in names)])
    sizes = [b"%d" % (len(TEXT) + 9), b"%d" % len(root), b"", b""]
    told = [name + b" " + size for name, size in zip(names, sizes, strict=True)]
    assert lines(decode(await served.post(body))) == [b"size", *told]


# --- pushing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("capability", [b"report-status", b"report-status-v2"])
async def test_a_push_is_reported_to_whoever_wants_a_report(served: Served, capability: bytes) -> None:
    commands = [(NULL, served.oid("main"), SIDE), (NULL, UNKNOWN, b"refs/heads/none")]
    pack = git("pack-objects", "-q", "--stdout", cwd=served.work)
    body = push_request(commands, pack, capabilities=capability)
    report = parse_push_report(await served.post(body, service="git-receive-pack"), side_band=False)
    assert (report.unpack, report.refs[SIDE]) == (b"ok", None)
    assert report.refs[b"refs/heads/none"] == b"missing necessary objects"
    quiet = push_request([(served.oid("main"), NULL, SIDE)], capabilities=b"")
    assert await served.post(quiet, service="git-receive-pack") == b""
    assert served.engine.load("project").manifest.refs.get(SIDE) is None
