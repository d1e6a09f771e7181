"""A repository that is pushed to again and again keeps few packs, and all of its history."""

from __future__ import annotations

from pathlib import Path

from packengine.repository import Engine, Limits
from tests.support.git import git, object_ids
from tests.support.repositories import commit_file, mirror_clone
from tests.support.server import RunningServer


def test_a_hundred_small_pushes_leave_few_packs_and_whole_history(tmp_path: Path) -> None:
    work = tmp_path / "work"
    git("init", "--quiet", "-b", "main", work)
    with RunningServer(tmp_path / "data") as server:
        created = server.create_repository("many-pushes")
        for number in range(100):
            commit_file(work, f"folder-{number % 7}/file-{number % 13}", b"line\n" * number + b"%d\n" % number)
            git("push", "--quiet", created["remote"], "main", cwd=work)
        clone = mirror_clone(created["remote"], tmp_path / "clone", fetch_fsckObjects="true")
        assert object_ids(clone) == object_ids(work)
        git("fsck", "--strict", cwd=clone)
    engine = Engine.open(server.data_dir)
    try:
        state = engine.load("many-pushes")
        assert len(state.manifest.packs) < Limits().rollup_packs + 8
        assert state.manifest.sealed
        assert engine.verify_repository("many-pushes", progress=lambda *_: None).problems == []
    finally:
        engine.close()
