"""Garbage collection: what it leaves out and deletes, when, and what it keeps (design, section 6)."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from core_ext import Cancel, Cancelled
from packengine.maintenance import Collector
from packengine.maintenance.garbage import Garbage, GarbageFinder, Keepers
from packengine.maintenance.key_list import KeyList
from packengine.manifests import PackPlace, PublishKind
from packengine.repository import Engine, Limits, RepositoryState
from packengine.repository.progress import no_progress
from packengine.storage.ports import RepositoryMissing, RowKey, RowKind
from tests.support.collections import (
    assert_nothing_but_what_is_named,
    collect,
    derived_files,
    holds,
    reopened,
    stored_blobs,
    stored_rows,
)
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Project, fork_of, move, new_project
from tests.support.moved_clock import MovedClock

MAIN, SIDE, TAG = b"refs/heads/main", b"refs/heads/side", b"refs/tags/t"
LIMITS = Limits(tail_pack_bytes=2000, history_retention_days=30, undelete_days=7, collection_grace_s=24 * 3600)
LARGE = random.Random(1).randbytes(5000)
"""Makes a pack a blob."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    return MovedClock(monkeypatch)


@pytest.fixture
def engine(tmp_path: Path, clock: MovedClock) -> Iterator[Engine]:
    with closing(Engine.open(tmp_path / "data", limits=LIMITS)) as engine:
        yield engine


@pytest.fixture
def project(engine: Engine) -> Project:
    return new_project(engine)


def commit(project: Project, name: str, *parents: bytes, content: bytes = b"small") -> tuple[bytes, list[bytes]]:
    """A commit with a file of its own, and the new objects."""
    blob = project.objects.blob(name.encode() + content)
    tree = project.objects.tree({b"file": blob})
    oid = project.objects.commit(name, *parents, tree=tree)
    return oid, [blob, tree, oid]


def push_forced(project: Project, *, content: bytes = b"small", name: bytes = SIDE) -> tuple[bytes, bytes]:
    """A branch is created, then moved to an unrelated commit. Returns both values."""
    old, old_objects = commit(project, "old", content=content)
    new, new_objects = commit(project, "new")
    project.pushed(name, None, old, *old_objects)
    project.pushed(name, old, new, *new_objects)
    return old, new


# --- what is left out of a repository ---------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["tail", "blob"])
def test_a_ref_value_is_kept_for_the_retention_and_left_out_after_it(
    project: Project, clock: MovedClock, content: bytes
) -> None:
    old, new = push_forced(project, content=content)
    for _ in range(3):
        clock.move(days=9.9)
        assert collect(project.engine).rewritten == 0
        assert holds(project, old)
    clock.move(days=1)
    report = collect(project.engine)
    assert (report.rewritten, report.objects_left_out) == (1, 3)
    assert not project.engine.parts.loader.objects(project.manifest).contains(old)
    assert holds(project, new)
    assert project.manifest.sealed
    assert project.manifest.kind is PublishKind.MAINTENANCE
    assert project.problems() == []


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["tail", "blob"])
def test_what_was_left_out_is_deleted_after_the_grace(project: Project, clock: MovedClock, content: bytes) -> None:
    push_forced(project, content=content)
    clock.move(days=31)
    before = {pack.digest for pack in project.manifest.packs}
    assert collect(project.engine).condemned > 0
    gone = before - {pack.digest for pack in project.manifest.packs}
    assert gone
    clock.move(days=0.9)
    assert collect(project.engine).deleted.size_bytes == 0
    clock.move(days=0.2)
    report = collect(project.engine)
    assert report.deleted.size_bytes > (5000 if content == LARGE else 0)
    assert report.deleted.blobs == (1 if content == LARGE else 0)
    assert not gone & {key.digest for key in stored_rows(project.engine)}
    assert not gone & {blob.digest for blob in stored_blobs(project.engine)}
    assert_nothing_but_what_is_named(project.engine, clock)
    assert project.problems() == []


def test_a_second_collection_finds_nothing_to_do(project: Project, clock: MovedClock) -> None:
    push_forced(project, content=LARGE)
    clock.move(days=31)
    collect(project.engine)
    version = project.engine.load(project.id).pointer.version
    again = collect(project.engine)
    assert (again.rewritten, again.condemned, again.deleted.rows, again.deleted.blobs) == (0, 0, 0, 0)
    assert project.engine.load(project.id).pointer.version == version


