"""A history in which files move, are rewritten and change their types: for comparisons of trees, and of lines."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.support.fast_import import EXECUTABLE, GITLINK, REGULAR, SYMLINK, Commit, Entry, FastImport, Person
from tests.support.git import git

if TYPE_CHECKING:
    from core_ext._core import ObjectFormat

FOLDERS = [b"", b"a/", b"b/", b"a/deep/", b"a.b/", b"c/"]
NAMES = [b"one", b"two", b"three", b"four", b"five", b"six", b"a", b"b"]
WORDS = [b"alpha", b"beta", b"gamma", b"delta", b"", b"  if x:", b"    return", b"}", b"epsilon " * 12]
START_S = 1_700_000_000


def build(path: Path, *, seed: int, commits: int = 60, object_format: ObjectFormat = "sha1") -> Path:
    """Make a bare repository in one pack, HEAD at its tip. The same seed makes the same one."""
    random = Random(seed)
    stream = io.BytesIO()
    importer = FastImport(stream)
    working_tree = _WorkingTree(importer, random, object_format)
    tip: tuple[bytes, ...] = ()
    for number in range(commits):
        changes: dict[bytes, Entry | None] = {}
        for _ in range(random.randint(1, 6)):
            changes |= working_tree.change()
        person = Person(b"A U Thor", START_S + number)
        tip = (importer.commit(Commit(b"refs/heads/main", person, person, b"%d" % number, tip), changes),)
    importer.done()
    git("init", "--quiet", "--bare", f"--object-format={object_format}", "--initial-branch=main", path)
    git("fast-import", "--quiet", "--done", cwd=path, stdin=stream.getvalue())
    git("repack", "-adfq", cwd=path)
    return path


class _WorkingTree:
    """Files, and what changes them. Each change returns the paths that it changed."""

    def __init__(self, importer: FastImport, random: Random, object_format: ObjectFormat) -> None:
        self._importer = importer
        self._random = random
        self._submodules = [b"%02x" % number * (20 if object_format == "sha1" else 32) for number in (1, 2, 3)]
        self._files: dict[bytes, Entry] = {}

    def change(self) -> dict[bytes, Entry | None]:
        edit, move = self._edit, self._move
        changes = [self._add, self._add, edit, edit, move, move, self._copy, self._take, self._retype]
        path = self._random.choice(sorted(self._files)) if self._files else b""
        return self._random.choice(changes)(path) if path else self._add(path)

    def _add(self, _: bytes) -> dict[bytes, Entry | None]:
        content = text(self._random, self._random.randint(0, 40))
        return self._put(_path(self._random), self._importer.blob(content, self._random.choice([REGULAR, EXECUTABLE])))

    def _edit(self, path: bytes) -> dict[bytes, Entry | None]:
        return self._put(path, self._edited(self._files[path]))

    def _move(self, path: bytes) -> dict[bytes, Entry | None]:
        entry = self._files[path]
        removed = self._take(path)
        return removed | self._put(_path(self._random), self._random.choice([entry, self._edited(entry)]))

    def _copy(self, path: bytes) -> dict[bytes, Entry | None]:
        return self._put(_path(self._random), self._files[path])

    def _retype(self, path: bytes) -> dict[bytes, Entry | None]:
        link = self._importer.blob(b"target", SYMLINK)
        submodule = Entry(GITLINK, self._random.choice(self._submodules), b"")
        program = self._importer.blob(self._files[path].content, EXECUTABLE)
        return self._put(path, self._random.choice([link, submodule, program, program]))

    def _take(self, path: bytes) -> dict[bytes, Entry | None]:
        del self._files[path]
        return {path: None}

    def _put(self, path: bytes, entry: Entry) -> dict[bytes, Entry | None]:
        """Put a file; those where a folder must be, and those in a folder where it is to be, go."""
        in_the_way = [other for other in self._files if _excludes(path, other)]
        changes: dict[bytes, Entry | None] = {}
        for other in in_the_way:
            changes |= self._take(other)
        self._files[path] = entry
        return changes | {path: entry}

    def _edited(self, entry: Entry) -> Entry:
        """A file with other content; of a submodule, which has none, the same."""
        if entry.mode == GITLINK:
            return entry
        return self._importer.blob(edited(entry.content, self._random), entry.mode)


def _excludes(path: bytes, other: bytes) -> bool:
    """Whether one of the paths would be a folder where the other is a file."""
    return path.startswith(other + b"/") or other.startswith(path + b"/")


def _path(random: Random) -> bytes:
    return random.choice(FOLDERS) + random.choice(NAMES)


def text(random: Random, lines: int) -> bytes:
    """Some lines, many of them the same as others; now and then with odd ends, or no text at all."""
    ends = random.choice([b"\n"] * 8 + [b"\r\n", b"\n\n"])
    content = b"".join(random.choice(WORDS) + b" %d" % random.randrange(12) + ends for _ in range(lines))
    return random.choice([content] * 8 + [content.removesuffix(b"\n"), content + b"\0binary"])


def edited(content: bytes, random: Random) -> bytes:
    """The same with a few runs of lines replaced, taken away, doubled or moved."""
    lines = content.splitlines(keepends=True)
    for _ in range(random.randint(1, 4)):
        at, count = random.randint(0, len(lines)), random.randint(0, 6)
        run = lines[at : at + count]
        lines[at : at + count] = random.choice([[], run + run, text(random, count).splitlines(keepends=True)])
        if random.random() < 0.2:
            place = random.randint(0, len(lines))
            lines[place:place] = run
    return b"".join(lines)
