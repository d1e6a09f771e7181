"""`ObjectDb.merge` merges to the trees of `git merge-tree --write-tree`, or stops at the same paths.

A merge that Git stops at is never clean here, nor is a clean one another tree: there are no exceptions to that. Which
paths are named can depend on Git's version; docs/merging.md tells what is known of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from core_ext import MergeResult, ObjectDb
from tests.support import random_merges
from tests.support.git import git, git_result
from tests.support.merging import merged
from tests.support.packs import database, open_pack
from tests.support.random_merges import Pair

SEEDS = range(4)
PAIRS = 250

# Conflicts about where something is to go, which Git tells in words only: there need be nothing at their paths.
WITHOUT_FILES = {"directory rename split", "implicit directory rename"}
# Git 2.39.5 names other paths here than Git 2.55 does, and we: it puts two files where one may be.
OTHER_PATHS_IN_OLDER_GIT = {"0/35"}
# Git 2.39.5 ends with a failed assertion here; Git 2.55 does not.
CRASHES_OLDER_GIT = {"1/46", "1/88"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What Git says: the tree if it is clean, else the paths in conflict; neither if it crashed."""

    tree: str | None
    paths: frozenset[bytes] | None


def ask_git(repository: Path, pair: Pair) -> Answer:
    options = ["--write-tree", "--name-only", "-z", "--no-messages", "--allow-unrelated-histories"]
    told = git_result("merge-tree", *options, pair.ours, pair.theirs, cwd=repository)
    if told.returncode > 1 or told.returncode < 0:
        return Answer(None, None)
    tree, *paths = told.stdout.split(b"\0")
    return Answer(None, frozenset(paths) - {b""}) if told.returncode else Answer(tree.decode(), frozenset())


def ask_us(db: ObjectDb, pair: Pair) -> tuple[Answer, MergeResult]:
    # Git calls the sides by the names that it was given; paths that make room for others end with these.
    labels = pair.ours.encode(), pair.theirs.encode()
    result = merged(db, bytes.fromhex(pair.ours), bytes.fromhex(pair.theirs), labels=labels, allow_unrelated=True)
    if result.tree is not None:
        return Answer(result.tree.hex(), frozenset()), result
    return Answer(None, frozenset(path for path, kind in result.conflicts if kind not in WITHOUT_FILES)), result


def differences(repository: Path, db: ObjectDb, pairs: Sequence[Pair]) -> tuple[set[str], set[str]]:
    """Where other paths are in conflict, and where Git crashed. What is worse fails at once."""
    other_paths, crashes = set(), set()
    for pair in pairs:
        gits, (ours, result) = ask_git(repository, pair), ask_us(db, pair)
        if gits.paths is None:
            crashes.add(pair.name)
            continue
        assert ours.tree == gits.tree, f"{pair}: {result.conflicts}"
        if ours.paths != gits.paths:
            other_paths.add(pair.name)
        assert (result.tree is None) == bool(result.conflicts)
    return other_paths, crashes


@pytest.mark.parametrize("seed", SEEDS)
def test_random_merges_end_as_in_git(seed: int, tmp_path: Path) -> None:
    repository = tmp_path / "repo.git"
    pairs = random_merges.build(repository, seed=seed, pairs=PAIRS)
    other_paths, crashes = differences(repository, database([open_pack(repository)]), pairs)
    assert other_paths <= OTHER_PATHS_IN_OLDER_GIT
    assert crashes <= CRASHES_OLDER_GIT


def test_random_merges_of_sha256_end_as_in_git(tmp_path: Path) -> None:
    repository = tmp_path / "repo.git"
    pairs = random_merges.build(repository, seed=2, pairs=PAIRS, object_format="sha256")
    found = differences(repository, database([open_pack(repository, "sha256")], "sha256"), pairs)
    assert found == (set(), set())


def test_the_objects_of_a_clean_merge_complete_its_tree(tmp_path: Path) -> None:
    """Written into Git's own repository, they are all that `git fsck` and `git ls-tree` lack."""
    repository = tmp_path / "repo.git"
    pairs = random_merges.build(repository, seed=3, pairs=60)
    db = database([open_pack(repository)])
    clean = [result for pair in pairs if (result := ask_us(db, pair)[1]).tree is not None and result.objects]
    assert len(clean) > 5
    for result in clean:
        for kind, content in result.objects:
            git("hash-object", "-w", "-t", kind, "--stdin", cwd=repository, stdin=content)
        assert result.tree is not None
        commit = git("commit-tree", "-m", "merged", result.tree.hex(), cwd=repository).decode().strip()
        git("update-ref", f"refs/heads/merged-{commit}", commit, cwd=repository)
    git("fsck", "--strict", "--connectivity-only", cwd=repository)


def test_a_merge_of_two_branches_of_a_large_tree_reads_the_changed_folders_only(tmp_path: Path) -> None:
    """100,000 files in 2,000 folders; each branch changes ten of them: 1 + 100 + 2,000 trees are there."""
    repository = tmp_path / "repo.git"
    ours, theirs = _large(repository)
    db = database([open_pack(repository)])
    result = merged(db, bytes.fromhex(ours), bytes.fromhex(theirs))
    expected = git("merge-tree", "--write-tree", ours, theirs, cwd=repository).decode().strip()
    assert result.tree is not None
    assert result.tree.hex() == expected
    # Three roots; of each changed folder and the one above it at most three versions; no blobs.
    assert result.read_count <= 3 + 3 * 2 * 20


def _large(repository: Path) -> tuple[str, str]:
    def path(number: int) -> bytes:
        return b"folder%02d/part%02d/file%06d.c" % (number % 100, number // 100 % 20, number)

    def change(branch: bytes, numbers: range) -> bytes:
        head = b"commit refs/heads/%b\ncommitter A <a@b> 1700000100 +0000\ndata 1\nm\nfrom refs/heads/base\n" % branch
        return head + b"".join(b"M 100644 inline %b\ndata 7\nchanged\n" % path(number) for number in numbers)

    stream = b"blob\nmark :1\ndata 4\nsame\ncommit refs/heads/base\ncommitter A <a@b> 1700000000 +0000\ndata 1\nm\n"
    stream += b"".join(b"M 100644 :1 %b\n" % path(number) for number in range(100_000))
    stream += change(b"ours", range(0, 10_000, 1000)) + change(b"theirs", range(50_007, 60_007, 1000)) + b"done\n"
    git("init", "--quiet", "--bare", repository)
    git("-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--done", cwd=repository, stdin=stream)
    ours, theirs = git("rev-parse", "ours", "theirs", cwd=repository).decode().split()
    return ours, theirs