def test_a_repository_without_refs_keeps_no_pack(project: Project, clock: MovedClock) -> None:
    old, objects = commit(project, "only", content=LARGE)
    project.pushed(TAG, None, old, *objects)
    project.pushed(TAG, old, None)
    clock.move(days=31)
    collect(project.engine)
    assert project.manifest.packs == ()
    clock.move(days=2)
    collect(project.engine)
    assert stored_blobs(project.engine) == set()
    assert derived_files(project.engine) == set()


def test_a_sealed_repository_is_not_touched(project: Project, clock: MovedClock) -> None:
    first, objects = commit(project, "first", content=LARGE)
    project.pushed(MAIN, None, first, *objects)
    pointer = project.engine.load(project.id).pointer
    clock.move(days=100)
    collect(project.engine)
    assert project.engine.load(project.id).pointer == pointer


def test_what_refs_reach_again_is_sealed_without_a_new_pack(project: Project, clock: MovedClock) -> None:
    """A branch was taken back and came again: nothing is garbage, and presence may be permission again."""
    first, first_objects = commit(project, "first")
    second, second_objects = commit(project, "second", first)
    project.pushed(MAIN, None, first, *first_objects)
    project.pushed(SIDE, None, second, *second_objects)
    project.pushed(SIDE, second, None)
    project.pushed(MAIN, first, second, *second_objects)
    before = project.manifest
    clock.move(days=31)
    collect(project.engine)
    assert (before.sealed, project.manifest.sealed) == (False, True)
    assert project.manifest.packs == before.packs


def test_packs_that_hold_no_garbage_stay_as_they_are(project: Project, clock: MovedClock) -> None:
    base, base_objects = commit(project, "base", content=LARGE)
    project.pushed(MAIN, None, base, *base_objects)
    oldest = project.manifest.packs[-1]
    push_forced(project)
    tip, tip_objects = commit(project, "tip", base)
    clock.move(days=31)
    project.pushed(MAIN, base, tip, *tip_objects)
    newest = project.manifest.packs[0]
    collect(project.engine)
    assert project.manifest.packs[0] == newest
    assert project.manifest.packs[-1] == oldest
    assert len(project.manifest.packs) == 3
    assert project.problems() == []


def test_every_end_of_the_pack_list_is_closed_after_packs_were_written_anew(
    project: Project, clock: MovedClock
) -> None:
    tip, objects = commit(project, "first")
    project.pushed(MAIN, None, tip, *objects)
    for number in range(4):
        new, objects = commit(project, f"commit {number}", tip)
        project.pushed(MAIN, tip, new, *objects)
        push_forced(project, name=b"refs/heads/side-%d" % number)
        tip = new
    clock.move(days=31)
    kept, objects = commit(project, "the newest", tip)
    project.pushed(MAIN, tip, kept, *objects)
    collect(project.engine)
    manifest, loader = project.manifest, project.engine.parts.loader
    for start in range(len(manifest.packs)):
        end = loader.objects(replace(manifest, packs=manifest.packs[start:]))
        whole = end.all_objects()
        assert len(end.reachable(whole.oids(limit=1000))) == len(end)


def test_what_came_within_the_grace_is_not_left_out(tmp_path: Path, clock: MovedClock) -> None:
    """Not even what no ref ever reached: somebody may be about to use it."""
    limits = replace(LIMITS, history_retention_days=0)
    with closing(Engine.open(tmp_path / "short", limits=limits)) as engine:
        project = new_project(engine)
        first, first_objects = commit(project, "first")
        stray = project.objects.blob(b"no ref reaches this")
        project.pushed(MAIN, None, first, *first_objects, stray)
        clock.move(days=0.9)
        collect(engine)
        assert engine.parts.loader.objects(project.manifest).contains(stray)
        clock.move(days=0.2)
        collect(engine)
        assert not engine.parts.loader.objects(project.manifest).contains(stray)
        assert project.manifest.sealed


def test_the_states_of_the_refs_are_kept_for_the_retention(project: Project, clock: MovedClock) -> None:
    values: list[bytes] = []
    for number in range(5):
        tip, objects = commit(project, f"commit {number}", *values[-1:])
        project.pushed(MAIN, values[-1] if values else None, tip, *objects)
        values.append(tip)
        clock.move(days=10)

    def remembered() -> list[bytes]:
        state = project.engine.load(project.id)
        states = project.engine.parts.loader.own_history(state)
        return [entry.oid for each in states if (entry := each.refs.get(MAIN)) is not None]

    collect(project.engine)
    clock.move(days=2)
    collect(project.engine)
    project = Project(reopened(project.engine, project.engine.parts.derived.parent), project.id, project.objects)
    with closing(project.engine):
        assert remembered() == values[:0:-1]
        assert project.problems() == []


