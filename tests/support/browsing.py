"""A repository with everything that a reader can meet, and how it gets into a server's engine."""

from __future__ import annotations

import io
from pathlib import Path
from random import Random

from packengine.repository import Engine
from packengine.repository.progress import no_progress
from tests.support.engine_pushes import ACTOR
from tests.support.fast_import import EXECUTABLE, GITLINK, SYMLINK, Commit, Entry, FastImport, Person
from tests.support.git import git

SUBMODULE_COMMIT = "5" * 40
NOISE_BYTES = 1_500_000
LATIN_1_NAME = "Jürgen Größe"
BINARY = bytes(range(256))
FEATURE = "feature/sub.dir"
_START_S = 1_600_000_000
_DAY_S = 86_400


class _Story:
    def __init__(self, stream: FastImport) -> None:
        self._stream = stream
        self._time_s = _START_S

    def blob(self, content: bytes, mode: bytes = b"100644") -> Entry:
        return self._stream.blob(content, mode)

    def commit(
        self,
        branch: bytes,
        message: bytes,
        changes: dict[bytes, Entry | None],
        *parents: bytes,
        name: bytes = b"A. Author",
        encoding: bytes | None = None,
    ) -> bytes:
        self._time_s += _DAY_S
        author, committer = Person(name, self._time_s - 100), Person(b"C. Committer", self._time_s)
        commit = Commit(b"refs/heads/" + branch, author, committer, message, tuple(parents), encoding)
        return self._stream.commit(commit, changes)


def make_browsed(path: Path, *, object_format: str = "sha1") -> Path:
    """A bare repository. main is a merge; a branch and a tag have slashes and dots in their names."""
    buffer = io.BytesIO()
    story = _Story(FastImport(buffer))
    lines = [b"line %d\n" % number for number in range(200)]
    root = story.commit(
        b"main",
        b"Begin\n\nWith a body.\n",
        {
            b"README": story.blob(b"Hello\n"),
            b"src/main.c": story.blob(b"".join(lines)),
            b"src/deep/er/leaf.txt": story.blob(b"leaf\n"),
            b"src/run.sh": story.blob(b"#!/bin/sh\n", EXECUTABLE),
            b"src/link": story.blob(b"deep/er/leaf.txt", SYMLINK),
            b"binary.dat": story.blob(BINARY),
            b"noise.bin": story.blob(Random(7).randbytes(NOISE_BYTES)),
            "grün/☃".encode(): story.blob(b"snow\n"),
            b"na\xffme": story.blob(b"not UTF-8\n"),
            b"empty": story.blob(b""),
            b"vendored": Entry(GITLINK, (SUBMODULE_COMMIT + "0" * 24 * (object_format == "sha256")).encode(), b""),
        },
    )
    changed = [*lines[:50], b"inserted\n", *lines[51:150], *lines[152:], b"no end"]
    second = story.commit(
        b"main",
        "Größer".encode("latin-1") + b"\n",
        {b"src/main.c": story.blob(b"".join(changed)), b"empty": None},
        root,
        name=LATIN_1_NAME.encode("latin-1"),
        encoding=b"ISO-8859-1",
    )
    core = story.blob(b"".join([*lines[:10], b"other\n", *lines[10:]]))
    side = story.commit(
        FEATURE.encode(),
        b"Rename a file\n",
        {
            b"src/main.c": None,
            b"lib/core.c": core,
            b"binary.dat": story.blob(BINARY[::-1]),
            b"src/run.sh": story.blob(b"#!/bin/sh\n"),
        },
        root,
    )
    merged = {b"merged": story.blob(b"1\n"), b"lib/core.c": core, b"src/main.c": None}
    story.commit(b"main", b"Merge\n", merged, second, side)
    git("init", "--quiet", "--bare", f"--object-format={object_format}", "--initial-branch=main", path)
    git("fast-import", "--quiet", "--done", cwd=path, stdin=buffer.getvalue() + b"done\n")
    git("tag", "-a", "-m", "Release", "release/v1.0", "main~1", cwd=path)
    git("repack", "-adfq", cwd=path)
    return path


def take_over(engine: Engine, path: Path, repository_id: str) -> str:
    """The repository under that id in the engine."""
    return engine.import_repository(path, repository_id, ACTOR, progress=no_progress)


def revision(path: Path, name: str) -> str:
    """An id in hex, as Git names it."""
    return git("rev-parse", "--verify", name, cwd=path).decode().strip()
