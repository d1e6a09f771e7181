"""Law 8: what the refs of a state reach is found out once, however many ask at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from packengine.repository import Engine
from tests.support.engine_pushes import ACTOR, begin_push
from tests.support.raw_packs import COMMIT, NULL, TREE, commit_content, entry, oid_of, pack_of

FIRST, SECOND = (commit_content(message=text) for text in (b"First\n", b"Second\n"))
SOON_S = 0.2
"""For a thread that should wait to show that it does not."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Its repository hides a commit: main was moved away from it."""
    opened = Engine.open(tmp_path)
    opened.create_repository("project", ACTOR)
    old = NULL
    for commit in (FIRST, SECOND):
        new, pack = oid_of(COMMIT, commit), pack_of([entry(TREE, b""), entry(COMMIT, commit)])
        begin_push(opened, "project", [(old, new, b"refs/heads/main")], pack).finish()
        old = new
    yield opened
    opened.close()


def test_a_view_that_is_being_built_is_waited_for(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    visibility, state = engine.pushes.visibility, engine.load("project")
    assert not state.manifest.sealed
    build, may_end, views = visibility._build, Event(), list[Any]()
    begun: list[int] = []

    def slow_build(manifests: Any) -> Any:
        begun.append(1)
        may_end.wait()
        return build(manifests)

    monkeypatch.setattr(visibility, "_build", slow_build)
    askers = [Thread(target=lambda: views.append(visibility.usable(state))) for _ in range(2)]
    for asker in askers:
        asker.start()
        asker.join(SOON_S)
    may_end.set()
    for asker in askers:
        asker.join()
    assert len(begun) == 1
    assert views[0] is views[1]
    assert not views[0].contains(oid_of(COMMIT, FIRST))


def test_a_view_that_could_not_be_built_is_built_by_the_next_who_asks(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    visibility, state = engine.pushes.visibility, engine.load("project")

    def fail(_: object) -> None:
        raise OSError("no")

    with monkeypatch.context() as broken:
        broken.setattr(visibility, "_build", fail)
        with pytest.raises(OSError, match="no"):
            visibility.usable(state)
    assert visibility.usable(state).contains(oid_of(COMMIT, SECOND))
