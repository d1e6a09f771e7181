"""Law 5: a push is for the repository that it was let in to, not for whichever has the id when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from packengine.repository import Engine, Limits
from packengine.storage.ports import RepositoryMissing
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.raw_packs import COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of

ROOT = commit_content()
PACK = pack_of([entry(TREE, b""), entry(COMMIT, ROOT)])
CREATE_MAIN = [(NULL, oid_of(COMMIT, ROOT), b"refs/heads/main")]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine.open(tmp_path, limits=Limits(undelete_days=0))
    opened.create_repository("project", ACTOR)
    yield opened
    opened.close()


def test_a_push_that_began_before_its_repository_was_replaced_changes_nothing(engine: Engine) -> None:
    push = begin_push(engine, "project", CREATE_MAIN, PACK)
    engine.delete_repository("project", ACTOR)
    engine.create_repository("project", ACTOR, owner="somebody else")
    with pytest.raises(RepositoryMissing, match="another"):
        push.finish()
    assert len(engine.load("project").manifest.refs) == 0


def test_a_push_that_was_overtaken_goes_to_the_newest_state(engine: Engine) -> None:
    late = begin_push(engine, "project", [(NULL, oid_of(COMMIT, ROOT), b"refs/heads/late")], PACK)
    begin_push(engine, "project", CREATE_MAIN, PACK).finish()
    assert late.finish().committed is not None
    assert [entry.name for entry in engine.load("project").manifest.refs.scan()] == [
        b"refs/heads/late",
        b"refs/heads/main",
    ]