def test_a_state_that_is_missing_within_the_retention_is_a_problem(
    project: Project, clock: MovedClock, tmp_path: Path
) -> None:
    push_forced(project)
    state = project.engine.load(project.id)
    mark = project.engine.catalog.begin_mark()
    (lost,) = [key for key in stored_rows(project.engine) if key.digest == state.manifest.parent]
    project.engine.catalog.condemn(mark, [lost], [], now_ms=0)
    project.engine.catalog.delete_rows([lost], before_ms=1)
    again = reopened(project.engine, tmp_path / "data")
    with closing(again):
        assert any("history" in problem for problem in Project(again, project.id).problems())


# --- forks and deleted repositories -----------------------------------------------------------------------------------


def test_what_a_fork_names_is_not_deleted(project: Project, clock: MovedClock) -> None:
    push_forced(project, content=LARGE)
    other, objects = commit(project, "a fork's own")
    fork = fork_of(project, "fork")
    project_side = project.refs[SIDE]
    fork.pushed(b"refs/heads/own", None, other, *objects)
    project.engine.delete_repository(project.id, ACTOR, force=True)
    for _ in range(3):
        clock.move(days=40)
        collect(project.engine)
    assert fork.problems() == []
    assert holds(fork, project_side)
    assert holds(fork, other)
    assert_nothing_but_what_is_named(project.engine, clock)


def test_a_repository_may_leave_out_what_its_fork_still_has(project: Project, clock: MovedClock) -> None:
    base, objects = commit(project, "base", content=LARGE)
    project.pushed(TAG, None, base, *objects)
    fork = fork_of(project, "fork")
    project.pushed(TAG, base, None)
    clock.move(days=31)
    collect(project.engine)
    clock.move(days=2)
    collect(project.engine)
    assert project.manifest.packs == ()
    assert holds(fork, base)
    assert fork.problems() == []


def test_large_packs_that_others_name_are_not_written_anew(tmp_path: Path, clock: MovedClock) -> None:
    limits = replace(LIMITS, min_shared_pack_bytes=5000)
    with closing(Engine.open(tmp_path / "shared", limits=limits)) as engine:
        project = new_project(engine)
        base, objects = commit(project, "base", content=LARGE)
        project.pushed(TAG, None, base, *objects)
        fork = fork_of(project, "fork")
        own, own_objects = commit(fork, "own")
        fork.pushed(b"refs/tags/own", None, own, *own_objects)
        fork.pushed(b"refs/tags/own", own, None)
        fork.pushed(TAG, base, None)
        clock.move(days=31)
        collect(engine)
        assert fork.manifest.packs == project.manifest.packs
        assert fork.problems() == []
        assert not fork.manifest.sealed


def test_a_deleted_repository_keeps_all_it_had_for_the_window(project: Project, clock: MovedClock) -> None:
    old, objects = commit(project, "only", content=LARGE)
    project.pushed(MAIN, None, old, *objects)
    state = project.engine.load(project.id)
    rows, blobs = stored_rows(project.engine), stored_blobs(project.engine)
    project.engine.delete_repository(project.id, ACTOR)
    clock.move(days=6.9)
    assert collect(project.engine).given_up == 0
    assert (stored_rows(project.engine), stored_blobs(project.engine)) == (rows, blobs)
    assert len(project.engine.parts.loader.objects(state.manifest)) == 3
    clock.move(days=0.2)
    assert collect(project.engine).given_up == 1
    clock.move(days=1.1)
    collect(project.engine)
    assert (stored_rows(project.engine), stored_blobs(project.engine)) == (set(), set())
    assert derived_files(project.engine) == set()


def test_an_id_is_used_again_after_its_repository_was_collected(project: Project, clock: MovedClock) -> None:
    first, objects = commit(project, "only")
    project.pushed(MAIN, None, first, *objects)
    stale = project.begin(move(MAIN, first, None))
    project.engine.delete_repository(project.id, ACTOR)
    for _ in range(3):
        clock.move(days=10)
        collect(project.engine)
    new_project(project.engine, project.id)
    with pytest.raises(RepositoryMissing, match="belongs to another one"):
        stale.finish()
    assert project.problems() == []


