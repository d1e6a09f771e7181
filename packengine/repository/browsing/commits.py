"""A commit as it is told to clients. Format: the object itself, Git's Documentation/technical."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core_ext import parse_commit
from packengine.repository.browsing.snapshot import Snapshot
from packengine.repository.browsing.text import text_of

MAX_MESSAGE_BYTES = 64 * 1024
MAX_NAME_BYTES = 4 * 1024
_MAX_SECONDS = 2**63 - 1
_DATE = re.compile(rb"(-?[0-9]{1,19})(?: |\Z)")


@dataclass(frozen=True, slots=True)
class Person:
    """An author or a committer, and when."""

    name: str
    email: str
    timestamp_s: int
    """0 where the commit does not tell."""


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """What a commit says."""

    oid: bytes
    tree: bytes
    parents: list[bytes]
    author: Person
    committer: Person
    message: str
    is_cut: bool
    """The message is longer than MAX_MESSAGE_BYTES; this is its beginning."""


def read_commit(snapshot: Snapshot, commit_oid: bytes) -> CommitInfo:
    """A commit that is there. Raises CorruptObject."""
    _, content = snapshot.objects.read(commit_oid)
    parsed = parse_commit(content, object_format=snapshot.state.manifest.object_format)
    tree, parents, author, committer, headers, message = parsed
    encoding = next((value for name, value in headers if name == b"encoding"), None)
    return CommitInfo(
        commit_oid,
        tree,
        parents,
        _person(author, encoding),
        _person(committer, encoding),
        text_of(_beginning(message), encoding),
        len(message) > MAX_MESSAGE_BYTES,
    )


def _beginning(message: bytes) -> bytes:
    """As much of it as is told, up to the end of a line if there is one: no character is cut in two there."""
    if len(message) <= MAX_MESSAGE_BYTES:
        return message
    end = message.rfind(b"\n", 0, MAX_MESSAGE_BYTES)
    return message[: end + 1 or MAX_MESSAGE_BYTES]


def _person(line: bytes, encoding: bytes | None) -> Person:
    """Of `Name <email> seconds zone`, as Git reads it: to the first `<`, to the next `>`, what follows the last one."""
    name, _, rest = line.partition(b"<")
    email = rest.partition(b">")[0]
    date = _DATE.match(line.rpartition(b">")[2].strip())
    seconds = 0 if date is None else int(date[1])
    return Person(
        text_of(name.strip()[:MAX_NAME_BYTES], encoding),
        text_of(email.strip()[:MAX_NAME_BYTES], encoding),
        seconds if abs(seconds) <= _MAX_SECONDS else 0,
    )
