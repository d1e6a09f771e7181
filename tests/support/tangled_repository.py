"""Small repositories with tangled trees: the same folders and files at several depths and under several names."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.support.fast_import import EXECUTABLE, GITLINK, REGULAR, SYMLINK, Commit, Entry, FastImport, Person
from tests.support.git import git

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

COMMITS = 25
START_S = 1_700_000_000
FOLDERS = [b"", b"a/", b"a/b/", b"b/", b"b/a/b/", b"a/a/a/", b"c.d/", b"c.d/a/"]
NAMES = [b"a", b"b", b"ab", b"a.c", b"b.c", b"x*", b" y", b"deep/a", b"deep/b/c", b"deep/b/a.c"]
MODES = [REGULAR, REGULAR, EXECUTABLE, SYMLINK]

Files = dict[bytes, Entry]


def build(path: Path, *, seed: int, object_format: ObjectFormat = "sha1") -> Path:
    """Make a bare repository in one pack, with tags of objects of all kinds. The same seed makes the same one."""
    random = Random(seed)
    stream = io.BytesIO()
    _import_commits(FastImport(stream), random, 40 if object_format == "sha1" else 64)
    git("init", "--quiet", "--bare", f"--object-format={object_format}", "--initial-branch=main", path)
    git("fast-import", "--quiet", "--done", cwd=path, stdin=stream.getvalue())
    _tag(path, random)
    git("repack", "-adfq", cwd=path)
    return path


def _import_commits(stream: FastImport, random: Random, hex_len: int) -> None:
    blobs = [stream.blob(b"%d" % number * (1 << number), random.choice(MODES)) for number in range(9)]
    blobs += [stream.blob(b""), Entry(GITLINK, b"1" * hex_len, b"")]
    modules = [_some_files(blobs, random) for _ in range(4)]
    marks: list[bytes] = []
    files: Files = {}
    for number in range(COMMITS):
        person = Person(b"A U Thor", START_S + number)
        parents = tuple(dict.fromkeys([*marks[-1:], *random.sample(marks, min(len(marks), random.randrange(2)))]))
        commit = Commit(b"refs/heads/main", person, person, b"%d" % number, parents)
        placed = {random.choice(FOLDERS) + name: entry for name, entry in random.choice(modules).items()}
        module_at = random.choice(FOLDERS) + b"m/"
        placed |= {module_at + name: entry for name, entry in random.choice(modules).items()}
        gone = random.sample(sorted(files), min(len(files), random.randrange(6)))
        files = {name: entry for name, entry in {**files, **placed}.items() if name not in gone}
        marks.append(stream.commit(commit, {**placed, **dict.fromkeys(gone)}))
    stream.done()


def _some_files(blobs: list[Entry], random: Random) -> Files:
    return {name: random.choice(blobs) for name in random.sample(NAMES, random.randint(1, 6))}


def _tag(path: Path, random: Random) -> None:
    objects = git("rev-list", "--objects", "--no-object-names", "--all", cwd=path).decode().split()
    for number, oid in enumerate(random.sample(sorted(objects), 8)):
        git("tag", "-a", "-m", "any object", f"any{number}", oid, cwd=path)
        git("tag", "-a", "-m", "a tag", f"nested{number}", f"any{number}", cwd=path)
