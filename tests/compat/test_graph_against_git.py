"""The compiled graph finds what `git rev-list`, `git merge-base` and `git pack-objects` find in the same repository."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from core_ext import ObjectDb, ObjectSet
from tests.support import random_repository
from tests.support.git import git, git_result
from tests.support.graph_files import with_graph
from tests.support.packs import database, open_pack

SEEDS = range(4)
ROUNDS = 12


@pytest.fixture(scope="module", params=["story", *SEEDS])
def repository(request: pytest.FixtureRequest, small_repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A made-up project, or a tangle of merges and tags."""
    if request.param == "story":
        return small_repo
    return random_repository.build(tmp_path_factory.mktemp("git") / "repo.git", seed=request.param)


@pytest.fixture(scope="module", params=[False, True], ids=["parsed", "commit-graph"])
def db(request: pytest.FixtureRequest, repository: Path) -> ObjectDb:
    pack = open_pack(repository)
    return database([with_graph(pack) if request.param else pack])


@pytest.fixture(scope="module")
def commits(repository: Path) -> list[str]:
    return git("rev-list", "--all", cwd=repository).decode().split()


@pytest.fixture(scope="module")
def roots(repository: Path, commits: list[str]) -> list[str]:
    """Commits, what refs name, trees and blobs."""
    refs = git("for-each-ref", "--format=%(objectname)", cwd=repository).decode().split()
    others = git("rev-list", "--objects", "--no-object-names", "--all", cwd=repository).decode().split()
    return commits + refs * 3 + others[:: max(1, len(others) // 20)]


def raw(oids: list[str]) -> list[bytes]:
    return [bytes.fromhex(oid) for oid in oids]


def hexes(objects: ObjectSet) -> set[str]:
    return {oid.hex() for oid in objects.oids(limit=1 << 20)}


def objects_of(repository: Path, wants: list[str], haves: list[str]) -> set[str]:
    revs = "\n".join([*wants, *(f"^{have}" for have in haves)]).encode()
    return set(
        git("rev-list", "--objects", "--no-object-names", "--stdin", cwd=repository, stdin=revs).decode().split()
    )


def test_reachable_is_rev_list_objects(repository: Path, db: ObjectDb, roots: list[str]) -> None:
    random = Random(1)
    for _ in range(ROUNDS):
        tips = random.sample(roots, random.randint(1, 4))
        assert hexes(db.reachable(raw(tips))) == objects_of(repository, tips, [])


def test_difference_is_rev_list_objects_not(repository: Path, db: ObjectDb, roots: list[str]) -> None:
    random = Random(2)
    for _ in range(4 * ROUNDS):
        wants, haves = random.sample(roots, random.randint(1, 4)), random.sample(roots, random.randint(1, 4))
        objects, held = db.difference(raw(wants), raw(haves))
        assert hexes(objects) == objects_of(repository, wants, haves)
        assert hexes(held) <= objects_of(repository, haves, [])


def test_difference_is_what_pack_objects_sends(repository: Path, db: ObjectDb, commits: list[str]) -> None:
    random = Random(3)
    for _ in range(ROUNDS):
        wants, haves = random.sample(commits, 2), random.sample(commits, 2)
        revs = "\n".join([*wants, "--not", *haves, ""]).encode()
        plain = ("-c", "pack.useSparse=false", "-c", "pack.useBitmaps=false")  # both may leave more out, or less
        pack = git(*plain, "pack-objects", "-q", "--revs", "--stdout", cwd=repository, stdin=revs)
        objects, _ = db.difference(raw(wants), raw(haves))
        assert len(objects) == int.from_bytes(pack[8:12], "big")


def test_merge_bases_are_git_s_in_git_s_order(repository: Path, db: ObjectDb, commits: list[str]) -> None:
    random = Random(4)
    for _ in range(10 * ROUNDS):
        left, right = random.choice(commits), random.choice(commits)
        bases = git_result("merge-base", "--all", left, right, cwd=repository).stdout.decode().split()
        assert [base.hex() for base in db.merge_bases(*raw([left, right]))] == bases


def test_ancestry_is_git_s(repository: Path, db: ObjectDb, commits: list[str]) -> None:
    random = Random(5)
    for _ in range(2 * ROUNDS):
        above, below = random.choice(commits), random.choice(commits)
        status = git_result("merge-base", "--is-ancestor", above, below, cwd=repository).returncode
        assert db.is_ancestor(*raw([above, below])) == (status == 0)


def test_walk_is_rev_list(repository: Path, db: ObjectDb, commits: list[str]) -> None:
    random = Random(6)
    for _ in range(2 * ROUNDS):
        tips, hidden = random.sample(commits, 3), random.sample(commits, random.randint(0, 2))
        expected = git("rev-list", *tips, "--not", *hidden, cwd=repository).decode().split()
        skip, limit = random.randint(0, 5), random.randint(1, 50)
        walked = db.walk_commits(raw(tips), raw(hidden), limit=limit, skip=skip)
        assert [oid.hex() for oid in walked] == expected[skip : skip + limit]


def test_count_commits_is_rev_list_count(repository: Path, db: ObjectDb, commits: list[str]) -> None:
    random = Random(8)
    for _ in range(ROUNDS):
        tips = random.choices(commits, k=random.randint(1, 3))
        assert db.count_commits(raw(tips)) == int(git("rev-list", "--count", *tips, cwd=repository))
