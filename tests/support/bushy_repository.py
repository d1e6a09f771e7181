"""A long history with a short branch at every commit, for requests that name them all."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.fast_import import Commit, Entry, FastImport, Person
from tests.support.git import GIT_ENV, git

FIRST_TIME_S = 1_700_000_000
TWIGS_PER_CONTENT = 100
"""So many branches share the content that they add."""


@dataclass(frozen=True, slots=True)
class BushyRepository:
    """`trunk`: a chain of commits, oldest first. `twigs`: one commit above each of them, each with a ref. Raw ids."""

    path: Path
    trunk: list[bytes]
    twigs: list[bytes]


def make_bushy_repository(path: Path, size: int) -> BushyRepository:
    """A bare repository of 2 * size commits and size + 1 refs."""
    git("init", "--quiet", "--bare", "-b", "main", path)
    command = ["git", "-C", str(path), "fast-import", "--quiet", "--done"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=GIT_ENV) as importer:
        assert importer.stdin is not None
        writer = FastImport(importer.stdin)
        parent: tuple[bytes, ...] = ()
        for number in range(size):
            parent = (_commit(writer, b"refs/heads/main", number, parent, {}),)
            content = writer.blob(b"content %d\n" % (number // TWIGS_PER_CONTENT))
            _commit(writer, b"refs/heads/twig/%05d" % number, number, parent, {b"file": content})
        writer.done()
    assert importer.returncode == 0
    trunk = git("rev-list", "--reverse", "main", cwd=path).split()
    twigs = git("for-each-ref", "--format=%(objectname)", "refs/heads/twig/", cwd=path).split()
    return BushyRepository(path, [_raw(oid) for oid in trunk], [_raw(oid) for oid in twigs])


def _commit(
    writer: FastImport, ref: bytes, number: int, parents: tuple[bytes, ...], changes: Mapping[bytes, Entry]
) -> bytes:
    person = Person(b"Somebody", FIRST_TIME_S + number)
    return writer.commit(Commit(ref, person, person, b"%s %d\n" % (ref, number), parents), changes)


def _raw(oid: bytes) -> bytes:
    return bytes.fromhex(oid.decode())
