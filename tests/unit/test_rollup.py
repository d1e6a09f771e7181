"""Rolling up: the newest packs become one, whatever the older ones hold of what they refer to."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from core_ext import Cancel
from packengine.repository import Engine, Limits, RepositoryState
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.engines import OvertakenCatalog, needs, open_in_memory
from tests.support.raw_packs import BLOB, COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of, tree_content

ROLLUP_PACKS = 4
LIMITS = Limits(rollup_packs=ROLLUP_PACKS, rollup_bytes=100_000)
LARGE = random.Random(1).randbytes(200_000)
"""Keeps the pack that brings it out of every roll-up."""


def push_version(engine: Engine, old: bytes, special: bytes, version: bytes) -> bytes:
    """Push a commit that changes one file; the others came with the first one. Returns its id."""
    kept = [entry(BLOB, LARGE), entry(BLOB, b"")] if old == NULL else []
    files = [(special, b""), (b"large", LARGE), (b"version", version)]
    tree = tree_content([(b"100644", name, oid_of(BLOB, content)) for name, content in files])
    commit = commit_content(tree=oid_of(TREE, tree), parents=[] if old == NULL else [old])
    new = oid_of(COMMIT, commit)
    pack = pack_of([*kept, entry(BLOB, version), entry(TREE, tree), entry(COMMIT, commit)])
    assert begin_push(engine, "project", [(old, new, b"refs/heads/main")], pack).finish().committed is not None
    return new


@pytest.mark.parametrize("special", [b".gitattributes", b".gitmodules"])
def test_packs_whose_trees_name_special_files_of_older_packs_are_merged(tmp_path: Path, special: bytes) -> None:
    engine = Engine.open(tmp_path, limits=LIMITS)
    engine.create_repository("project", ACTOR)
    tip = NULL
    for number in range(1 + ROLLUP_PACKS):
        tip = push_version(engine, tip, special, b"%d" % number)
    assert len(engine.load("project").manifest.packs) == 1 + ROLLUP_PACKS
    assert engine.rollup.roll_up_if_due("project", ACTOR, Cancel()) is not None
    assert len(engine.load("project").manifest.packs) < 1 + ROLLUP_PACKS
    assert engine.verify_repository("project", progress=lambda *_: None).problems == []
    engine.close()


def test_a_reader_finishes_what_it_began_before_the_packs_were_merged(tmp_path: Path) -> None:
    """And so does one who knows only the state of before."""
    engine = Engine.open(tmp_path, limits=LIMITS)
    engine.create_repository("project", ACTOR)
    tip = NULL
    for number in range(1 + ROLLUP_PACKS):
        tip = push_version(engine, tip, b".gitattributes", b"%d" % number)
    before = engine.load("project")
    expected = whole_pack(engine, before, tip)
    under_way = engine.fetches.begin(before, needs(tip))
    stream = under_way.open_pack(under_way.select((), Cancel()), Cancel())
    first = stream.read(100)
    assert engine.rollup.roll_up_if_due("project", ACTOR, Cancel()) is not None
    assert first + b"".join(iter(lambda: stream.read(1 << 20), b"")) == expected
    assert whole_pack(engine, before, tip) == expected
    engine.close()
    other_worker = Engine.open(tmp_path, limits=LIMITS)
    assert whole_pack(other_worker, before, tip) == expected
    other_worker.close()


def whole_pack(engine: Engine, state: RepositoryState, tip: bytes) -> bytes:
    fetch = engine.fetches.begin(state, needs(tip))
    stream = fetch.open_pack(fetch.select((), Cancel()), Cancel())
    return b"".join(iter(lambda: stream.read(1 << 20), b""))


def test_a_merged_pack_takes_the_place_of_its_run_behind_pushes_that_came_meanwhile(tmp_path: Path) -> None:
    """Else what is behind the newcomers would lack what they refer to."""
    catalog = OvertakenCatalog()
    engine = open_in_memory(tmp_path, catalog=catalog, limits=LIMITS)
    engine.create_repository("project", ACTOR)
    tip = NULL
    for number in range(1 + ROLLUP_PACKS):
        tip = push_version(engine, tip, b".gitattributes", b"%d" % number)
    bulk = engine.load("project").manifest.packs[-1]
    catalog.rivals = [lambda: push_version(engine, tip, b".gitattributes", b"meanwhile")]
    assert engine.rollup.roll_up_if_due("project", ACTOR, Cancel()) is not None
    newcomer, merged, last = engine.load("project").manifest.packs
    assert (newcomer.object_count, merged.object_count, last) == (3, 3 * ROLLUP_PACKS, bulk)
    assert engine.verify_repository("project", progress=lambda *_: None).problems == []


def test_an_oldest_pack_that_is_large_enough_for_bitmaps_is_left_to_maintenance(tmp_path: Path) -> None:
    for min_bitmap_objects, packs_left in ((5, 2), (6, 1)):
        limits = Limits(rollup_packs=ROLLUP_PACKS, rollup_bytes=1_000_000, min_bitmap_objects=min_bitmap_objects)
        engine = open_in_memory(tmp_path / f"{packs_left}", limits=limits)
        engine.create_repository("project", ACTOR)
        tip = push_version(engine, NULL, b".special", b"0")
        oldest = engine.load("project").manifest.packs[-1]
        assert oldest.object_count == 5
        for number in range(1, 1 + ROLLUP_PACKS):
            tip = push_version(engine, tip, b".special", b"%d" % number)
        assert engine.rollup.roll_up_if_due("project", ACTOR, Cancel()) is not None
        assert len(engine.load("project").manifest.packs) == packs_left
        assert (engine.load("project").manifest.packs[-1] == oldest) == (packs_left == 2)
