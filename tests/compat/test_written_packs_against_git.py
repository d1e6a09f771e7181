"""Packs that are stored by `ObjectDb.write_pack`: Git accepts them, and makes the same idx of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from core_ext import IngestedPack, ObjectDb, ObjectSet, Pack
from tests.support import random_repository
from tests.support.git import git
from tests.support.packs import database, git_objects

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

SEEDS = range(4)
ROUNDS = 5


@pytest.fixture(scope="module", params=[(seed, "sha1") for seed in SEEDS] + [(0, "sha256")])
def stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Pack], ObjectFormat]:
    """A tangle of merges and tags, and its packs: several, with objects that more than one of them has."""
    seed, object_format = request.param
    folder = tmp_path_factory.mktemp("git")
    source = random_repository.build(folder / "repo.git", seed=seed, object_format=object_format)
    paths = random_repository.split(source, folder / "split.git", seed=seed, object_format=object_format)
    return source, [open_file(path, object_format) for path in paths], object_format


def open_file(path: Path, object_format: ObjectFormat) -> Pack:
    return Pack.open(str(path), str(path.with_suffix(".idx")), object_format=object_format)


def choices(db: ObjectDb, source: Path) -> Iterator[ObjectSet]:
    """All objects, the history of some commits, and what such a history has over another."""
    yield db.all_objects()
    commits = [bytes.fromhex(oid) for oid in git("rev-list", "--all", cwd=source).decode().split()]
    random = Random(1)
    for _ in range(ROUNDS):
        wants, haves = random.sample(commits, 2), random.sample(commits, 2)
        yield db.reachable(wants)
        yield db.difference(wants, haves)[0]


def write(db: ObjectDb, objects: ObjectSet, path: Path) -> IngestedPack:
    written = db.write_pack(objects, str(path))
    assert written.pack_path == str(path)
    return written


def test_git_makes_the_same_idx_of_the_pack_and_reads_all_of_it(
    stored: tuple[Path, list[Pack], ObjectFormat], tmp_path: Path
) -> None:
    source, packs, object_format = stored
    db = database(packs, object_format)
    for number, objects in enumerate(choices(db, source)):
        written = write(db, objects, tmp_path / f"{number}.pack")
        theirs = tmp_path / "theirs.idx"
        git("index-pack", "--strict", "-o", theirs, tmp_path / f"{number}.pack", cwd=source)
        assert theirs.read_bytes() == written.idx_bytes()
        theirs.unlink()
        git("verify-pack", f"--object-format={object_format}", tmp_path / f"{number}.pack", cwd=source)
        assert set(database([written.pack()], object_format).all_objects().oids(limit=1 << 20)) == set(
            objects.oids(limit=1 << 20)
        )


def test_the_same_packs_and_objects_make_the_same_bytes(
    stored: tuple[Path, list[Pack], ObjectFormat], tmp_path: Path
) -> None:
    source, packs, object_format = stored
    first, second = (database(packs, object_format) for _ in range(2))
    pairs = zip(choices(first, source), choices(second, source), strict=True)
    for number, (some, same) in enumerate(pairs):
        one = write(first, some, tmp_path / f"{number}.pack")
        assert one.digest == write(second, same, tmp_path / f"{number}-again.pack").digest


def test_a_repository_of_the_merged_pack_alone_is_whole(
    stored: tuple[Path, list[Pack], ObjectFormat], tmp_path: Path
) -> None:
    source, packs, object_format = stored
    db = database(packs, object_format)
    repository = tmp_path / "repo.git"
    git("init", "--quiet", "--bare", f"--object-format={object_format}", repository)
    name = repository / "objects" / "pack" / "pack-merged.pack"
    written = write(db, db.all_objects(), name)
    git("fetch", "--quiet", source, "refs/*:refs/*", cwd=repository)
    git("fsck", "--strict", "--full", cwd=repository)
    assert {oid for oid, _, _ in git_objects(repository)} == {oid for oid, _, _ in git_objects(source)}
    assert len(list(name.parent.glob("*.pack"))) == 1, "nothing had to be fetched"
    del written


def test_merge_of_merges_is_no_deeper_and_no_larger(
    stored: tuple[Path, list[Pack], ObjectFormat], tmp_path: Path
) -> None:
    """What was merged is a pack like any other."""
    _, packs, object_format = stored
    db = database(packs, object_format)
    at_once = write(db, db.all_objects(), tmp_path / "at-once.pack")
    front = database(packs[:3], object_format)
    merged = write(front, front.all_objects(), tmp_path / "front.pack")
    rest = database([merged.pack(), *packs[3:]], object_format)
    in_steps = write(rest, rest.all_objects(), tmp_path / "in-steps.pack")
    assert in_steps.object_count == at_once.object_count
    assert in_steps.size_bytes <= at_once.size_bytes
