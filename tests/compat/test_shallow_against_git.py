"""Shallow selections and boundaries are those of `git upload-pack` and `git rev-list` in the same repository."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from core_ext import ObjectDb, ObjectSet
from tests.support import random_repository, wire_client
from tests.support.git import git
from tests.support.ingests import open_ingest, take_in
from tests.support.packs import database, open_pack

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

SEEDS = range(3)
ROUNDS = 12
SKEW_S = 20  # a history spans a minute


@dataclass(frozen=True)
class Source:
    """A repository of Git's, and the same objects in a database."""

    path: Path
    object_format: ObjectFormat
    db: ObjectDb
    dates_s: dict[bytes, int]
    """Every commit."""

    @property
    def commits(self) -> list[bytes]:
        return list(self.dates_s)


def build(path: Path, *, seed: int, object_format: ObjectFormat = "sha1", skew_s: int = 0) -> Source:
    random_repository.build(path, seed=seed, object_format=object_format, skew_s=skew_s)
    lines = git("rev-list", "--all", "--no-commit-header", "--format=%H %ct", cwd=path).decode().splitlines()
    dates_s = {bytes.fromhex(oid): int(date_s) for oid, date_s in map(str.split, lines)}
    return Source(path, object_format, database([open_pack(path, object_format)], object_format), dates_s)


