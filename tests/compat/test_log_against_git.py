"""The log of a path is the one that stock Git shows, in one page or in many."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from core_ext import ObjectDb
from tests.support import random_repository
from tests.support.git import git
from tests.support.graph_files import with_graph
from tests.support.packs import database, open_pack

if TYPE_CHECKING:
    from core_ext._core import Oid

PATHS = [*random_repository.PATHS, b"dir", b"dir/deep", b"other", b"absent", b"a/x"]
ALL = 1 << 30


@pytest.fixture(scope="module", params=[1, 2, 3])
def tangled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    seed: int = request.param
    return random_repository.build(tmp_path_factory.mktemp("log") / "r.git", seed=seed, commits_per_second=2)


@pytest.fixture(scope="module", params=["parsed", "graph"])
def db(request: pytest.FixtureRequest, tangled: Path) -> ObjectDb:
    """A database of the repository, without and with a commit-graph."""
    pack = open_pack(tangled)
    return database([with_graph(pack) if request.param == "graph" else pack])


def shown_by_git(path: Path, *arguments: str) -> list[Oid]:
    return [bytes.fromhex(line) for line in git("log", "--format=%H", *arguments, cwd=path).decode().split()]


def tips_of(path: Path) -> list[Oid]:
    names = git("for-each-ref", "--format=%(objectname)", "refs/heads", cwd=path).decode().split()
    return [bytes.fromhex(name) for name in dict.fromkeys(names)]


def names(oids: list[Oid]) -> list[str]:
    return [oid.hex() for oid in oids]


@pytest.mark.parametrize("path", [None, *PATHS])
def test_the_log_of_a_path_is_git_s(tangled: Path, db: ObjectDb, path: bytes | None) -> None:
    pathspec = ["--", path.decode()] if path else []
    tips = tips_of(tangled)
    for starts in [tips, tips[:1]]:
        found, cursor = db.log(starts, path=path, limit=ALL, max_looked_at=ALL)
        assert cursor is None
        assert found == shown_by_git(tangled, *names(starts), *pathspec)


def test_what_hides_and_what_is_too_old_or_too_new_is_left_out(tangled: Path, db: ObjectDb) -> None:
    random, tips = Random(4), tips_of(tangled)
    everything = shown_by_git(tangled, *names(tips))
    for _ in range(25):
        hidden = random.sample(everything, random.choice([0, 1, 1, 2]))
        path = random.choice([None, *PATHS[:8]])
        pathspec = ["--", path.decode()] if path else []
        since_s, until_s = (
            random_repository.START_S + place for place in (random.randint(0, 25), random.randint(25, 61))
        )
        span = random.choice([(None, None), (since_s, None), (None, until_s), (since_s, until_s)])
        dates = [f"--{name}=@{time_s}" for name, time_s in zip(("since", "until"), span, strict=True) if time_s]
        found, _ = db.log(
            tips, hidden=hidden, path=path, since_s=span[0], until_s=span[1], limit=ALL, max_looked_at=ALL
        )
        shown = shown_by_git(tangled, *dates, *names(tips), *(f"^{name}" for name in names(hidden)), *pathspec)
        more = [commit for commit in found if commit not in shown]
        assert [commit for commit in found if commit not in more] == shown
        if more:
            assert hidden
            assert path
        # Git looks at some merges before it knows that a parent of theirs is hidden, and takes it for one that counts.
        reached = set(shown_by_git(tangled, *names(hidden))) if more else set()
        assert all(len(db.parents(commit)) > 1 and reached.intersection(db.parents(commit)) for commit in more)


def test_pages_of_any_size_are_the_whole_log(tangled: Path, db: ObjectDb) -> None:
    random, tips = Random(5), tips_of(tangled)
    everything = shown_by_git(tangled, *names(tips))
    for _ in range(12):
        path, skip = random.choice([None, *PATHS[:8]]), random.choice([0, 0, 3, 1000])
        hidden = random.sample(everything, random.choice([0, 1]))
        whole, _ = db.log(tips, hidden=hidden, path=path, limit=ALL, max_looked_at=ALL)
        found: list[Oid] = []
        cursor: bytes | None = None
        while True:
            limit, looked_at = random.randint(1, 9), random.randint(1, 12)
            page, cursor = db.log(
                tips, hidden=hidden, path=path, limit=limit, skip=skip, max_looked_at=looked_at, cursor=cursor
            )
            assert len(page) <= min(limit, looked_at)
            found += page
            if cursor is None:
                break
        assert found == whole[skip:]
