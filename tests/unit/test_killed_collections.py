"""A collection that is killed, before each of its steps in turn: nothing is lost, and the next one makes up for it."""

from __future__ import annotations

import random
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from packengine.repository import Engine
from tests.support.child import child_command
from tests.support.collections import COLLECTED, assert_nothing_but_what_is_named, collect, holds
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Project, fork_of, new_project
from tests.support.moved_clock import MovedClock

MAIN, TAG = b"refs/heads/main", b"refs/tags/t"
SMALL, LARGE = b"small", random.Random(3).randbytes(5000)


def push(project: Project, name: bytes, content: bytes) -> bytes:
    """A commit without parents."""
    blob = project.objects.blob(content)
    tree = project.objects.tree({b"file": blob})
    value = project.objects.commit(f"of {name!r}", tree=tree)
    project.pushed(name, project.refs.get(name), value, blob, tree, value)
    return value


@pytest.mark.parametrize("stage", ["leaving out and condemning", "deleting"])
def test_a_killed_collection_loses_nothing_and_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    clock = MovedClock(monkeypatch)
    with closing(Engine.open(tmp_path / "data", limits=COLLECTED)) as engine:
        project, gone = new_project(engine), new_project(engine, "gone")
        kept = push(project, MAIN, SMALL)
        for name, content in ((TAG, LARGE), (b"refs/tags/small", SMALL + SMALL)):
            project.pushed(name, push(project, name, content), None)
        push(gone, MAIN, LARGE + LARGE)
        fork_of(project, "fork")
        engine.delete_repository("gone", ACTOR)
        clock.move(days=31)
        if stage == "deleting":
            collect(engine)
            clock.move(days=2)

    (tmp_path / "copies").mkdir()
    command = child_command("tests.support.killed_collector", tmp_path / "data", tmp_path / "copies", clock.now_ms)
    assert subprocess.run(command, check=False, timeout=240).returncode == 0
    copies = sorted((tmp_path / "copies").iterdir())
    assert len(copies) > 15
    collected_ms = clock.now_ms
    for copy in copies:
        clock.now_ms = collected_ms
        with closing(Engine.open(copy, limits=COLLECTED)) as engine:
            live = [Project(engine, name, project.objects) for name in ("project", "fork")]
            for each in live:
                assert each.problems() == [], copy.name
                assert holds(each, kept)
            for days in (0, 2, 31, 2):
                clock.move(days=days)
                collect(engine)
            assert_nothing_but_what_is_named(engine, clock)
            for each in live:
                assert each.problems() == [], copy.name
                assert each.manifest.sealed
