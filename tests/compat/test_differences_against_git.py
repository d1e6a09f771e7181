"""Differences between trees and between blobs are those that stock Git shows."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from core_ext import BlobDiff, Pack, PackBuilder
from tests.support import moving_repository
from tests.support.git import git
from tests.support.packs import database, open_pack

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat, Oid

STATUSES = {"A": "added", "M": "modified", "T": "modified", "D": "deleted", "R": "renamed"}
Row = tuple[str, bytes, bytes | None, int, int, "Oid | None", "Oid | None"]


@pytest.fixture(scope="module", params=["sha1", "sha256"])
def moving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ObjectFormat]:
    object_format: ObjectFormat = request.param
    path = tmp_path_factory.mktemp("moving") / "repository.git"
    return moving_repository.build(path, seed=7, commits=120, object_format=object_format), object_format


def trees_of(path: Path) -> list[str]:
    return git("log", "--format=%T", "--reverse", "--all", cwd=path).decode().split()


def shown_by_git(path: Path, old: str, new: str, *options: str) -> list[Row]:
    raw = git("diff-tree", "-r", "-z", "--raw", "--no-abbrev", *options, old, new, cwd=path)
    fields = iter(raw.split(b"\0")[:-1])
    rows: list[Row] = []
    for head in fields:
        old_mode, new_mode, old_oid, new_oid, letter = head.decode().removeprefix(":").split()
        status = STATUSES[letter[0]]
        old_path = next(fields) if status == "renamed" else None
        oids = [None if set(oid) == {"0"} else bytes.fromhex(oid) for oid in (old_oid, new_oid)]
        rows.append((status, next(fields), old_path, int(old_mode, 8), int(new_mode, 8), oids[0], oids[1]))
    return rows


def oid(hexadecimal: str) -> Oid:
    return bytes.fromhex(hexadecimal)


def test_trees_differ_as_git_says(moving: tuple[Path, ObjectFormat]) -> None:
    path, object_format = moving
    db = database([open_pack(path, object_format)], object_format)
    trees, random = trees_of(path), Random(1)
    pairs = list(pairwise(trees))[::3] + [(random.choice(trees), random.choice(trees)) for _ in range(30)]
    renames = 0
    for old, new in pairs:
        plain = db.diff_trees(oid(old), oid(new), renames=False, limit=1000)
        assert plain == shown_by_git(path, old, new, "--no-renames")
        paired = db.diff_trees(oid(old), oid(new), renames=True, limit=1000)
        assert paired == shown_by_git(path, old, new, "-M")
        renames += sum(row[0] == "renamed" for row in paired)
    assert renames > 40


def test_every_change_of_a_large_history_is_git_s(medium_repo: Path) -> None:
    db = database([open_pack(medium_repo)])
    for old, new in list(pairwise(trees_of(medium_repo)))[::40]:
        assert db.diff_trees(oid(old), oid(new), renames=True, limit=100_000) == shown_by_git(
            medium_repo, old, new, "-M"
        )


def parsed_patch(patch: bytes) -> list[tuple[int, int, int, int, list[tuple[str, bytes]]]]:
    """The hunks of a patch of one file."""
    hunks: list[tuple[int, int, int, int, list[tuple[str, bytes]]]] = []
    kinds = {b" ": "ctx", b"+": "add", b"-": "del"}
    for line in re.findall(rb"[^\n]*\n", patch):
        if match := re.match(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", line):
            old_start, old_lines, new_start, new_lines = match.groups(b"1")
            hunks.append((int(old_start), int(old_lines), int(new_start), int(new_lines), []))
        elif hunks and line.startswith(b"\\"):
            kind, text = hunks[-1][4].pop()
            hunks[-1][4].append((kind, text.removesuffix(b"\n")))
        elif hunks:
            hunks[-1][4].append((kinds[line[:1]], line[1:]))
    return hunks


def applied(old: bytes, diff: BlobDiff) -> bytes:
    """The new text, by the hunks."""
    lines = re.findall(rb"[^\n]*\n|[^\n]+$", old)
    made: list[bytes] = []
    at = 0
    for old_start, old_lines, new_start, new_lines, told in diff.hunks:
        start = old_start - 1 if old_lines else old_start
        made += lines[at:start]
        assert len(made) == (new_start - 1 if new_lines else new_start)
        assert [text for kind, text in told if kind != "add"] == lines[start : start + old_lines]
        made += [text for kind, text in told if kind != "del"]
        assert sum(kind != "del" for kind, _ in told) == new_lines
        at = start + old_lines
    return b"".join(made + lines[at:])


def test_lines_differ_as_git_says(tmp_path: Path) -> None:
    random = Random(3)
    git("init", "--quiet", "--bare", tmp_path)
    builder = PackBuilder(object_format="sha1")
    pairs: list[tuple[bytes, bytes]] = []
    for number in range(150):
        old = moving_repository.text(random, random.randint(0, 60))
        pairs.append((old, moving_repository.edited(old, random) if number % 5 else moving_repository.text(random, 30)))
    blobs = {content: builder.add("blob", content) for pair in pairs for content in pair}
    pack = builder.finish()
    git("unpack-objects", "-q", cwd=tmp_path, stdin=pack)
    db = database([Pack.from_bytes(pack, None, object_format="sha1")])
    for old, new in pairs:
        context = random.choice([0, 1, 3, 10])
        diff = db.diff_blobs(blobs[old], blobs[new], context=context, max_bytes=1 << 20, max_lines=1000)
        names = (blobs[old].hex(), blobs[new].hex())
        numstat = git("diff", "--numstat", *names, cwd=tmp_path).split(b"\t")
        if diff.is_binary:
            assert numstat[:2] == [b"-", b"-"]
            continue
        assert applied(old, diff) == new
        assert [diff.additions, diff.deletions] == ([int(numstat[0]), int(numstat[1])] if old != new else [0, 0])
        assert diff.hunks == parsed_patch(git("diff", f"--unified={context}", *names, cwd=tmp_path))
        assert not diff.truncated
