"""Small repositories with tangled histories: many merges, tags of everything; in one pack or in several."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.support.fast_import import Commit, Entry, FastImport, Person
from tests.support.git import git

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

COMMITS = 120
LINES = 5
PATHS = [b"a", b"b", b"dir/a", b"dir/b", b"dir/deep/c", b"dir.c", b"other/a", b"other/deep/a"]
START_S = 1_700_000_000


def build(
    path: Path, *, seed: int, object_format: ObjectFormat = "sha1", commits_per_second: int = 2, skew_s: int = 0
) -> Path:
    """Make a bare repository in one pack. The same seed makes the same one.

    Dates ascend, by default each twice; skew_s: by how many seconds clocks may be behind.
    """
    random = Random(seed)
    stream = io.BytesIO()
    clocks = Random(seed)
    dates_s = [START_S + number // commits_per_second - clocks.randint(0, skew_s) for number in range(COMMITS)]
    _import_commits(FastImport(stream), random, dates_s)
    git("init", "--quiet", "--bare", f"--object-format={object_format}", "--initial-branch=line0", path)
    git("fast-import", "--quiet", "--done", cwd=path, stdin=stream.getvalue())
    _tag_everything(path, random)
    git("repack", "-adfq", "--depth=20", cwd=path)
    return path


def split(source: Path, path: Path, *, seed: int, object_format: ObjectFormat = "sha1") -> list[Path]:
    """Push a repository piece by piece into a new one, each piece a thin pack that is completed there.

    Returns the packs, newest first. Completed bases are in several of them.
    """
    random = Random(seed)
    git("init", "--quiet", "--bare", f"--object-format={object_format}", path)
    commits = git("rev-list", "--reverse", "--all", cwd=source).decode().split()
    tips = git("for-each-ref", "--format=%(objectname)", cwd=source).decode().split()
    pieces = [[commit] for commit in sorted(random.sample(commits, 5), key=commits.index)] + [tips]
    pushed: list[str] = []
    packs: list[Path] = []
    for piece in pieces:
        revs = "\n".join([*piece, "--not", *pushed, ""]).encode()
        ofs = random.choice([["--delta-base-offset"], []])
        pack = git("pack-objects", "-q", "--thin", "--revs", "--stdout", *ofs, cwd=source, stdin=revs)
        name = git("index-pack", "--stdin", "--fix-thin", cwd=path, stdin=pack).decode().split()[-1]
        packs.insert(0, path / "objects" / "pack" / f"pack-{name}.pack")
        pushed += piece
    return packs


def _import_commits(stream: FastImport, random: Random, dates_s: list[int]) -> None:
    texts = [b"".join(b"line %d of %d\n" % (row, number) for row in range(60)) for number in range(4)]
    blobs = [stream.blob(random.choice(texts) + b"changed %d\n" % number) for number in range(40)]
    heads: dict[int, bytes] = {}
    marks: list[bytes] = []
    for number, date_s in enumerate(dates_s):
        line = random.randrange(LINES)
        person = Person(b"A U Thor", date_s)
        parents = [heads[line]] if line in heads else []
        if marks and random.random() < 0.35:
            parents += random.sample(sorted(set(heads.values())), random.randint(1, min(2, len(heads))))
        commit = Commit(b"refs/heads/line%d" % line, person, person, b"%d" % number, tuple(dict.fromkeys(parents)))
        heads[line] = stream.commit(commit, _changes(blobs, random))
        marks.append(heads[line])
    for number, mark in enumerate(random.sample(marks, 6)):
        stream.tag(b"v%d" % number, mark, Person(b"T Agger", START_S + COMMITS), b"release\n")
    stream.done()


def _changes(blobs: list[Entry], random: Random) -> dict[bytes, Entry | None]:
    paths = random.sample(PATHS, random.randint(1, 3))
    return {path: random.choice([*blobs, None]) for path in paths}


def _tag_everything(path: Path, random: Random) -> None:
    """Tags of a tree, of a blob, and of a tag."""
    for number, line in enumerate(sorted(git("rev-list", "--objects", "--all", cwd=path).decode().splitlines())[::90]):
        git("tag", "-a", "-m", "any object", f"any{number}", line.split()[0], cwd=path)
    git("tag", "-a", "-m", "a tag", "nested", f"v{random.randrange(6)}", cwd=path)
