"""How large repositories may be: judged by the state that a publish is made of, never in the way of what shrinks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from core_ext import Cancel
from packengine.repository import ByteQuotaExceeded, Engine, Limits
from packengine.repository.progress import no_progress
from packengine.storage.ports import OwnerBytesExceeded
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Project, move, open_in_memory
from tests.support.git import git

MAIN = b"refs/heads/main"
SIDE = b"refs/heads/side"


def owned(folder: Path, limits: Limits, repository_id: str = "project") -> Project:
    """A repository of alice's."""
    engine = open_in_memory(folder, limits=limits)
    engine.create_repository(repository_id, ACTOR, owner="alice")
    return Project(engine, repository_id)


def size_bytes(engine: Engine) -> int:
    """What the catalog believes that alice has."""
    return engine.catalog.owner_usage("alice").size_bytes


def commit(project: Project, name: str, noise_bytes: int) -> tuple[bytes, list[bytes]]:
    """A root commit with a file that does not compress, and all of its objects."""
    blob = project.objects.blob(Random(name).randbytes(noise_bytes))
    tree = project.objects.tree({b"file": blob})
    tip = project.objects.commit(name, tree=tree)
    return tip, [tip, tree, blob]


def test_the_catalog_knows_the_size_after_each_kind_of_publish(tmp_path: Path) -> None:
    project = owned(tmp_path, Limits(rollup_packs=2))
    engine = project.engine
    for number in range(3):
        tip, objects = commit(project, f"commit-{number}", 100)
        project.pushed(b"refs/heads/branch-%d" % number, None, tip, *objects)
        assert size_bytes(engine) == engine.describe(project.id).size_bytes > 100 * (number + 1)
    before = size_bytes(engine)
    assert engine.rollup.roll_up_if_due(project.id, ACTOR, Cancel()) is not None
    assert size_bytes(engine) == engine.describe(project.id).size_bytes < before
    engine.fork_repository(project.id, "fork", ACTOR, owner="alice")
    assert size_bytes(engine) == 2 * engine.describe(project.id).size_bytes


def test_the_catalog_knows_the_size_of_an_import(tmp_path: Path) -> None:
    git("init", "-q", "source", cwd=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "first", cwd=tmp_path / "source")
    engine = open_in_memory(tmp_path / "engine")
    engine.import_repository(tmp_path / "source", "imported", ACTOR, progress=no_progress)
    engine.fork_repository("imported", "fork", ACTOR, owner="alice")
    assert size_bytes(engine) == engine.describe("imported").size_bytes > 0


def test_what_would_be_too_large_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    project = owned(tmp_path, Limits(max_repository_bytes=2000))
    small, objects = commit(project, "small", 100)
    project.pushed(MAIN, None, small, *objects)
    large, objects = commit(project, "large", 3000)
    with pytest.raises(ByteQuotaExceeded, match=r"project would have .* bytes, the limit is 2000") as refused:
        project.push(move(SIDE, None, large), new=objects)
    assert (refused.value.repository_id, refused.value.limit_bytes) == ("project", 2000)
    assert refused.value.bytes_used > 3000
    assert project.refs == {MAIN: small}
    assert project.problems() == []


def test_in_a_repository_that_is_too_large_refs_move_and_go(tmp_path: Path) -> None:
    project = owned(tmp_path, Limits())
    first, objects = commit(project, "first", 3000)
    project.pushed(MAIN, None, first, *objects)
    second, objects = commit(project, "second", 3000)
    project.pushed(SIDE, None, second, *objects)
    project.engine.close()

    limits = Limits(max_repository_bytes=2000, max_owner_bytes=2000, rollup_packs=2)
    (tmp_path / "later").mkdir()
    pushes = project.engine.pushes
    later = Engine(project.engine.catalog, pushes.blobs, pushes.quarantine, tmp_path / "later", limits)
    project = Project(later, project.id, project.objects)
    project.pushed(b"refs/heads/third", None, first)
    project.pushed(MAIN, first, second)
    project.pushed(b"refs/heads/third", first, None)
    assert later.rollup.roll_up_if_due(project.id, ACTOR, Cancel()) is not None
    tiny, objects = commit(project, "tiny", 1)
    with pytest.raises(ByteQuotaExceeded):
        project.push(move(b"refs/heads/tiny", None, tiny), new=objects)


def test_all_repositories_of_an_owner_count_together(tmp_path: Path) -> None:
    project = owned(tmp_path, Limits(max_owner_bytes=5000))
    engine = project.engine
    engine.create_repository("another", ACTOR, owner="alice")
    engine.create_repository("nobodys", ACTOR)
    tip, objects = commit(project, "one", 3000)
    project.pushed(MAIN, None, tip, *objects)
    another = Project(engine, "another", project.objects)
    with pytest.raises(OwnerBytesExceeded) as refused:
        another.push(move(MAIN, None, tip), new=objects)
    assert (refused.value.subject, refused.value.limit_bytes) == ("alice", 5000)
    assert another.refs == {}
    Project(engine, "nobodys", project.objects).pushed(MAIN, None, tip, *objects)


def test_of_pushes_at_once_those_succeed_that_fit_one_after_the_other(tmp_path: Path) -> None:
    """They share compare-and-swaps: what is too much is refused alone."""
    project = owned(tmp_path, Limits(max_owner_bytes=5000))
    made = [commit(project, f"commit-{number}", 1000) for number in range(8)]

    def push(number: int) -> bool:
        tip, objects = made[number]
        try:
            project.pushed(b"refs/heads/branch-%d" % number, None, tip, *objects)
        except OwnerBytesExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(push, range(8)))
    assert sum(done) == len(project.refs) == 4
    assert size_bytes(project.engine) == project.engine.describe(project.id).size_bytes <= 5000