# --- what nothing ever named ------------------------------------------------------------------------------------------


def test_a_blob_that_nobody_came_to_name_is_deleted(engine: Engine, clock: MovedClock) -> None:
    """A publisher was killed between storing it and the transaction."""
    engine.parts.blobs.put_bytes(b"orphan")
    collect(engine)
    assert len(stored_blobs(engine)) == 1
    clock.move(days=1.1)
    collect(engine)
    assert stored_blobs(engine) == set()


def test_derived_files_live_as_long_as_their_pack(project: Project, clock: MovedClock) -> None:
    """Readers of older states may still open it."""
    push_forced(project, content=LARGE)
    (blob,), before = stored_blobs(project.engine), derived_files(project.engine)
    assert before == {f"{blob.digest.hex()}.idx"}
    clock.move(days=31)
    collect(project.engine)
    assert project.engine.catalog.next_generation(blob.digest) == 1
    assert before == derived_files(project.engine)
    clock.move(days=2)
    assert collect(project.engine).deleted.derived_files == 1
    assert derived_files(project.engine) == set()


def test_derived_files_of_no_pack_are_deleted_once_they_are_old(project: Project, clock: MovedClock) -> None:
    first, objects = commit(project, "only", content=LARGE)
    project.pushed(MAIN, None, first, *objects)
    derived = project.engine.parts.derived
    (kept,) = derived_files(project.engine)
    for name in (f"{'0' * 64}.idx", f"{'0' * 64}.bitmap", "maintained", "README.txt"):
        (derived / name).touch()
    collect(project.engine)
    assert len(derived_files(project.engine)) == 3
    clock.move(days=1.1)
    assert collect(project.engine).deleted.derived_files == 2
    assert derived_files(project.engine) == {kept}
    assert (derived / "maintained").exists()
    assert (derived / "README.txt").exists()


# --- preview, stopping, settings --------------------------------------------------------------------------------------


def test_a_preview_says_what_would_be_done_and_does_nothing(project: Project, clock: MovedClock) -> None:
    push_forced(project, content=LARGE)
    clock.move(days=31)
    collector = Collector(project.engine.parts)
    mark = project.engine.catalog.change_mark()
    plan = collector.preview(no_progress, Cancel())
    assert project.engine.catalog.change_mark() == mark
    assert [(each.repository_id, each.object_count) for each in plan.garbage] == [(project.id, 3)]
    assert plan.garbage[0].size_bytes > 5000
    assert (plan.due_rows, plan.due_blobs) == (0, 0)
    collect(project.engine)
    clock.move(days=1.1)
    plan = collector.preview(no_progress, Cancel())
    assert plan.garbage == []
    assert plan.due_blobs == plan.unnamed_blobs == 1
    assert plan.due_rows > 0
    assert plan.due_bytes > 5000
    report = collect(project.engine)
    assert (report.deleted.rows, report.deleted.blobs) == (plan.due_rows, plan.due_blobs)
    assert report.deleted.size_bytes == plan.due_bytes


def test_a_collection_that_is_stopped_anywhere_is_made_up_for_by_the_next(project: Project, clock: MovedClock) -> None:
    push_forced(project, content=LARGE)
    clock.move(days=31)
    steps = 0
    while True:
        cancel, left = Cancel(), steps

        def count(_phase: str, _done: int, _total: int | None, cancel: Cancel = cancel) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                cancel.set()

        try:
            Collector(project.engine.parts).collect(count, cancel)
            break
        except Cancelled:
            steps += 1
        assert project.problems() == []
    assert steps > 3
    clock.move(days=1.1)
    collect(project.engine)
    assert_nothing_but_what_is_named(project.engine, clock)
    assert project.problems() == []


def test_a_longer_retention_saves_what_was_condemned_under_a_shorter_one(
    project: Project, clock: MovedClock, tmp_path: Path
) -> None:
    push_forced(project)
    first = project.manifest.parent
    clock.move(days=31)
    collect(project.engine)
    project.engine.close()
    clock.move(days=2)
    with closing(Engine.open(tmp_path / "data", limits=replace(LIMITS, history_retention_days=60))) as engine:
        collect(engine)
        assert first is not None
        assert engine.catalog.has_row(RowKind.MANIFEST, first)
        assert engine.catalog.condemned(before_ms=clock.now_ms, limit=10).rows == []