@pytest.fixture(scope="module", params=[*SEEDS, "sha256"])
def source(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = tmp_path_factory.mktemp("git") / "repo.git"
    if request.param == "sha256":
        return build(path, seed=9, object_format="sha256")
    return build(path, seed=request.param)


@pytest.fixture(scope="module")
def skewed(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Commits that claim to be older than their parents."""
    return build(tmp_path_factory.mktemp("git") / "skewed.git", seed=9, skew_s=SKEW_S)


def raw(hexes: bytes) -> list[bytes]:
    return [bytes.fromhex(oid) for oid in hexes.decode().split()]


def named(word: bytes, oids: Sequence[bytes]) -> list[bytes]:
    return [word + b" " + oid.hex().encode() for oid in oids]


def members(objects: ObjectSet) -> set[bytes]:
    return set(objects.oids(limit=1 << 20))


def upload_pack(
    source: Source, wants: Sequence[bytes], haves: Sequence[bytes], arguments: Sequence[bytes]
) -> wire_client.FetchAnswer:
    """One fetch of version 2, thin. The settings are off that may leave more out, or less."""
    flags = [b"thin-pack", b"no-progress", b"ofs-delta", *arguments]
    request = wire_client.fetch_request(wants, haves, flags=flags, object_format=source.object_format.encode())
    plain = ("-c", "pack.useSparse=false", "-c", "pack.useBitmaps=false")
    serve = (*plain, "upload-pack", "--stateless-rpc", source.path)
    body = git(*serve, stdin=request, env={"GIT_PROTOCOL": "version=2"})
    return wire_client.parse_fetch_answer(body)


def assert_holds(source: Source, pack: bytes | None, objects: ObjectSet, folder: Path) -> None:
    """The pack has so many objects; completed, it has these, and bases that are not among them."""
    assert pack is not None
    assert int.from_bytes(pack[8:12], "big") == len(objects)
    if len(objects):
        folder.mkdir()
        completed = take_in(open_ingest(folder / "pack", object_format=source.object_format), pack, source.db)
        stored = members(database([completed.pack()], source.object_format).all_objects())
        assert members(objects) <= stored
        assert len(stored) == len(objects) + completed.thin_base_count


@dataclass(frozen=True)
class ShallowClient:
    """What a clone of limited depth has."""

    commits: list[bytes]
    shallow: list[bytes]


def shallow_client(source: Source, random: Random) -> ShallowClient:
    shallow, above = source.db.depth_boundary(random.sample(source.commits, 2), random.randint(1, 6))
    return ShallowClient(sorted({*shallow, *members(above)}), shallow)


def without_parents(db: ObjectDb, haves: list[bytes]) -> list[bytes]:
    """Git takes a have for known, and no edge, if a have before it is its child. Here it is one, and less is sent."""
    return [have for rank, have in enumerate(haves) if not any(have in db.parents(child) for child in haves[:rank])]


def assert_same_answer(source: Source, random: Random, folder: Path, deepen: str | None) -> None:
    """Fetch as a shallow client does, and make the same of the same request as upload-pack."""
    client, db = shallow_client(source, random), source.db
    wants = random.sample(source.commits, 2)
    haves = without_parents(db, random.sample(client.commits, min(len(client.commits), random.randint(0, 3))))
    arguments, boundary, above = named(b"shallow", client.shallow), list[bytes](), set[bytes]()
    if deepen == "depth":
        depth = random.randint(1, 12)
        arguments.append(b"deepen %d" % depth)
        boundary, kept = db.depth_boundary(wants, depth)
        above = members(kept)
    elif deepen == "age":
        since_s = min(source.dates_s[want] for want in wants) - random.randint(0, 30)
        arguments.append(b"deepen-since %d" % since_s)
        boundary, kept = db.age_boundary(wants, since_s=since_s, excluded=[])
        above = members(kept)
    fetched = upload_pack(source, wants, haves, arguments)
    unshallow = [oid for oid in client.shallow if oid in above]
    assert set(fetched.shallow) == set(boundary) - set(client.shallow)
    assert set(fetched.unshallow) == set(unshallow)
    parents = [parent for oid in unshallow for parent in db.parents(oid)]
    objects, held = db.select(wants + parents, haves + unshallow, shallow=client.shallow + boundary)
    assert_holds(source, fetched.pack, objects, folder)
    assert members(held) <= members(db.select(client.commits, [], shallow=client.shallow)[0])


@pytest.mark.parametrize("deepen", [None, "depth", "age"])
def test_shallow_client_gets_what_upload_pack_sends(source: Source, tmp_path: Path, deepen: str | None) -> None:
    random = Random(f"{deepen}")
    for number in range(ROUNDS):
        assert_same_answer(source, random, tmp_path / f"{number}", deepen)


def test_clone_of_some_depth_is_upload_pack_s(source: Source, tmp_path: Path) -> None:
    random = Random(1)
    for depth in (*range(1, ROUNDS), 30, (1 << 31) - 1):
        wants = random.sample(source.commits, random.randint(1, 3))
        fetched = upload_pack(source, wants, [], [b"deepen %d" % depth])
        boundary, _ = source.db.depth_boundary(wants, depth)
        assert set(boundary) == set(fetched.shallow)
        objects, _ = source.db.select(wants, [], shallow=boundary)
        assert_holds(source, fetched.pack, objects, tmp_path / f"{depth}")


def rev_list(source: Source, tips: list[bytes], since_s: int | None, excluded: list[bytes]) -> set[bytes]:
    age = [] if since_s is None else [f"--max-age={since_s}"]
    revs = [*(oid.hex() for oid in tips), "--not", *(oid.hex() for oid in excluded)]
    return set(raw(git("rev-list", *age, *revs, cwd=source.path)))


def assert_selected(source: Source, tips: list[bytes], since_s: int | None, excluded: list[bytes]) -> None:
    boundary, above = source.db.age_boundary(tips, since_s=since_s, excluded=excluded)
    selected = rev_list(source, tips, since_s, excluded)
    assert {*boundary, *members(above)} == selected
    assert set(boundary) == {oid for oid in selected if not selected.issuperset(source.db.parents(oid))}


def test_age_and_exclusion_select_what_rev_list_does(source: Source) -> None:
    random = Random(2)
    for _ in range(2 * ROUNDS):
        tips, excluded = random.sample(source.commits, 2), random.sample(source.commits, random.randint(0, 2))
        since_s = random.choice([None, *source.dates_s.values()])
        assert_selected(source, tips, since_s, excluded)


def test_age_selects_what_rev_list_does_whatever_the_clocks_say(skewed: Source) -> None:
    random = Random(3)
    for _ in range(2 * ROUNDS):
        assert_selected(skewed, random.sample(skewed.commits, 2), random.choice(list(skewed.dates_s.values())), [])


def test_reached_candidates_are_those_that_rev_list_finds(source: Source) -> None:
    random = Random(4)
    for _ in range(ROUNDS):
        tips, candidates = random.sample(source.commits, 2), random.sample(source.commits, 9)
        reached = rev_list(source, tips, None, [])
        assert source.db.reached_among(tips, candidates) == [oid for oid in candidates if oid in reached]
