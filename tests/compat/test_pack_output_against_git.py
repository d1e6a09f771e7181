"""Packs that we write are accepted by `git index-pack --strict` and hold what they should, down to the byte."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from core_ext import ObjectDb, ObjectSet, Pack
from tests.support import random_repository
from tests.support.git import git
from tests.support.packs import database, git_objects, open_pack

SEEDS = range(4)
ROUNDS = 6


@pytest.fixture(scope="module", params=["story", *SEEDS])
def source(request: pytest.FixtureRequest, small_repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up project, or a tangle of merges and tags."""
    if request.param == "story":
        return small_repo
    return random_repository.build(tmp_path_factory.mktemp("git") / "repo.git", seed=request.param)


@pytest.fixture(scope="module")
def db(source: Path, tmp_path_factory: pytest.TempPathFactory) -> ObjectDb:
    """The same in several packs, with objects that several of them have."""
    paths = random_repository.split(source, tmp_path_factory.mktemp("split") / "repo.git", seed=1)
    packs = [Pack.open(str(path), str(path.with_suffix(".idx")), object_format="sha1") for path in paths]
    db = database(packs)
    assert sum(pack.object_count for pack in packs) > len(db)
    return db


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    git("init", "--quiet", "--bare", tmp_path / "empty.git")
    return tmp_path / "empty.git"


@pytest.fixture(scope="module")
def commits(source: Path) -> list[bytes]:
    return [bytes.fromhex(oid) for oid in git("rev-list", "--all", cwd=source).decode().split()]


def packed(db: ObjectDb, objects: ObjectSet, holds: ObjectSet | None = None, *, ofs_delta: bool = True) -> bytes:
    stream = db.stream_pack(objects, client_holds=holds, ofs_delta=ofs_delta)
    return b"".join(iter(lambda: stream.read(1000), b""))


def receive(repository: Path, pack: bytes) -> None:
    """Take a pack in as a fetch does, checking all that Git can check."""
    git("index-pack", "--stdin", "--fix-thin", "--strict", cwd=repository, stdin=pack)


def assert_holds(repository: Path, db: ObjectDb, oids: set[bytes]) -> None:
    found = {oid: (kind, content) for oid, kind, content in git_objects(repository)}
    assert found.keys() == oids
    assert all(db.read(oid) == object_ for oid, object_ in found.items())


def members(objects: ObjectSet) -> set[bytes]:
    return set(objects.oids(limit=1 << 20))


@pytest.mark.parametrize("ofs_delta", [True, False])
def test_full_clone_is_accepted_and_complete(db: ObjectDb, empty: Path, ofs_delta: bool) -> None:
    receive(empty, packed(db, db.all_objects(), ofs_delta=ofs_delta))
    assert_holds(empty, db, members(db.all_objects()))


def test_clone_of_any_commit_is_its_closure(db: ObjectDb, tmp_path: Path, commits: list[bytes]) -> None:
    random = Random(1)
    for number in range(ROUNDS):
        repository = tmp_path / f"{number}.git"
        git("init", "--quiet", "--bare", repository)
        objects = db.reachable(random.sample(commits, 2))
        receive(repository, packed(db, objects, ofs_delta=random.random() < 0.7))
        assert_holds(repository, db, members(objects))


def test_thin_fetches_one_after_the_other_add_up(db: ObjectDb, empty: Path, commits: list[bytes]) -> None:
    random = Random(2)
    haves: list[bytes] = []
    for _ in range(ROUNDS):
        wants = random.sample(commits, 2)
        objects, holds = db.difference(wants, haves)
        receive(empty, packed(db, objects, holds if haves else None, ofs_delta=random.random() < 0.7))
        haves += wants
        assert_holds(empty, db, members(db.reachable(haves)))
    for number, have in enumerate(haves):
        git("update-ref", f"refs/heads/{number}", have.hex(), cwd=empty)
    git("fsck", "--strict", "--full", "--connectivity-only", cwd=empty)


def test_thin_answers_are_smaller(db: ObjectDb, commits: list[bytes]) -> None:
    thin = whole = 0
    for want, have in zip(commits, commits[5:], strict=False):
        objects, holds = db.difference([want], [have])
        thin += len(packed(db, objects, holds))
        whole += len(packed(db, objects))
    assert thin < whole


def test_pack_is_what_verify_pack_reads(db: ObjectDb, tmp_path: Path, commits: list[bytes]) -> None:
    objects = db.reachable(commits[:1])
    path = tmp_path / "answer.pack"
    path.write_bytes(packed(db, objects))
    git("index-pack", path, cwd=tmp_path)
    lines = git("verify-pack", "-v", path.with_suffix(".idx")).decode().splitlines()
    listed = {line.split()[0] for line in lines if len(line.split()[0]) == 40}
    assert listed == {oid.hex() for oid in members(objects)}


def test_sha256_fetch_is_accepted_and_complete(tmp_path: Path) -> None:
    source = random_repository.build(tmp_path / "source.git", seed=1, object_format="sha256")
    commits = [bytes.fromhex(oid) for oid in git("rev-list", "line0", cwd=source).decode().split()]
    db = database([open_pack(source, "sha256")], "sha256")
    target = tmp_path / "target.git"
    git("init", "--quiet", "--bare", "--object-format=sha256", target)
    for want, haves in (commits[9], []), (commits[0], [commits[9]]):
        objects, holds = db.difference([want], haves)
        receive(target, packed(db, objects, holds))
    assert_holds(target, db, members(db.reachable(commits[:1])))