def test_merged_packs_are_deleted_after_the_grace(tmp_path: Path, clock: MovedClock) -> None:
    limits = replace(LIMITS, rollup_packs=4)
    with closing(Engine.open(tmp_path / "rolled", limits=limits)) as engine:
        project = new_project(engine)
        values: list[bytes] = []
        for number in range(4):
            new, objects = commit(project, f"commit {number}", *values[-1:])
            project.pushed(MAIN, values[-1] if values else None, new, *objects)
            values.append(new)
        before = {pack.digest for pack in project.manifest.packs}
        assert engine.rollup.roll_up_if_due(project.id, ACTOR, Cancel()) is not None
        after = {pack.digest for pack in project.manifest.packs}
        collect(engine)
        clock.move(days=1.1)
        collect(engine)
        packs = {key.digest for key in stored_rows(engine) if key.kind is RowKind.PACK}
        blobs = {blob.digest for blob in stored_blobs(engine)}
        assert packs | blobs == after
        assert before - after
        assert project.problems() == []
        assert any(pack.place is PackPlace.TAIL for pack in project.manifest.packs) or blobs


def test_what_was_deleted_is_let_go_of_by_processes_that_have_it_open(project: Project, clock: MovedClock) -> None:
    """Otherwise the disk would not have the space back before they end."""
    push_forced(project, content=LARGE)
    engine = project.engine
    (blob,) = stored_blobs(engine)
    path = engine.parts.blobs.local_path(blob.digest)

    def is_open() -> bool:
        gc.collect()  # the frames of finished calls
        return str(path) in Path("/proc/self/maps").read_text()

    engine.parts.loader.objects(project.manifest).verify()
    clock.move(days=31)
    collect(engine)
    engine.let_go_of_deleted()
    assert is_open()
    clock.move(days=2)
    collect(engine)
    assert stored_blobs(engine) == set()
    engine.let_go_of_deleted()
    assert not is_open()
    assert project.problems() == []


def test_a_bundle_is_chosen_anew_when_the_state_it_was_made_of_is_collected(tmp_path: Path, clock: MovedClock) -> None:
    with closing(Engine.open(tmp_path / "bundles", limits=replace(LIMITS, min_bundle_bytes=1))) as engine:
        project = new_project(engine)
        first, objects = commit(project, "first", content=LARGE)
        project.pushed(MAIN, None, first, *objects)
        second, objects = commit(project, "second", first)
        project.pushed(MAIN, first, second, *objects)
        before = engine.bundles.offer(engine.load(project.id))
        assert before is not None
        for _ in range(2):
            clock.move(days=31)
            collect(engine)
        engine.parts.loader._manifests.clear()
        third, objects = commit(project, "third", second)
        project.pushed(MAIN, second, third, *objects)
        after = engine.bundles.offer(engine.load(project.id))
        assert after is not None
        assert dict(after.refs)[MAIN] == second


def test_a_list_of_names_gives_them_back_in_their_order() -> None:
    keys = [RowKey(bytes([number]) * 32, kind) for number in (0, 1, 255) for kind in RowKind]
    listed = KeyList()
    listed.extend(keys[:5])
    listed.extend(keys[5:])
    assert list(listed) == list(listed) == keys
    assert list(KeyList()) == []


def test_forks_that_are_as_their_source_is_share_one_look_and_one_pack(
    project: Project, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, objects = commit(project, "base")
    project.pushed(MAIN, None, base, *objects)
    gone, objects = commit(project, "gone", base, content=LARGE)
    stays, more = commit(project, "stays", base, content=LARGE)
    pack = project.objects.pack([*objects, *more])
    assert project.push(move(SIDE, None, stays), move(TAG, None, gone), pack=pack) == [None, None]
    project.pushed(TAG, gone, None)
    clock.move(days=31)
    forks = [fork_of(project, f"fork-{number}") for number in range(5)]
    looks: list[int] = []
    find = GarbageFinder.find

    def counted(self: GarbageFinder, state: RepositoryState, keepers: Keepers, cancel: Cancel) -> Garbage | None:
        looks.append(1)
        return find(self, state, keepers, cancel)

    monkeypatch.setattr(GarbageFinder, "find", counted)
    assert collect(project.engine).rewritten == 6
    assert len(looks) == 1
    assert {each.manifest.packs for each in forks} == {project.manifest.packs}
    assert all(each.manifest.sealed for each in forks)
    assert all(each.problems() == [] for each in [project, *forks])
    clock.move(days=2)
    collect(project.engine)
    assert len(stored_blobs(project.engine)) == 1
