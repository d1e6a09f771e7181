"""Objects by the names that clients give them: refs, ids, and commits some steps before those.

Of gitrevisions(7): `HEAD` or `@`; a ref by its full or its short name; a full object id; and behind any of them `~n`
and `^n`. An id is looked for before a ref of that name, as Git does. No abbreviated ids: what one of them means would
change as objects come, and would tell of objects that the refs do not reach.
"""

from __future__ import annotations

import re

from core_ext import ObjectDb
from packengine.repository.browsing.snapshot import Snapshot
from packengine.repository.errors import BrowsingRefused

MAX_STEPS = 10_000
"""Commits to go back at most, in all: each is looked up."""

_SHOWN_CHARACTERS = 100
_STEPS = re.compile(r"([~^])([0-9]{0,6})")
_HEX = re.compile(r"[0-9a-fA-F]+")
_HEAD = ("HEAD", "@", "")


class UnknownRevision(BrowsingRefused):
    """No ref of that name, no such object, or none that the refs reach."""


class UnbornHead(UnknownRevision):
    """HEAD names a branch that has no commit yet."""


def object_named(snapshot: Snapshot, revision: str) -> bytes:
    """The id of what a revision names; tags are not followed, unless steps are. Raises UnknownRevision."""
    name, steps = _split(revision)
    oid = _named(snapshot, name)
    if oid is None:
        raise UnbornHead("HEAD has no commit yet") if name in _HEAD else _unknown(revision)
    return _walked_back(snapshot.objects, oid, steps, revision) if steps else oid


def commit_named(snapshot: Snapshot, revision: str) -> bytes:
    """The same, and it is a commit, or a tag of one. Raises UnknownRevision."""
    kind, oid = snapshot.objects.peel(object_named(snapshot, revision))
    if kind != "commit":
        raise UnknownRevision(f"{_shown(revision)} is a {kind}, not a commit")
    return oid


def tree_named(snapshot: Snapshot, revision: str) -> bytes:
    """The tree of a commit, or a tree itself, perhaps tagged. Raises UnknownRevision."""
    kind, oid = snapshot.objects.peel(object_named(snapshot, revision))
    if kind == "commit":
        return tree_of(snapshot, oid)
    if kind != "tree":
        raise UnknownRevision(f"{_shown(revision)} is a {kind}, neither a commit nor a tree")
    return oid


def tree_of(snapshot: Snapshot, commit_oid: bytes) -> bytes:
    """The tree of a commit. Format of the first line: `tree`, a space, the id in hex."""
    _, content = snapshot.objects.read(commit_oid)
    return bytes.fromhex(content[5 : 5 + 2 * snapshot.state.manifest.oid_len].decode("ascii"))


def oid_of_hex(snapshot: Snapshot, text: str) -> bytes | None:
    """A full id in hex as raw bytes; None for any other text."""
    if len(text) != 2 * snapshot.state.manifest.oid_len or _HEX.fullmatch(text) is None:
        return None
    return bytes.fromhex(text)


def _named(snapshot: Snapshot, name: str) -> bytes | None:
    oid = oid_of_hex(snapshot, name)
    if oid is not None and snapshot.objects.contains(oid):
        return oid
    if name in _HEAD:
        return snapshot.refs.value(b"HEAD")
    return next(iter(snapshot.refs.expand(name.encode())), None)


def _split(revision: str) -> tuple[str, list[tuple[str, int]]]:
    """The name and its steps: no name of a ref has `~` or `^` in it. Raises UnknownRevision for too many steps."""
    at = min((revision.index(mark) for mark in "~^" if mark in revision), default=len(revision))
    name, rest = revision[:at], revision[at:]
    if len(rest) > MAX_STEPS or _STEPS.sub("", rest):
        raise _unknown(revision)
    steps = [(mark, int(count) if count else 1) for mark, count in _STEPS.findall(rest)]
    if sum(count if mark == "~" else 1 for mark, count in steps) > MAX_STEPS:
        raise UnknownRevision(f"{_shown(revision)} goes back more than {MAX_STEPS} commits")
    return name, steps


def _walked_back(objects: ObjectDb, oid: bytes, steps: list[tuple[str, int]], revision: str) -> bytes:
    kind, commit_oid = objects.peel(oid)
    if kind != "commit":
        raise _unknown(revision)
    for mark, count in steps:
        for _ in range(count if mark == "~" else min(count, 1)):
            parents, nth = objects.parents(commit_oid), 1 if mark == "~" else count
            if nth > len(parents):
                raise _unknown(revision)
            commit_oid = parents[nth - 1]
    return commit_oid


def _unknown(revision: str) -> UnknownRevision:
    return UnknownRevision(f"no such revision: {_shown(revision)}")


def _shown(revision: str) -> str:
    return repr(revision[:_SHOWN_CHARACTERS])
