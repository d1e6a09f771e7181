"""History, trees and differences beside Git's own words for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from core_ext import Cancel
from packengine.repository import Engine
from packengine.repository.browsing import (
    DiffAsked,
    FileDiff,
    LogAsked,
    Snapshot,
    TreeAsked,
    UnknownRevision,
    diff_page,
    log_page,
    tree_page,
)
from packengine.repository.browsing.revisions import object_named
from tests.support import random_repository
from tests.support.browsing import make_browsed, take_over
from tests.support.git import git, git_result

SEEDS = range(4)


@dataclass(frozen=True)
class Both:
    """A repository here, and as Git has it."""

    snapshot: Snapshot
    path: Path

    def git(self, *arguments: str) -> bytes:
        return git(*arguments, cwd=self.path)

    def commits(self) -> list[str]:
        return self.git("rev-list", "--all").decode().split()


@pytest.fixture(params=["browsed", "small", *SEEDS])
def both(request: pytest.FixtureRequest, tmp_path: Path, small_repo: Path) -> Iterator[Both]:
    path = tmp_path / "repository.git"
    if request.param == "small":
        path = small_repo
    elif request.param == "browsed":
        make_browsed(path)
    else:
        random_repository.build(path, seed=request.param)
    engine = Engine.open(tmp_path / "data")
    take_over(engine, path, "both")
    yield Both(engine.snapshot("both"), path)
    engine.close()


def paged_log(both: Both, revision: str, *, limit: int, path: str = "") -> list[str]:
    found, cursor = list[str](), None
    while True:
        page = log_page(both.snapshot, revision, LogAsked(limit, path=path, cursor=cursor), Cancel())
        found += [commit.oid.hex() for commit in page.commits]
        cursor = page.cursor
        if cursor is None:
            return found


def test_log_is_gits(both: Both) -> None:
    for branch in both.git("for-each-ref", "--format=%(refname)", "refs/heads").decode().split():
        expected = both.git("log", "--format=%H", branch, "--").decode().split()
        assert paged_log(both, branch, limit=7) == expected
        page = log_page(both.snapshot, branch, LogAsked(5, skip=3), Cancel())
        assert [commit.oid.hex() for commit in page.commits] == expected[3:8]


def test_log_of_a_path_is_gits(both: Both) -> None:
    names = both.git("ls-tree", "-r", "-t", "-z", "--name-only", "HEAD").split(b"\0")[:-1]
    paths = [name.decode() for name in names if not name.startswith(b'"') and name.isascii()]
    for path in Random(1).sample(paths, min(len(paths), 12)):
        expected = both.git("log", "--format=%H", "HEAD", "--", f":(literal){path}").decode().split()
        assert paged_log(both, "HEAD", limit=3, path=path) == expected


def test_tree_is_gits(both: Both) -> None:
    for revision in Random(2).sample(both.commits(), min(5, len(both.commits()))):
        lines = both.git("ls-tree", "-r", "-t", "-l", "-z", revision).split(b"\0")[:-1]
        expected = {line.partition(b"\t")[2]: line.partition(b"\t")[0].split() for line in lines}
        page = tree_page(both.snapshot, TreeAsked(revision, "", recursive=True, limit=100_000, cursor=None), Cancel())
        assert len(page.rows) == len(expected)
        for path, mode, oid, size_bytes in page.rows:
            mode_text, _, oid_text, size_text = expected[path]
            assert (f"{mode:06o}".encode(), oid.hex().encode()) == (mode_text, oid_text)
            assert (b"-" if size_bytes is None else b"%d" % size_bytes) == size_text


def test_differences_are_gits_in_numbers_and_lead_from_old_to_new(both: Both) -> None:
    for commit in Random(3).sample(both.commits(), min(40, len(both.commits()))):
        page = diff_page(both.snapshot, commit, None, DiffAsked(), Cancel())
        assert page.cursor is None
        against = (
            [f"{commit}^"] if git_result("rev-parse", "-q", "--verify", f"{commit}^", cwd=both.path).stdout else []
        )
        flags = ["-M", "-r", "-z", "--no-commit-id", *([] if against else ["--root"]), *against, commit]
        assert numbers_of(page.files) == numbers_of_git(both.git("diff-tree", "--numstat", *flags))
        for file in page.files:
            assert_leads_on(both, file)


Numbers = dict[bytes, tuple[bytes | None, bytes, bytes]]


def numbers_of(files: list[FileDiff]) -> Numbers:
    found: Numbers = {}
    for file in files:
        lines = file.lines
        counts = (b"-", b"-") if lines.is_binary else (b"%d" % lines.additions, b"%d" % lines.deletions)
        found[file.change.path] = (file.change.old_path, *counts)
    return found


def numbers_of_git(output: bytes) -> Numbers:
    """Of `--numstat -z`: a rename has two paths after an empty one."""
    found: Numbers = {}
    records = iter(output.split(b"\0")[:-1])
    for record in records:
        additions, deletions, path = record.split(b"\t", 2)
        if path:
            found[path] = (None, additions, deletions)
        else:
            old_path = next(records)
            found[next(records)] = (old_path, additions, deletions)
    return found


def assert_leads_on(both: Both, file: FileDiff) -> None:
    """The hunks make the new content of the old one."""
    change, lines = file.change, file.lines
    if lines.is_binary or lines.is_cut or {change.old_mode, change.new_mode} & {0o160000}:
        return
    old, new = (lines_in(content(both, oid)) for oid in (change.old_oid, change.new_oid))
    made, at = list[bytes](), 0
    for hunk in lines.hunks:
        start = hunk.old_start - 1 if hunk.old_lines else hunk.old_start
        made += old[at:start]
        kept = [line.text + (b"" if line.is_unended else b"\n") for line in hunk.lines if line.kind != "add"]
        assert old[start : start + hunk.old_lines] == kept
        made += [line.text + (b"" if line.is_unended else b"\n") for line in hunk.lines if line.kind != "del"]
        at = start + hunk.old_lines
    assert b"".join(made + old[at:]) == b"".join(new)


def lines_in(data: bytes) -> list[bytes]:
    return re.findall(rb"[^\n]*\n|[^\n]+", data)


def content(both: Both, oid: bytes | None) -> bytes:
    return b"" if oid is None else both.git("cat-file", "blob", oid.hex())


@pytest.mark.parametrize("revision", ["HEAD", "HEAD~1", "HEAD^", "HEAD~3^2", "HEAD^2~1", "HEAD~2~1^0", "HEAD^3", "@~5"])
def test_revisions_are_gits(both: Both, revision: str) -> None:
    expected = git_result("rev-parse", "-q", "--verify", revision, cwd=both.path).stdout.decode().strip()
    try:
        found = object_named(both.snapshot, revision).hex()
    except UnknownRevision:
        found = ""
    assert found == expected
