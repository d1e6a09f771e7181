"""Law 1: what a push stores has everything it refers to; what has not is left out, and no ref may name it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from packengine.repository import Engine
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.raw_packs import BLOB, COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of, tree_content

LOST = oid_of(BLOB, b"never sent")
BROKEN_TREE = tree_content([(b"100644", b"file", LOST)])
BROKEN = commit_content(tree=oid_of(TREE, BROKEN_TREE), message=b"Broken\n")
WHOLE = [commit_content(message=b"Whole %d\n" % number) for number in range(3)]
BROKEN_ENTRIES = [entry(TREE, BROKEN_TREE), entry(COMMIT, BROKEN)]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine.open(tmp_path)
    opened.create_repository("project", ACTOR)
    yield opened
    opened.close()


def creation(commit: bytes, name: bytes) -> tuple[bytes, bytes, bytes]:
    return (NULL, oid_of(COMMIT, commit), b"refs/heads/" + name)


def test_refs_with_whole_closures_move_beside_one_that_is_broken(engine: Engine) -> None:
    whole = [creation(commit, b"whole-%d" % number) for number, commit in enumerate(WHOLE)]
    pack = pack_of([entry(TREE, b""), *(entry(COMMIT, commit) for commit in WHOLE), *BROKEN_ENTRIES])
    outcome = begin_push(engine, "project", [*whole, creation(BROKEN, b"broken")], pack).finish()
    assert [reason for _, reason in outcome.verdicts] == [None, None, None, "missing necessary objects"]
    assert engine.verify_repository("project", progress=lambda *_: None).problems == []
    (stored,) = engine.load("project").manifest.packs
    assert stored.object_count == 4


def test_a_pack_of_which_nothing_is_whole_changes_nothing(engine: Engine) -> None:
    outcome = begin_push(engine, "project", [creation(BROKEN, b"broken")], pack_of(BROKEN_ENTRIES)).finish()
    assert (outcome.committed, outcome.verdicts) == (None, [(b"refs/heads/broken", "missing necessary objects")])


def test_a_ref_to_a_stored_commit_moves_although_nothing_of_the_pack_is_whole(engine: Engine) -> None:
    main = creation(WHOLE[0], b"main")
    begin_push(engine, "project", [main], pack_of([entry(TREE, b""), entry(COMMIT, WHOLE[0])])).finish()
    begin_push(engine, "project", [creation(WHOLE[0], b"second")], pack_of(BROKEN_ENTRIES)).finish()
    manifest = engine.load("project").manifest
    assert (len(manifest.refs), len(manifest.packs)) == (2, 1)
