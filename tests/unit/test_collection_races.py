"""Races of garbage collection: whatever comes between two of its steps, nothing that is named goes (design, section 3).

The disturbance comes before each single call that a collection makes of the storage, in one run after the other.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from core_ext import Cancel
from packengine.maintenance import CollectionRefused, Collector
from packengine.manifests import Manifest, PackPlace, PublishKind
from packengine.repository import Engine, Limits, Push
from packengine.repository.parts import EngineParts
from packengine.repository.progress import no_progress
from packengine.repository.publish import Draft
from packengine.storage.ports import BlobMissing, MarkLost, RowKind, RowMissing
from tests.support.collections import assert_nothing_but_what_is_named, collect, stored_blobs, stored_rows
from tests.support.disturbed_storage import Disturbance, DisturbedBlobStore, DisturbedCatalog
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Objects, Project, fork_of, move, new_project, open_in_memory
from tests.support.git import git
from tests.support.moved_clock import DAY_MS, MovedClock
from tests.support.repositories import commit_file

MAIN, TAG = b"refs/heads/main", b"refs/tags/t"
LIMITS = Limits(tail_pack_bytes=2000, rollup_packs=3)
SMALL, LARGE = b"small", random.Random(1).randbytes(5000)
SIZES = pytest.mark.parametrize("content", [SMALL, LARGE], ids=["row", "blob"])


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    return MovedClock(monkeypatch)


@dataclass
class Scene:
    """Two repositories, `project` with garbage that is due, and the bytes of packs that nothing names."""

    folder: Path
    clock: MovedClock
    content: bytes
    disturbance: Disturbance
    engine: Engine
    project: Project
    other: Project
    tip: bytes
    gone: list[bytes]
    """Objects of a commit that was pushed and taken back long ago; the same bytes may come again at any time."""

    @staticmethod
    def make(folder: Path, clock: MovedClock, content: bytes) -> Scene:
        disturbance = Disturbance()
        folder.mkdir()
        (folder / "blobs").mkdir()
        blobs = DisturbedBlobStore(folder / "blobs", disturbance)
        engine = open_in_memory(folder / "engine", catalog=DisturbedCatalog(disturbance), blobs=blobs, limits=LIMITS)
        objects = Objects()
        project, other = new_project(engine, "project", objects), new_project(engine, "other", objects)
        tip = commit(objects, "tip")
        project.pushed(MAIN, None, tip[-1], *tip)
        gone = commit(objects, "gone", content)
        project.pushed(TAG, None, gone[-1], *gone)
        project.pushed(TAG, gone[-1], None)
        return Scene(folder, clock, content, disturbance, engine, project, other, tip[-1], gone)

    def push_the_same_bytes(self) -> None:
        """Into another repository: what is garbage here is all that matters there."""
        if MAIN not in self.other.refs:
            self.other.pushed(MAIN, None, self.gone[-1], *self.gone)

    def push_the_same_bytes_here(self) -> None:
        if TAG not in self.project.refs:
            self.project.pushed(TAG, None, self.gone[-1], *self.gone)

    def push_forward(self) -> None:
        new = commit(self.project.objects, "forward", self.content, parents=(self.tip,))
        self.project.pushed(MAIN, self.tip, new[-1], *new)
        self.tip = new[-1]

    def push_and_take_back(self) -> None:
        new = commit(self.project.objects, "to and fro", self.content)
        self.project.pushed(b"refs/tags/fro", None, new[-1], *new)
        self.project.pushed(b"refs/tags/fro", new[-1], None)

    def fork(self) -> None:
        fork_of(self.project, "fork")

    def fork_and_delete_the_source(self) -> None:
        fork_of(self.project, "fork")
        self.engine.delete_repository("project", ACTOR, force=True)

    def delete(self) -> None:
        self.engine.delete_repository("project", ACTOR)

    def merge(self) -> None:
        self.push_and_take_back()
        self.engine.rollup.roll_up_if_due("project", ACTOR, Cancel())

    def collect_too(self) -> None:
        collect(self.engine)

    def live_parts(self) -> EngineParts:
        """Of a process that remembers nothing."""
        parts = self.engine.parts
        return Engine(parts.catalog, parts.blobs, parts.shelf.quarantine, parts.derived, LIMITS).parts

    def live(self) -> list[Project]:
        """As a process sees them that remembers nothing."""
        parts = self.engine.parts
        fresh = Engine(parts.catalog, parts.blobs, parts.shelf.quarantine, parts.derived, LIMITS)
        records, _ = fresh.catalog.repositories(limit=10)
        return [Project(fresh, record.id, self.project.objects) for record in records]

    def check(self) -> None:
        """Every repository is whole."""
        for project in self.live():
            assert project.problems() == [], project.id

    def settle(self) -> None:
        """When all windows are over, nothing is there but what is named."""
        for _ in range(3):
            self.clock.move(days=31)
            collect(self.engine)
        self.check()
        assert_nothing_but_what_is_named(self.engine, self.clock)
        assert all(project.manifest.sealed for project in self.live())


def commit(objects: Objects, name: str, content: bytes = SMALL, parents: tuple[bytes, ...] = ()) -> list[bytes]:
    """The objects of a commit with a file of its own; the commit last."""
    blob = objects.blob(name.encode() + content)
    tree = objects.tree({b"file": blob})
    return [blob, tree, objects.commit(name, *parents, tree=tree)]


DISTURBANCES: dict[str, Callable[[Scene], None]] = {
    "a push of the same bytes elsewhere": Scene.push_the_same_bytes,
    "a push of the same bytes": Scene.push_the_same_bytes_here,
    "a push": Scene.push_forward,
    "a push that is taken back": Scene.push_and_take_back,
    "a fork": Scene.fork,
    "a fork whose source is deleted": Scene.fork_and_delete_the_source,
    "a deletion": Scene.delete,
    "a merge": Scene.merge,
    "another collection": Scene.collect_too,
}
STAGES = {"leaving out": 31.0, "condemning": 31.5, "deleting": 32.1}
"""Days at which a collection finds something to do; the one before has been made at each."""


@SIZES
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("disturbance", DISTURBANCES)
def test_nothing_that_is_named_goes_whatever_comes_between_two_steps(
    tmp_path: Path, clock: MovedClock, content: bytes, stage: str, disturbance: str
) -> None:
    begun_ms, at = clock.now_ms, 0
    while True:
        clock.now_ms = begun_ms
        scene = Scene.make(tmp_path / f"scene-{at}", clock, content)
        days = 0.0
        for name, due in STAGES.items():
            clock.move(days=due - days)
            days = due
            if name == stage:
                break
            collect(scene.engine)
        scene.disturbance.arm(partial(DISTURBANCES[disturbance], scene), at)
        try:
            collect(scene.engine)
        except MarkLost:
            assert disturbance == "another collection"
        if scene.disturbance.disarm():
            break
        scene.check()
        scene.settle()
        at += 1
    assert at > 10


# --- publishing -------------------------------------------------------------------------------------------------------


def begin_new(scene: Scene) -> tuple[bytes, Push]:
    """A push of a new branch that has arrived."""
    new = commit(scene.project.objects, "new", scene.content)
    command = move(b"refs/heads/new", None, new[-1])
    return new[-1], scene.project.begin(command, pack=scene.project.objects.pack(new))


def test_a_blob_that_is_condemned_before_its_publish_is_stored_again(tmp_path: Path, clock: MovedClock) -> None:
    scene = Scene.make(tmp_path / "scene", clock, LARGE)
    new, push = begin_new(scene)
    scene.disturbance.arm(scene.collect_too, call="publish")
    assert push.finish().committed is not None
    newest = scene.project.manifest.packs[0]
    assert (newest.place, newest.generation) == (PackPlace.BLOB, 1)
    for _ in range(2):
        clock.move(days=2)
        collect(scene.engine)
    assert [blob.generation for blob in stored_blobs(scene.engine) if blob.digest == newest.digest] == [1]
    assert scene.project.refs[b"refs/heads/new"] == new
    scene.check()


def test_a_row_is_not_condemned_before_its_publish_for_it_is_not_there(tmp_path: Path, clock: MovedClock) -> None:
    scene = Scene.make(tmp_path / "scene", clock, SMALL)
    _, push = begin_new(scene)
    scene.disturbance.arm(scene.collect_too, call="publish")
    assert push.finish().committed is not None
    scene.check()


def test_a_blob_that_is_deleted_before_its_publish_fails_the_push_and_the_next_one_goes_through(
    tmp_path: Path, clock: MovedClock
) -> None:
    """Its publisher slept for longer than the grace."""
    scene = Scene.make(tmp_path / "scene", clock, LARGE)
    refs = scene.project.refs

    def collect_for_days() -> None:
        for _ in range(2):
            collect(scene.engine)
            clock.move(days=2)

    _, push = begin_new(scene)
    scene.disturbance.arm(collect_for_days, call="publish")
    with pytest.raises(BlobMissing):
        push.finish()
    assert scene.project.refs == refs
    new, push = begin_new(scene)
    assert push.finish().committed is not None
    assert scene.project.refs[b"refs/heads/new"] == new
    scene.check()
    scene.settle()


def test_an_import_whose_pack_is_condemned_before_its_creation_stores_it_again(
    tmp_path: Path, clock: MovedClock
) -> None:
    scene = Scene.make(tmp_path / "scene", clock, LARGE)
    git("init", "--quiet", "-b", "main", tmp_path / "work")
    commit_file(tmp_path / "work", "file", LARGE)
    scene.disturbance.arm(scene.collect_too, call="create_repositories")
    scene.engine.import_repository(tmp_path / "work", "imported", ACTOR, progress=no_progress)
    (pack,) = scene.engine.load("imported").manifest.packs
    assert (pack.place, pack.generation) == (PackPlace.BLOB, 1)
    for _ in range(2):
        clock.move(days=2)
        collect(scene.engine)
    scene.check()


@SIZES
def test_the_same_bytes_are_pushed_while_their_old_copy_is_being_deleted(
    tmp_path: Path, clock: MovedClock, content: bytes
) -> None:
    scene = Scene.make(tmp_path / "scene", clock, content)
    clock.move(days=31)
    collect(scene.engine)
    clock.move(days=2)
    scene.disturbance.arm(scene.push_the_same_bytes, call="delete" if content == LARGE else "delete_rows")
    collect(scene.engine)
    assert not scene.disturbance.disarm()
    scene.check()
    assert scene.other.manifest.packs[0].generation == (1 if content == LARGE else 0)
    scene.settle()


# --- leaving out ------------------------------------------------------------------------------------------------------


def test_a_rewrite_that_is_overtaken_is_derived_from_the_state_that_won(tmp_path: Path, clock: MovedClock) -> None:
    """Law 5: what the newer state needs stays, and the packs of the push that came first are in front."""
    scene = Scene.make(tmp_path / "scene", clock, LARGE)
    clock.move(days=31)
    scene.disturbance.arm(scene.push_forward, call="publish")
    collect(scene.engine)
    assert scene.project.refs[MAIN] == scene.tip
    assert not scene.engine.parts.loader.objects(scene.project.manifest).contains(scene.gone[-1])
    assert len(scene.project.manifest.packs) == 2
    assert scene.project.manifest.sealed
    scene.check()


def test_a_rewrite_does_not_take_away_what_was_named_again_meanwhile(tmp_path: Path, clock: MovedClock) -> None:
    """The push sends nothing that is stored, as far as its sender knows; law 8 made it send all."""
    scene = Scene.make(tmp_path / "scene", clock, LARGE)
    clock.move(days=31)
    scene.disturbance.arm(scene.push_the_same_bytes_here, call="publish")
    collect(scene.engine)
    assert scene.project.refs[TAG] == scene.gone[-1]
    scene.check()
    scene.settle()
    assert scene.project.refs[TAG] == scene.gone[-1]


def test_a_rewrite_whose_packs_are_merged_meanwhile_begins_again(tmp_path: Path, clock: MovedClock) -> None:
    scene = Scene.make(tmp_path / "scene", clock, SMALL)
    clock.move(days=31)
    scene.disturbance.arm(scene.merge, call="publish")
    collect(scene.engine)
    assert not scene.engine.parts.loader.objects(scene.project.manifest).contains(scene.gone[-1])
    scene.check()


class Stream:
    """Another process that publishes to the project before every publish of this one, for a long time."""

    LENGTH = 40

    def __init__(self, scene: Scene) -> None:
        self.disturbance, self.parts = scene.disturbance, scene.project.elsewhere().engine.parts
        self.count = 0
        self.disturbance.arm(self.publish, call="publish")

    def publish(self) -> None:
        self.count += 1
        unchanged = Draft(changes=(), sealed=False)
        self.parts.publisher.publish(self.parts.loader.load("project"), ACTOR, PublishKind.PUSH, lambda _: unchanged)
        if self.count < self.LENGTH:
            self.disturbance.arm(self.publish, call="publish")


@SIZES
def test_a_repository_that_others_publish_to_all_the_time_waits_for_the_next_collection(
    tmp_path: Path, clock: MovedClock, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene.make(tmp_path / "scene", clock, content)
    clock.move(days=31)
    stream = Stream(scene)
    with caplog.at_level("INFO", "packengine.maintenance.rewrite"):
        assert collect(scene.engine).rewritten == 0
    assert stream.count == 4
    assert [record.message for record in caplog.records if "waits for the next collection" in record.message]
    scene.disturbance.disarm()
    scene.check()
    scene.settle()
    assert not scene.engine.parts.loader.objects(scene.project.manifest).contains(scene.gone[-1])


def test_a_repository_that_others_publish_to_all_the_time_is_sealed_by_the_next_collection(
    tmp_path: Path, clock: MovedClock
) -> None:
    scene = Scene.make(tmp_path / "scene", clock, SMALL)
    scene.push_the_same_bytes_here()
    clock.move(days=31)
    stream = Stream(scene)
    collect(scene.engine)
    assert (stream.count, scene.project.manifest.sealed) == (4, False)
    scene.disturbance.disarm()
    collect(scene.engine)
    assert scene.project.manifest.sealed


# --- forks ------------------------------------------------------------------------------------------------------------


@SIZES
def test_a_fork_has_what_its_source_has_when_it_comes_to_be(tmp_path: Path, clock: MovedClock, content: bytes) -> None:
    """All that the source had when the fork was asked for is deleted by then."""
    scene = Scene.make(tmp_path / "scene", clock, content)

    def collect_for_weeks() -> None:
        for _ in range(3):
            clock.move(days=31)
            collect(scene.engine)

    scene.disturbance.arm(collect_for_weeks, call="create_repositories")
    fork = fork_of(scene.project, "fork")
    assert fork.manifest == scene.project.manifest
    assert fork.refs == scene.project.refs
    scene.check()


# --- readers ----------------------------------------------------------------------------------------------------------


def read_whole(scene: Scene, manifest: Manifest) -> None:
    """Open all packs of a state by a process that has none open yet."""
    fresh = scene.live()[0].engine
    fresh.parts.loader.objects(manifest).verify()


@SIZES
def test_what_a_reader_has_open_is_not_deleted_however_long(tmp_path: Path, clock: MovedClock, content: bytes) -> None:
    scene = Scene.make(tmp_path / "scene", clock, content)
    catalog = scene.engine.catalog
    catalog.add_reader("worker", oldest_open_ms=clock.now_ms, now_ms=clock.now_ms, ttl_ms=60_000)
    opened_ms, opened = clock.now_ms, scene.project.manifest
    for _ in range(4):
        clock.move(days=20)
        assert catalog.renew_reader("worker", oldest_open_ms=opened_ms, now_ms=clock.now_ms, ttl_ms=60_000)
        collect(scene.engine)
        read_whole(scene, opened)
    assert catalog.renew_reader("worker", oldest_open_ms=clock.now_ms, now_ms=clock.now_ms, ttl_ms=60_000)
    assert collect(scene.engine).deleted.rows > 0
    with pytest.raises(BlobMissing if content == LARGE else RowMissing):
        read_whole(scene, opened)


def test_a_reader_that_stopped_renewing_is_taken_out_and_told_so(tmp_path: Path, clock: MovedClock) -> None:
    scene = Scene.make(tmp_path / "scene", clock, LARGE)
    catalog = scene.engine.catalog
    catalog.add_reader("hung", oldest_open_ms=clock.now_ms, now_ms=clock.now_ms, ttl_ms=60_000)
    clock.move(days=31)
    collect(scene.engine)
    assert not catalog.renew_reader("hung", oldest_open_ms=clock.now_ms, now_ms=clock.now_ms, ttl_ms=60_000)
    clock.move(days=2)
    assert collect(scene.engine).deleted.blobs == 1


def test_what_a_reader_opened_before_it_was_condemned_counts_although_it_was_not_renewed_since(
    tmp_path: Path, clock: MovedClock
) -> None:
    """A row may be as old as its life: it always says too early a time, never too late a one."""
    scene = Scene.make(tmp_path / "scene", clock, LARGE)
    clock.move(days=31)
    scene.engine.catalog.add_reader("worker", oldest_open_ms=clock.now_ms, now_ms=clock.now_ms, ttl_ms=10 * DAY_MS)
    opened = scene.project.manifest
    collect(scene.engine)
    clock.move(days=9)
    collect(scene.engine)
    read_whole(scene, opened)


# --- collections ------------------------------------------------------------------------------------------------------


def test_of_two_collections_the_one_that_marks_later_condemns(tmp_path: Path, clock: MovedClock) -> None:
    scene = Scene.make(tmp_path / "scene", clock, LARGE)
    clock.move(days=31)
    scene.disturbance.arm(scene.collect_too, call="pointer_uses")
    with pytest.raises(MarkLost):
        collect(scene.engine)
    clock.move(days=2)
    assert collect(scene.engine).deleted.blobs == 1
    scene.check()


def test_a_collection_deletes_nothing_if_a_repository_cannot_be_read(tmp_path: Path, clock: MovedClock) -> None:
    """What a damaged manifest names cannot be known."""
    scene = Scene.make(tmp_path / "scene", clock, LARGE)
    clock.move(days=31)
    collect(scene.engine)
    clock.move(days=2)
    before = stored_rows(scene.engine), stored_blobs(scene.engine)
    newest = scene.other.engine.load("other").pointer.manifest
    scene.engine.catalog._rows[RowKind.MANIFEST, newest] = b"rubbish"  # type: ignore[attr-defined]
    with pytest.raises(CollectionRefused, match=newest.hex()):
        Collector(scene.live_parts()).collect(no_progress, Cancel())
    assert (stored_rows(scene.engine), stored_blobs(scene.engine)) == before
