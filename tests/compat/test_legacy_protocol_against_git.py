"""Fetching in versions 0 and 1 against stock Git: its upload-pack as the oracle of every line that we say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from core_ext import ObjectDb
from packengine.pktline import FLUSH, Packet, encode_many
from packengine.protocol import (
    AckMode,
    LegacyFetchRequest,
    LegacyUploadPackRequest,
    LegacyUploadPackRequestParser,
    ListedRef,
    ProtocolVersion,
    RemoteProtocolError,
    ShallowInfo,
    UploadPackOffer,
    WireLimits,
    advertise_upload_pack,
    legacy_head,
    negotiate_legacy,
)
from tests.support import legacy_client, random_repository, wire_client
from tests.support.git import git, git_result
from tests.support.packs import database, open_pack

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

OFFER = UploadPackOffer(agent=b"packhouse/1")
UNKNOWN = [bytes([number]) * 20 for number in range(1, 9)]
ROUNDS = 14
ACK_WORDS = [b"", b"multi_ack", b"multi_ack_detailed", b"multi_ack_detailed no-done", b"multi_ack no-done", b"no-done"]
OPEN = ("-c", "uploadpack.allowAnySHA1InWant=true", "-c", "uploadpack.allowFilter=true")


def upload_pack(repository: Path, body: bytes) -> bytes:
    """What Git answers to one POST."""
    return git(*OPEN, "upload-pack", "--stateless-rpc", repository, stdin=body)


def parse(body: bytes) -> LegacyUploadPackRequest:
    parser = LegacyUploadPackRequestParser(OFFER, WireLimits())
    [request] = parser.feed(body) + parser.finish()
    return request


# --- negotiation ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=range(3))
def repository(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All commits are of one second: Git stops looking for haves below the date of the oldest, by the second; we do so
    with some slack."""
    path = tmp_path_factory.mktemp("git") / "repo.git"
    return random_repository.build(path, seed=request.param, commits_per_second=random_repository.COMMITS)


@pytest.fixture(scope="module")
def db(repository: Path) -> ObjectDb:
    return database([open_pack(repository)])


@pytest.fixture(scope="module")
def commits(repository: Path) -> list[bytes]:
    return oids(git("rev-list", "--all", cwd=repository))


@pytest.fixture(scope="module")
def tips(repository: Path) -> list[bytes]:
    """Branches, and tags of anything."""
    return oids(git("for-each-ref", "--format=%(objectname)", cwd=repository))


def oids(text: bytes) -> list[bytes]:
    return [bytes.fromhex(word) for word in text.decode().split()]


def kind_of(db: ObjectDb, oid: bytes) -> str | None:
    header = db.header(oid)
    return header and header[0]


def reached_at(db: ObjectDb, wants: Sequence[bytes], common: Sequence[bytes]) -> int | None:
    """The least number of haves that suffice. Git does not peel tags among them: here a blob, of as little use, stands
    for each."""
    blob = next(oid for oid in db.all_objects().oids(limit=len(db)) if kind_of(db, oid) == "blob")
    haves = [blob if kind_of(db, have) == "tag" else have for have in common]
    return next((count for count in range(len(haves) + 1) if db.all_reach(wants, haves[:count])), None)


def our_answer(db: ObjectDb, request: LegacyUploadPackRequest) -> tuple[list[bytes], bool]:
    assert isinstance(request, LegacyFetchRequest)
    common = [have for have in request.haves if db.contains(have)]
    negotiated = negotiate_legacy(request, common, reached_at(db, request.wants, common))
    return wire_client.lines(wire_client.decode(negotiated.lines)), negotiated.sends_pack


def as_the_document_has_it(mode: AckMode, lines: list[bytes]) -> list[bytes]:
    """In single mode Git says its one ACK again at each have that an earlier one made known."""
    return lines[:1] if mode is AckMode.SINGLE else lines


