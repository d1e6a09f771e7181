"""An idx is derived: whatever becomes of its file, the pack can be read."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from packengine.repository import Engine
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.engines import needs
from tests.support.raw_packs import BLOB, NULL, entry, oid_of, pack_of

LARGE = random.Random(1).randbytes(300_000)
TAG = [(NULL, oid_of(BLOB, LARGE), b"refs/tags/large")]

DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": lambda idx: idx.unlink(),
    "empty": lambda idx: idx.write_bytes(b""),
    "cut short": lambda idx: idx.write_bytes(idx.read_bytes()[:-1]),
    "never written back": lambda idx: idx.write_bytes(bytes(idx.stat().st_size)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_lost_or_damaged_idx_is_made_again(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    engine = Engine.open(tmp_path)
    engine.create_repository("project", ACTOR)
    begin_push(engine, "project", TAG, pack_of([entry(BLOB, LARGE)])).finish()
    engine.close()
    (idx,) = (tmp_path / "derived").glob("*.idx")
    good = idx.read_bytes()
    damage(idx)

    engine = Engine.open(tmp_path)
    fetch = engine.fetches.begin(engine.load("project"), needs(oid_of(BLOB, LARGE)))
    assert fetch.common([oid_of(BLOB, LARGE)]) == [oid_of(BLOB, LARGE)]
    assert idx.read_bytes() == good
    engine.close()
