"""Which of a remote's refs an import takes, and what that means for ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from packengine.protocol.client import RemoteRef, RemoteRefs
from packengine.refs import HiddenRefs, RefEntry, build_table
from packengine.repository import Actor, Engine
from packengine.repository.remote_refs import ImportWish, RefChoice, choose_refs, likely_newest_first
from packengine.repository.state import RepositoryState

A, B, NONE = b"a" * 20, b"b" * 20, bytes(20)
SHOWN = HiddenRefs()
HEAD = b"refs/heads/main"


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[RepositoryState]:
    engine = Engine.open(tmp_path / "data")
    engine.create_repository("repo", Actor("a", "b"))
    yield engine.load("repo")
    engine.close()


def with_refs(state: RepositoryState, refs: Mapping[bytes, bytes]) -> RepositoryState:
    def load(digest: bytes) -> bytes:
        raise AssertionError(digest)  # so few refs are in the manifest itself

    entries = [RefEntry(name, oid) for name, oid in sorted(refs.items())]
    table, _ = build_table(entries, oid_len=20, load=load)
    return replace(state, manifest=replace(state.manifest, refs=table))


def remote(refs: Mapping[bytes, bytes], head: bytes | None = HEAD) -> RemoteRefs:
    return RemoteRefs(tuple(RemoteRef(name, oid) for name, oid in refs.items()), head)


def moves(choice: RefChoice) -> dict[bytes, tuple[bytes, bytes]]:
    return {command.name: (command.old, command.new) for command in choice.commands}


EVERYTHING = {
    b"refs/heads/main": A,
    b"refs/tags/v1": A,
    b"refs/notes/commits": A,
    b"refs/pull/1/head": A,
    b"refs/changes/01/1/1": A,
}


@pytest.mark.parametrize(
    ("wish", "taken"),
    [
        (ImportWish(), {b"refs/heads/main", b"refs/tags/v1"}),
        (ImportWish(mirror=True), {b"refs/heads/main", b"refs/tags/v1", b"refs/notes/commits"}),
        (ImportWish(("refs/pull/*", "refs/tags/v*")), {b"refs/pull/1/head", b"refs/tags/v1"}),
        (ImportWish(("refs/*",), mirror=True), set(EVERYTHING)),
        (ImportWish(("refs/heads/other",)), set()),
    ],
)
def test_refs_are_taken_by_patterns(empty: RepositoryState, wish: ImportWish, taken: set[bytes]) -> None:
    choice = choose_refs(wish, remote(EVERYTHING), empty, SHOWN)
    assert moves(choice) == dict.fromkeys(taken, (NONE, A))
    assert all(name.startswith(tuple(wish.prefixes())) for name in taken)


def test_refs_that_are_as_they_should_be_are_left(empty: RepositoryState) -> None:
    ours = with_refs(empty, {HEAD: A, b"refs/heads/side": A, b"refs/tags/v1": A})
    theirs = remote({HEAD: A, b"refs/heads/side": B, b"refs/tags/v1": B})
    choice = choose_refs(ImportWish(), theirs, ours, SHOWN)
    assert moves(choice) == {b"refs/heads/side": (A, B)}
    assert choice.refused == ((b"refs/tags/v1", "would clobber existing tag"),)
    mirrored = choose_refs(ImportWish(mirror=True), theirs, ours, SHOWN)
    assert moves(mirrored) == {b"refs/heads/side": (A, B), b"refs/tags/v1": (A, B)}
    assert mirrored.refused == ()


def test_a_mirror_deletes_what_the_remote_does_not_have_within_what_is_meant(empty: RepositoryState) -> None:
    ours = with_refs(empty, {HEAD: A, b"refs/heads/gone": A, b"refs/tags/gone": B, b"refs/pull/1/head": A})
    theirs = remote({HEAD: A})
    assert moves(choose_refs(ImportWish(), theirs, ours, SHOWN)) == {}
    assert moves(choose_refs(ImportWish(mirror=True), theirs, ours, SHOWN)) == {
        b"refs/heads/gone": (A, NONE),
        b"refs/tags/gone": (B, NONE),
    }
    heads = ImportWish(("refs/heads/*",), mirror=True)
    assert moves(choose_refs(heads, theirs, ours, SHOWN)) == {b"refs/heads/gone": (A, NONE)}


def test_hidden_refs_are_neither_taken_nor_deleted(empty: RepositoryState) -> None:
    hidden = HiddenRefs.of_patterns([b"refs/heads/secret", b"refs/tags"])
    ours = with_refs(empty, {b"refs/heads/secret/a": A, b"refs/tags/v1": A})
    theirs = remote({b"refs/heads/secret/b": B, b"refs/heads/shown": B, b"refs/tags/v2": B}, b"refs/heads/secret/b")
    choice = choose_refs(ImportWish(mirror=True), theirs, ours, hidden)
    assert moves(choice) == {b"refs/heads/shown": (NONE, B)}
    assert choice.head is None


@pytest.mark.parametrize("name", [b"refs/heads/a..b", b"refs/stash", b"refs/heads/\x01", b"refs/heads/a.lock"])
def test_names_that_cannot_be_pushed_are_told(empty: RepositoryState, name: bytes) -> None:
    choice = choose_refs(ImportWish(mirror=True), remote({name: A}), empty, SHOWN)
    assert (choice.commands, choice.refused) == ((), ((name, "funny refname"),))


@pytest.mark.parametrize(
    ("head", "refs", "followed"),
    [
        (HEAD, {HEAD: A}, HEAD),
        (b"refs/heads/unborn", {HEAD: A}, b"refs/heads/unborn"),
        (None, {HEAD: A}, None),
        (b"refs/tags/v1", {b"refs/tags/v1": A}, None),
        (b"refs/heads/a..b", {HEAD: A}, None),
    ],
)
def test_head_follows_to_a_branch_that_is_taken_or_not_born(
    empty: RepositoryState, head: bytes | None, refs: Mapping[bytes, bytes], followed: bytes | None
) -> None:
    assert choose_refs(ImportWish(), remote(refs, head), empty, SHOWN).head == followed


def test_head_stays_where_only_some_refs_are_added(empty: RepositoryState) -> None:
    ours = with_refs(empty, {b"refs/heads/trunk": A})
    assert choose_refs(ImportWish(), remote({HEAD: A}), ours, SHOWN).head is None
    assert choose_refs(ImportWish(mirror=True), remote({HEAD: A}), ours, SHOWN).head == HEAD
    tags = ImportWish(("refs/tags/*",))
    assert choose_refs(tags, remote({HEAD: A, b"refs/tags/v1": A}), empty, SHOWN).head is None


def test_branches_say_most_of_what_is_common() -> None:
    names = [b"refs/tags/v1", b"refs/notes/x", b"refs/heads/a", b"refs/tags/v2", b"refs/heads/b"]
    ordered = [b"refs/heads/a", b"refs/heads/b", b"refs/notes/x", b"refs/tags/v1", b"refs/tags/v2"]
    assert likely_newest_first(names) == ordered
