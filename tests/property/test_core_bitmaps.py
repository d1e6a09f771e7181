"""With bitmaps the graph answers as without: never less than is asked for, and nothing that may not be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from core_ext import MissingObject, ObjectDb, ObjectFilter, ObjectSet, Pack, write_bitmaps
from tests.support import random_repository
from tests.support.git import git
from tests.support.packs import database, pack_path

SEEDS = range(4)
ROUNDS = 25
MEMORY_BYTES = 1 << 24
ALL = 1 << 20

FILTERS = [
    [ObjectFilter.blob_none()],
    [ObjectFilter.blob_limit(1000)],
    [ObjectFilter.blob_limit(0)],
    [ObjectFilter.tree_depth(0)],
    [ObjectFilter.tree_depth(1)],
    [ObjectFilter.tree_depth(2), ObjectFilter.blob_none()],
    [ObjectFilter.object_type("commit")],
    [ObjectFilter.object_type("tree")],
    [ObjectFilter.object_type("blob")],
    [ObjectFilter.object_type("tag")],
    [ObjectFilter.object_type("blob"), ObjectFilter.blob_limit(1000)],
    [ObjectFilter.sparse(b"/dir/\n")],
    [ObjectFilter.sparse(b"/dir/\n"), ObjectFilter.object_type("blob")],
]


@dataclass(frozen=True, slots=True)
class Twins:
    """The same packs twice: the oldest of them with bitmaps, and without."""

    random: Random
    bitmapped: ObjectDb
    plain: ObjectDb
    commits: list[bytes]
    roots: list[bytes]

    def some(self, among: Sequence[bytes], most: int) -> list[bytes]:
        return self.random.sample(among, min(len(among), self.random.randint(1, most)))


def with_bitmaps(pack: Pack, folder: Path, tips: Sequence[bytes]) -> Pack:
    """The pack, now with bitmaps."""
    path = str(folder / f"{pack.checksum.hex()}.bitmap")
    assert write_bitmaps(database([pack]), tips, path, max_memory_bytes=MEMORY_BYTES)
    pack.attach_bitmaps(path)
    assert pack.has_bitmaps
    return pack


def rev_list(repository: Path, *arguments: str) -> list[bytes]:
    return [bytes.fromhex(line) for line in git("rev-list", *arguments, cwd=repository).decode().split()]


def twins(seed: int, folder: Path, place: str) -> Twins:
    """A tangled repository, its oldest pack with bitmaps.

    place: what lies in front of it. Nothing; what was pushed later, which is most of all; or copies of what it has.
    """
    repository = random_repository.build(folder / "repo.git", seed=seed, skew_s=seed % 3 * 100_000)
    random = Random(seed)
    commits = rev_list(repository, "--all")
    others = rev_list(repository, "--objects", "--no-object-names", "--all")
    refs = git("for-each-ref", "--format=%(objectname)", cwd=repository).decode().split()
    tags = [bytes.fromhex(oid) for oid in refs]
    paths = [pack_path(repository)]
    if place == "pushed":
        paths = random_repository.split(repository, folder / "split.git", seed=seed)
    elif place == "copied":
        paths = [*(copy_of(repository, folder, commit) for commit in random.sample(commits, 2)), *paths]

    def packs() -> list[Pack]:
        return [Pack.open(str(path), str(path.with_suffix(".idx")), object_format="sha1") for path in paths]

    bitmapped = packs()
    with_bitmaps(bitmapped[-1], folder, random.sample(commits, 30) if place == "pushed" else tags)
    roots = commits + tags * 3 + others[:: max(1, len(others) // 20)]
    return Twins(random, database(bitmapped), database(packs()), commits, roots)


def copy_of(repository: Path, folder: Path, commit: bytes) -> Path:
    """A pack of what a commit reaches."""
    name = git("pack-objects", "-q", "--revs", folder / "copy", cwd=repository, stdin=commit.hex().encode() + b"\n")
    return folder / f"copy-{name.decode().strip()}.pack"


PLACES = ["alone", "pushed", "copied"]


@pytest.fixture(
    scope="module",
    params=[(seed, place) for seed in SEEDS for place in PLACES],
    ids=lambda param: f"{param[1]}-{param[0]}",
)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Twins:
    seed, place = request.param
    return twins(seed, tmp_path_factory.mktemp("twins"), place)


def members(objects: ObjectSet) -> set[bytes]:
    return set(objects.oids(limit=ALL))


def test_the_closure_is_the_same(pair: Twins) -> None:
    for _ in range(ROUNDS):
        tips, more = pair.some(pair.roots, 5), pair.some(pair.roots, 3)
        reached, plain = pair.bitmapped.reachable(tips), pair.plain.reachable(tips)
        assert members(reached) == members(plain)
        beyond = pair.bitmapped.reachable(more, known=reached)
        assert members(beyond) == members(pair.plain.reachable(more, known=plain))


def test_as_many_commits_are_counted(pair: Twins) -> None:
    for _ in range(ROUNDS):
        tips = pair.some(pair.commits, 4)
        count = pair.plain.count_commits(tips)
        assert pair.bitmapped.count_commits(tips) == count
        view = pair.bitmapped.restricted(pair.plain.reachable(tips[:1]).moved_to(pair.bitmapped))
        assert view.count_commits(tips[:1]) == pair.plain.count_commits(tips[:1])


def test_nothing_is_missing_and_nothing_too_much_is_sent(pair: Twins) -> None:
    for _ in range(2 * ROUNDS):
        wants, haves = pair.some(pair.roots, 4), pair.some(pair.roots, 6)
        sent, held = pair.bitmapped.select(wants, haves)
        wanted, known = members(pair.plain.reachable(wants)), members(pair.plain.reachable(haves))
        assert wanted - known <= members(sent) <= members(pair.plain.select(wants, haves)[0])
        assert members(held) <= known


@pytest.mark.parametrize("filters", FILTERS)
def test_filters_let_through_the_same(pair: Twins, filters: list[ObjectFilter]) -> None:
    for _ in range(5):
        wants, haves = pair.some(pair.roots, 4), pair.some(pair.roots, 4)
        everything = members(pair.bitmapped.select(wants, [], filters=filters)[0])
        assert everything == members(pair.plain.select(wants, [], filters=filters)[0])
        sent, held = (members(chosen) for chosen in pair.bitmapped.select(wants, haves, filters=filters))
        plain = members(pair.plain.select(wants, haves, filters=filters)[0])
        known = members(pair.plain.reachable(haves))
        assert plain - known <= sent <= plain
        assert held <= members(pair.plain.select(haves, [], filters=filters)[0])


def test_a_shallow_boundary_is_kept(pair: Twins) -> None:
    for _ in range(ROUNDS):
        wants, haves, cut = pair.some(pair.roots, 3), pair.some(pair.commits, 3), pair.some(pair.commits, 3)
        filters = pair.random.choice([[], *FILTERS])
        found = pair.bitmapped.select(wants, haves, shallow=cut, filters=filters)
        plain = pair.plain.select(wants, haves, shallow=cut, filters=filters)
        assert [members(chosen) for chosen in found] == [members(chosen) for chosen in plain]


def test_nothing_invisible_is_sent_or_held(pair: Twins) -> None:
    for _ in range(ROUNDS):
        tips = pair.some(pair.commits, 3)
        bitmapped = pair.bitmapped.restricted(pair.plain.reachable(tips).moved_to(pair.bitmapped))
        plain = pair.plain.restricted(pair.plain.reachable(tips))
        visible = sorted(members(plain.all_objects()))
        assert members(bitmapped.reachable(tips)) == set(visible)
        wants, haves = pair.some(visible, 3), pair.some(visible, 3)
        sent, held = bitmapped.select(wants, haves)
        wanted, known = members(plain.reachable(wants)), members(plain.reachable(haves))
        assert wanted - known <= members(sent) <= members(plain.select(wants, haves)[0])
        assert members(held) <= known


def test_what_refers_to_the_invisible_is_an_error_all_the_same(pair: Twins) -> None:
    refused = 0
    for _ in range(ROUNDS):
        tip = pair.random.choice(pair.commits)
        closure = sorted(members(pair.plain.reachable([tip])) - {tip})
        hidden = pair.bitmapped.reachable([pair.random.choice(closure)])
        view = pair.bitmapped.restricted(pair.bitmapped.all_objects().minus(hidden))
        with pytest.raises(MissingObject):
            view.reachable([tip])
        visible = members(view.all_objects())
        have = pair.random.choice(pair.commits)
        if have not in visible:
            continue
        try:
            sent, held = view.select([tip], [have])
        except MissingObject:
            refused += 1
        else:
            assert members(sent) | members(held) <= visible
    assert refused