def rounds(random: Random, tips: list[bytes], commits: list[bytes]) -> Iterator[tuple[list[bytes], list[bytes], bool]]:
    """(wants, haves, done): mostly one want and old haves, so that many rounds become ready."""
    for _ in range(ROUNDS):
        wants = random.sample(tips if random.random() < 0.5 else commits[: len(commits) // 2], random.randint(1, 2))
        haves = random.sample(commits, random.randint(0, 6)) + random.sample(tips, random.randint(0, 2))
        haves += random.sample(UNKNOWN, random.randint(0, 3))
        random.shuffle(haves)
        yield wants, list(dict.fromkeys(haves)), random.random() < 0.3


@pytest.mark.parametrize("words", ACK_WORDS)
def test_lines_and_pack_are_gits(
    words: bytes, repository: Path, db: ObjectDb, tips: list[bytes], commits: list[bytes]
) -> None:
    random = Random(words)
    for wants, haves, done in rounds(random, tips, commits):
        capabilities = words + b" side-band-64k no-progress"
        body = legacy_client.request(wants, haves, capabilities=capabilities, done=done)
        theirs = upload_pack(repository, body)
        request = parse(legacy_client.request(wants, haves + haves[::-1], capabilities=capabilities, done=done))
        assert isinstance(request, LegacyFetchRequest)
        lines, sends_pack = our_answer(db, request)
        assert lines == as_the_document_has_it(request.ack_mode, wire_client.lines(legacy_client.front_of(theirs)))
        assert sends_pack == legacy_client.has_pack(theirs)


@pytest.mark.parametrize("done", [True, False, None])
@pytest.mark.parametrize("depth", [1, 2, 5, 200])
def test_boundary_stands_in_front_as_git_writes_it(
    depth: int, done: bool | None, repository: Path, db: ObjectDb, tips: list[bytes]
) -> None:
    """done: None for a request that ends behind its needs. Git has an order of its own among the commits."""
    wants = Random(depth).sample(tips, 2)
    deepen = [b"deepen %d" % depth]
    whole = None if done is None else legacy_client.request(wants, arguments=deepen, done=done)
    body = whole or legacy_client.boundary_request(wants, deepen)
    request = parse(body)
    assert isinstance(request, LegacyFetchRequest)
    boundary, _ = db.depth_boundary(wants, depth)
    head = legacy_head(request, ShallowInfo(shallow=tuple(boundary)), negotiate_legacy(request, [], None))
    theirs = legacy_client.front_of(upload_pack(repository, body))
    section = theirs.index(FLUSH)
    assert wire_client.decode(head)[section:] == theirs[section:]
    assert sorted(wire_client.decode(head)[:section], key=str) == sorted(theirs[:section], key=str)


# --- requests ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one_commit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("git") / "work"
    git("init", "--quiet", path)
    git("commit", "--quiet", "--allow-empty", "--message=first", cwd=path)
    return path


@pytest.fixture(scope="module")
def tip(one_commit: Path) -> bytes:
    return git("rev-parse", "HEAD", cwd=one_commit).strip()


def with_tip(packets: Sequence[Packet], tip: bytes) -> bytes:
    return encode_many([packet.replace(b"TIP", tip) if isinstance(packet, bytes) else packet for packet in packets])


@pytest.mark.parametrize(
    "packets",
    [
        [b"want 12345", FLUSH],
        [b"want", FLUSH],
        [b"have TIP", FLUSH],
        [b"command=fetch", FLUSH],
        [b"want TIP multi_ack", b"filter blob:none", FLUSH],
        [b"filter blob:none", b"want TIP filter", FLUSH],
        [b"want TIP filter", b"filter blob:none", b"filter blob:none", FLUSH],
        [b"want TIP", b"shallow 12345", FLUSH],
        [b"want TIP", b"deepen 0", FLUSH],
        [b"want TIP", b"deepen -1", FLUSH],
        [b"want TIP", b"deepen many", FLUSH],
        [b"want TIP", b"deepen-since yesterday", FLUSH],
        [b"want TIP", b"deepen 1", b"deepen-since 1", FLUSH],
        [b"want TIP", FLUSH, b"want TIP", FLUSH],
        [b"want TIP", FLUSH, b"done done", FLUSH],
        [b"want TIP", FLUSH, b"have 12345", FLUSH],
        [b"want TIP", FLUSH, b"have TIP"],
        [b"want TIP"],
    ],
    ids=str,
)
def test_broken_request_is_refused_with_gits_sentence(one_commit: Path, tip: bytes, packets: list[Packet]) -> None:
    body = with_tip(packets, tip)
    done = git_result(*OPEN, "upload-pack", "--stateless-rpc", one_commit, stdin=body)
    with pytest.raises(RemoteProtocolError) as caught:
        parse(body)
    assert done.stderr.decode().strip().splitlines()[-1] == f"fatal: {caught.value}"


@pytest.mark.parametrize(
    "packets",
    [
        [FLUSH],
        [FLUSH, b"have TIP", b"done"],
        [b"shallow TIP", FLUSH, b"have TIP", FLUSH],
        [b"want TIP multi_ack", FLUSH],
        [b"want TIP", b"shallow TIP", FLUSH],
    ],
    ids=str,
)
def test_request_that_asks_for_nothing_is_answered_with_nothing(
    one_commit: Path, tip: bytes, packets: list[Packet]
) -> None:
    body = with_tip(packets, tip)
    assert upload_pack(one_commit, body) == b""
    request = parse(body)
    if isinstance(request, LegacyFetchRequest):
        negotiated = negotiate_legacy(request, [], None)
        assert legacy_head(request, None, negotiated) == b""
        assert not negotiated.sends_pack


@pytest.mark.parametrize("rest", [b"0000", b"0009done\n", b"0032want nonsense", b"garbage", b"00"])
@pytest.mark.parametrize("ending", [FLUSH, b"done"])
def test_what_follows_the_round_is_passed_over(one_commit: Path, tip: bytes, ending: Packet, rest: bytes) -> None:
    body = with_tip([b"want TIP multi_ack", FLUSH, b"have " + b"12" * 20, ending], tip)
    alone, followed = upload_pack(one_commit, body), upload_pack(one_commit, body + rest)
    assert alone == followed
    assert parse(body) == parse(body + rest)


# --- advertisements ---------------------------------------------------------------------------------------------------


def info_refs(repository: Path, version: ProtocolVersion) -> bytes:
    """The body that Git's own server answers to info/refs."""
    for setting in ("allowTipSHA1InWant", "allowReachableSHA1InWant", "allowFilter"):
        git("config", f"uploadpack.{setting}", "true", cwd=repository)
    env = {
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROJECT_ROOT": str(repository.parent),
        "GIT_PROTOCOL": f"version={version.value}",
        "PATH_INFO": f"/{repository.name}/info/refs",
        "QUERY_STRING": "service=git-upload-pack",
        "REQUEST_METHOD": "GET",
    }
    return git("http-backend", env=env).partition(b"\r\n\r\n")[2]


def listed_refs(repository: Path) -> Iterator[ListedRef]:
    """What is to be listed, from commands that know nothing of the protocol."""
    target = git_result("symbolic-ref", "--quiet", "HEAD", cwd=repository).stdout.strip() or None
    head = git_result("rev-parse", "--verify", "--quiet", "HEAD", cwd=repository).stdout.decode()
    yield (b"HEAD", bytes.fromhex(head) if head else None, None, target)
    for line in git("for-each-ref", "--format=%(objectname) %(objecttype) %(refname)", cwd=repository).splitlines():
        oid, kind, name = line.split(b" ", 2)
        peeled = git("rev-parse", f"{oid.decode()}^{{}}", cwd=repository).decode() if kind == b"tag" else ""
        yield (name, bytes.fromhex(oid.decode()), bytes.fromhex(peeled) or None, None)


def assert_same_advertisement(repository: Path, object_format: ObjectFormat, version: ProtocolVersion) -> None:
    theirs = info_refs(repository, version)
    agent = wire_client.parse_advertisement(theirs).capabilities[-1].removeprefix(b"agent=")
    offer = UploadPackOffer(agent=agent, object_format=object_format)
    assert b"".join(advertise_upload_pack(offer, listed_refs(repository), version)) == theirs


def payload(packet: Packet) -> bytes:
    return packet if isinstance(packet, bytes) else b""


VERSIONS = pytest.mark.parametrize("version", [ProtocolVersion.V0, ProtocolVersion.V1])


@VERSIONS
@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_advertisement_of_many_refs_is_gits(
    tmp_path: Path, version: ProtocolVersion, object_format: ObjectFormat
) -> None:
    repository = random_repository.build(tmp_path / "repo.git", seed=1, object_format=object_format)
    assert_same_advertisement(repository, object_format, version)


@VERSIONS
def test_advertisement_without_refs_is_gits_with_the_line_that_2_42_brought(
    tmp_path: Path, version: ProtocolVersion
) -> None:
    repository = tmp_path / "empty.git"
    git("init", "--quiet", "--bare", repository)
    theirs = wire_client.decode(info_refs(repository, version))
    ours = b"".join(advertise_upload_pack(OFFER, listed_refs(repository), version))
    [line] = [packet for packet in wire_client.decode(ours) if b"capabilities^{}" in payload(packet)]
    assert payload(line).startswith(b"0" * 40 + b" capabilities^{}\0multi_ack ")
    assert [packet for packet in wire_client.decode(ours) if packet != line] == [
        packet for packet in theirs if b"capabilities^{}" not in payload(packet)
    ]


@VERSIONS
@pytest.mark.parametrize("head", [["symbolic-ref", "HEAD", "refs/heads/unborn"], ["update-ref", "--no-deref", "HEAD"]])
def test_advertisement_with_head_elsewhere_is_gits(tmp_path: Path, version: ProtocolVersion, head: list[str]) -> None:
    """Not born yet, or detached."""
    repository = random_repository.build(tmp_path / "repo.git", seed=2)
    tip = git("rev-parse", "refs/heads/line1", cwd=repository).decode().strip()
    git(*head, *([tip] if head[0] == "update-ref" else []), cwd=repository)
    assert_same_advertisement(repository, "sha1", version)
