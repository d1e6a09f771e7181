"""Maintaining a repository: packs merged and derived files made, with nothing lost, whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from core_ext import Cancel, Cancelled, PackStream
from packengine.maintenance import LeaseHeld, Maintainer, MaintenanceLease, MaintenanceReport
from packengine.maintenance import lease as lease_module
from packengine.manifests import PackPlace, PackRecord, PublishKind
from packengine.refs import RefChange
from packengine.repository import Engine, Limits
from packengine.repository.derived import DerivedKind
from packengine.repository.packs import PackIntake, open_ingest
from packengine.repository.progress import no_progress
from packengine.repository.publish import Draft, now_ms
from packengine.storage.ports import RowKind
from tests.support import killed_maintainer
from tests.support.child import child_command
from tests.support.engine_pushes import ACTOR
from tests.support.engines import OvertakenCatalog, Project, fork_of, needs, new_project, open_in_memory

MAIN = b"refs/heads/main"
LIMITS = Limits(min_bitmap_objects=1, tail_pack_bytes=400)
"""Every pack gets derived files, and packs of more than one commit are blobs."""

ALL_KINDS = {kind.value for kind in DerivedKind}


def push_commits(project: Project, count: int) -> None:
    """So many pushes, of three new objects each."""
    for _ in range(count):
        tip = project.refs.get(MAIN)
        number = project.engine.load(project.id).pointer.version
        blob = project.objects.blob(f"version {number} of {project.id}\n".encode())
        tree = project.objects.tree({b"file": blob})
        commit = project.objects.commit(f"commit {number}", *([tip] if tip else []), tree=tree)
        project.pushed(MAIN, tip, commit, blob, tree, commit)


def push_at_once(project: Project, count: int) -> None:
    """One push of so many commits."""
    version = project.engine.load(project.id).pointer.version
    tip = newest = project.refs.get(MAIN)
    new: list[bytes] = []
    for number in range(count):
        blob = project.objects.blob(b"version %d, %d\n" % (version, number))
        tree = project.objects.tree({b"file": blob})
        newest = project.objects.commit(f"commit {version}, {number}", *([newest] if newest else []), tree=tree)
        new += [blob, tree, newest]
    assert newest is not None
    project.pushed(MAIN, tip, newest, *new)


def maintain(project: Project) -> MaintenanceReport:
    return Maintainer(project.engine.parts).maintain(project.id, progress=no_progress, cancel=Cancel())


def answer(project: Project, have: bytes | None = None) -> set[bytes]:
    """The objects that a clone of main gets, or a fetch by a client that has that commit."""
    fetch = project.engine.fetches.begin(project.engine.load(project.id), needs(project.refs[MAIN]))
    common = fetch.common([have]) if have else ()
    return set(fetch.select(common, Cancel()).objects.oids(limit=10_000))


def derived_of(project: Project) -> list[set[str]]:
    """The kinds of files that there are for each pack, idx left out."""
    folder = project.engine.parts.derived
    return [
        {kind for kind in ALL_KINDS if (folder / f"{pack.digest.hex()}.{kind}").exists()}
        for pack in project.manifest.packs
    ]


def assert_nothing_left_behind(project: Project) -> None:
    """No file at work, and no derived file of a pack that the repository does not name."""
    parts = project.engine.parts
    assert list(parts.shelf.quarantine.iterdir()) == []
    named = {pack.digest.hex() for pack in project.manifest.packs}
    orphans = [path.name for path in parts.derived.iterdir() if path.suffix[1:] in ALL_KINDS and path.stem not in named]
    assert orphans == []


@pytest.fixture
def catalog() -> OvertakenCatalog:
    return OvertakenCatalog()


@pytest.fixture
def project(tmp_path: Path, catalog: OvertakenCatalog) -> Project:
    return new_project(open_in_memory(tmp_path / "engine", catalog=catalog, limits=LIMITS))


def test_packs_become_few_and_the_bulk_gets_all_derived_files(project: Project) -> None:
    push_commits(project, 9)
    before = answer(project)
    report = maintain(project)
    assert (report.packs_before, report.packs_after, report.merged_packs) == (9, 1, 9)
    assert derived_of(project) == [ALL_KINDS]
    assert answer(project) == before
    assert project.manifest.kind is PublishKind.MAINTENANCE
    assert project.manifest.sealed
    assert project.problems() == []
    assert_nothing_left_behind(project)


def test_there_is_nothing_to_do_a_second_time(project: Project) -> None:
    push_commits(project, 5)
    maintain(project)
    version = project.engine.load(project.id).pointer.version
    assert Maintainer(project.engine.parts).plan(project.id).is_empty
    report = maintain(project)
    assert (report.merged_packs, report.derived_files) == (0, 0)
    assert project.engine.load(project.id).pointer.version == version


def test_the_plan_says_what_is_done(project: Project) -> None:
    push_commits(project, 4)
    plan = Maintainer(project.engine.parts).plan(project.id)
    assert [(len(run.packs), run.object_count, run.is_oldest) for run in plan.runs] == [(4, 12, True)]
    assert plan.derivations == ()


def test_packs_that_are_there_already_get_their_files(project: Project) -> None:
    push_at_once(project, 5)
    (pack,) = project.manifest.packs
    plan = Maintainer(project.engine.parts).plan(project.id)
    assert (plan.runs, [(lack.pack, set(lack.kinds)) for lack in plan.derivations]) == ((), [(pack, set(DerivedKind))])
    report = maintain(project)
    assert (report.merged_packs, report.derived_files) == (0, 3)
    assert project.manifest.packs == (pack,)
    assert derived_of(project) == [ALL_KINDS]


def test_a_small_front_stays_in_front_of_a_large_bulk(project: Project) -> None:
    push_at_once(project, 20)
    push_commits(project, 2)
    maintain(project)
    front, bulk = project.manifest.packs
    assert (front.object_count, bulk.object_count) == (6, 60)
    assert derived_of(project) == [{"rev"}, ALL_KINDS]
    assert project.problems() == []


def test_incremental_answers_are_the_same_before_and_after(project: Project) -> None:
    push_at_once(project, 6)
    have = project.refs[MAIN]
    push_commits(project, 5)
    new = answer(project, have)
    maintain(project)
    assert len(new) == 15
    assert answer(project, have) == new
    push_commits(project, 1)
    assert len(answer(project, have)) == 18


def test_a_reader_finishes_what_it_began_before(project: Project) -> None:
    push_at_once(project, 20)
    push_commits(project, 4)
    fetch = project.engine.fetches.begin(project.engine.load(project.id), needs(project.refs[MAIN], ofs_delta=True))
    selected = fetch.select((), Cancel())
    whole = read_to_end(fetch.open_pack(selected, Cancel()))
    stream = fetch.open_pack(selected, Cancel())
    first = stream.read(100)
    assert maintain(project).merged_packs == 4
    assert first + read_to_end(stream) == whole
    assert read_to_end(fetch.open_pack(fetch.select((), Cancel()), Cancel())) == whole


def read_to_end(stream: PackStream) -> bytes:
    return b"".join(iter(lambda: stream.read(1 << 20), b""))


def test_a_push_during_a_merge_is_kept_and_not_failed(project: Project, catalog: OvertakenCatalog) -> None:
    push_commits(project, 4)
    catalog.rivals = [lambda: push_commits(project, 1)]
    report = maintain(project)
    assert report.overtaken == 0
    assert len(project.objects.closure([project.refs[MAIN]])) == 15
    assert answer(project) == set(project.objects.closure([project.refs[MAIN]]))
    assert project.problems() == []
    assert_nothing_left_behind(project)


def test_a_merge_whose_packs_somebody_else_merged_is_worked_out_anew(
    project: Project, catalog: OvertakenCatalog
) -> None:
    push_commits(project, 4)

    def rival() -> None:
        push_commits(project, 1)
        assert maintain(project).merged_packs == 5

    catalog.rivals = [rival]
    report = maintain(project)
    assert (report.overtaken, report.packs_after) == (1, 1)
    assert project.problems() == []
    assert_nothing_left_behind(project)


def test_a_merge_that_others_publish_before_without_a_pause_ends(project: Project, catalog: OvertakenCatalog) -> None:
    push_commits(project, 4)
    packs, parts = project.manifest.packs, project.elsewhere().engine.parts
    nothing = Draft(changes=(), sealed=True)

    def rival() -> None:
        parts.publisher.publish(parts.loader.load(project.id), ACTOR, PublishKind.PUSH, lambda _: nothing)

    catalog.rivals = [rival] * 100
    report = maintain(project)
    assert (report.overtaken, report.merged_packs) == (1, 0)
    assert 100 - len(catalog.rivals) <= 20
    assert project.manifest.packs == packs
    assert_nothing_left_behind(project)
    catalog.rivals = []
    assert maintain(project).packs_after == 1


@pytest.mark.parametrize("bulk", [0, 20], ids=["one pack in the end", "two packs in the end"])
def test_stopped_at_any_step_it_leaves_a_whole_repository_and_nothing_else(tmp_path: Path, bulk: int) -> None:
    steps = 0
    while True:
        project = new_project(open_in_memory(tmp_path / f"{steps}", limits=LIMITS))
        if bulk:
            push_at_once(project, bulk)
        push_commits(project, 3)
        before = answer(project)
        cancel = Cancel()
        is_done = not is_stopped(project, cancel, stop_at=steps)
        assert project.problems() == []
        assert answer(project) == before
        assert_nothing_left_behind(project)
        if is_done:
            break
        maintain(project)
        assert_nothing_left_behind(project)
        steps += 1
    assert steps >= 4


def is_stopped(project: Project, cancel: Cancel, *, stop_at: int) -> bool:
    """Whether it was stopped when it told its progress for that time; not if it had ended before."""
    told = 0

    def progress(_phase: str, done: int, _total: int | None) -> None:
        nonlocal told
        if done == 0:  # once a step; between it depends on the clock
            if told == stop_at:
                cancel.set()
            told += 1

    try:
        Maintainer(project.engine.parts).maintain(project.id, progress=progress, cancel=cancel)
    except Cancelled:
        return True
    return False


def test_what_ends_the_telling_ends_the_work(project: Project) -> None:
    push_commits(project, 3)

    def progress(phase: str, _done: int, _total: int | None) -> None:
        raise BrokenPipeError(phase)

    with pytest.raises(BrokenPipeError):
        Maintainer(project.engine.parts).maintain(project.id, progress=progress, cancel=Cancel())
    assert_nothing_left_behind(project)


def test_packs_that_are_not_closed_are_merged_until_they_are(project: Project) -> None:
    """Whoever made them so: a bulk that refers to what is in front of it."""
    push_at_once(project, 1)
    push_at_once(project, 5)
    newer, older = project.manifest.packs
    assert newer.object_count >= 2 * older.object_count
    publish_in_reverse(project)
    assert project.manifest.packs == (older, newer)
    report = maintain(project)
    assert report.packs_after == 1
    assert derived_of(project) == [ALL_KINDS]
    assert project.problems() == []


def test_packs_that_are_not_closed_all_together_are_not_merged_after_every_push(tmp_path: Path) -> None:
    """Something was lost: no merge brings it back."""
    limits = Limits(min_bitmap_objects=20, tail_pack_bytes=400)
    project = new_project(open_in_memory(tmp_path / "lost", limits=limits))
    push_at_once(project, 1)
    push_at_once(project, 20)
    lose_the_oldest_pack(project)
    maintainer = Maintainer(project.engine.parts)
    for _ in range(3):
        assert maintainer.maintain(project.id, progress=no_progress, cancel=Cancel(), due_only=True).merged_packs == 0
        push_commits(project, 1)
    assert project.manifest.packs[-1].object_count == 60


def lose_the_oldest_pack(project: Project) -> None:
    parts, lost = project.engine.parts, project.manifest.packs[-1].digest
    draft = Draft(changes=(), sealed=True, drops=frozenset({lost}))
    assert (
        parts.publisher.publish(parts.loader.load(project.id), ACTOR, PublishKind.IMPORT, lambda _: draft) is not None
    )


def publish_in_reverse(project: Project) -> None:
    parts = project.engine.parts
    records = project.manifest.packs

    def draft_of(_: object) -> Draft:
        intakes = []
        for record in reversed(records):
            ingest = open_ingest(parts.shelf.quarantine, "sha1", parts.limits)
            ingest.feed(pack_bytes(project, record))
            intakes.append(PackIntake(ingest.finish(None), parts.shelf, parts.blobs, parts.limits))
        return Draft(changes=(), sealed=True, packs=intakes, drops=frozenset(record.digest for record in records))

    state = parts.loader.load(project.id)
    assert parts.publisher.publish(state, ACTOR, PublishKind.IMPORT, draft_of) is not None


def pack_bytes(project: Project, record: PackRecord) -> bytes:
    if record.place is PackPlace.TAIL:
        return project.engine.catalog.row(RowKind.PACK, record.digest)
    with project.engine.parts.blobs.open(record.digest) as file:
        return file.read()


def test_a_repository_without_refs_wants_no_bitmaps(project: Project) -> None:
    push_commits(project, 3)
    deletion = Draft(changes=[RefChange(MAIN, None)], sealed=False)
    state = project.engine.load(project.id)
    project.engine.parts.publisher.publish(state, ACTOR, PublishKind.PUSH, lambda _: deletion)
    assert project.refs == {}
    maintain(project)
    assert derived_of(project) == [{"rev", "graph"}]
    assert Maintainer(project.engine.parts).plan(project.id).is_empty


def test_a_pack_too_large_for_the_memory_granted_has_no_bitmaps(project: Project) -> None:
    limits = Limits(min_bitmap_objects=1, maintenance_memory_bytes=100)
    project = new_project(open_in_memory(project.engine.parts.derived.parent.parent / "tight", limits=limits))
    push_commits(project, 3)
    maintain(project)
    assert derived_of(project) == [{"rev", "graph"}]
    assert project.problems() == []


@pytest.mark.parametrize("memory_bytes", [100, 64 << 20], ids=["no memory for bitmaps", "enough memory"])
def test_pushes_in_front_of_a_large_bulk_copy_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, memory_bytes: int
) -> None:
    limits = Limits(min_bitmap_objects=100, tail_pack_bytes=400, maintenance_memory_bytes=memory_bytes)
    project = new_project(open_in_memory(tmp_path / "large", limits=limits))
    maintainer = Maintainer(project.engine.parts)
    push_at_once(project, 40)
    (bulk,) = project.manifest.packs
    blobs = set(project.engine.parts.blobs.stored())
    with caplog.at_level("INFO", "packengine.maintenance.maintainer"):
        for _ in range(4):
            report = maintainer.maintain(project.id, progress=no_progress, cancel=Cancel(), due_only=True)
            assert report.merged_objects == 0
            push_commits(project, 1)
    assert project.manifest.packs[-1] == bulk
    assert set(project.engine.parts.blobs.stored()) == blobs
    told = [record.fields["reason"] for record in caplog.records if "without a derived file" in record.message]  # type: ignore[attr-defined]
    assert told == (["memory for bitmaps would not suffice"] if memory_bytes == 100 else [])


def test_maintenance_by_itself_leaves_few_small_packs_for_later(project: Project) -> None:
    limits = Limits(min_bitmap_objects=100, rollup_packs=4)
    project = new_project(open_in_memory(project.engine.parts.derived.parent.parent / "lazy", limits=limits))
    maintainer = Maintainer(project.engine.parts)
    push_commits(project, 3)
    assert maintainer.plan(project.id, due_only=True).is_empty
    assert not maintainer.plan(project.id).is_empty
    push_commits(project, 1)
    assert not maintainer.plan(project.id, due_only=True).is_empty


# --- forks ------------------------------------------------------------------------------------------------------------


def with_shared_bytes(tmp_path: Path, min_shared_pack_bytes: int) -> Project:
    limits = Limits(min_bitmap_objects=1, tail_pack_bytes=400, min_shared_pack_bytes=min_shared_pack_bytes)
    return new_project(open_in_memory(tmp_path / "network", limits=limits))


def test_a_large_shared_pack_stays_as_it_is_in_a_fork_and_its_source(tmp_path: Path) -> None:
    source = with_shared_bytes(tmp_path, 1)
    push_at_once(source, 4)
    fork = fork_of(source, "fork")
    (shared,) = source.manifest.packs
    for project in (source, fork):
        push_commits(project, 3)
        maintain(project)
        assert [pack.object_count for pack in project.manifest.packs] == [9, 12]
        assert project.manifest.packs[-1] == shared
        assert project.problems() == []


def test_a_fork_that_outgrew_what_it_began_with_merges_it(tmp_path: Path) -> None:
    source = with_shared_bytes(tmp_path, 1)
    push_at_once(source, 2)
    fork = fork_of(source, "fork")
    (shared,) = source.manifest.packs
    push_commits(fork, 4)
    maintain(fork)
    assert len(fork.manifest.packs) == 1
    assert source.manifest.packs == (shared,)
    assert source.problems() == []


def test_small_shared_packs_are_merged_with_the_others_and_stay_in_the_source(tmp_path: Path) -> None:
    source = with_shared_bytes(tmp_path, 1 << 20)
    push_commits(source, 3)
    fork = fork_of(source, "fork")
    shared = source.manifest.packs
    push_commits(fork, 1)
    maintain(fork)
    assert len(fork.manifest.packs) == 1
    assert source.manifest.packs == shared
    assert source.problems() == []


def test_shared_packs_merge_to_the_same_bytes_in_every_repository(tmp_path: Path) -> None:
    source = with_shared_bytes(tmp_path, 1)
    push_commits(source, 6)
    forks = [fork_of(source, f"fork{number}") for number in range(3)]
    for fork in forks:
        push_commits(fork, 1)
        maintain(fork)
    assert {fork.manifest.packs[-1] for fork in forks} == {forks[0].manifest.packs[-1]}
    assert all([pack.object_count for pack in fork.manifest.packs] == [3, 18] for fork in forks)
    assert all(fork.problems() == [] for fork in forks)


Damage = Callable[[Path], object]
DAMAGES: dict[str, Damage] = {
    "deleted": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "never written back": lambda path: path.write_bytes(bytes(path.stat().st_size)),
}


@pytest.mark.parametrize("kind", DerivedKind, ids=lambda kind: kind.value)
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_lost_or_damaged_derived_file_is_not_missed_and_made_again(
    tmp_path: Path, kind: DerivedKind, damage: Damage
) -> None:
    project = new_project(Engine.open(tmp_path, limits=LIMITS))
    push_commits(project, 5)
    maintain(project)
    expected = answer(project)
    path = project.engine.parts.shelf.derived.path(project.manifest.packs[0].digest, kind)
    good = path.read_bytes()
    project.engine.close()
    damage(path)
    again = Project(Engine.open(tmp_path, limits=LIMITS), project.id, project.objects)
    assert answer(again) == expected
    assert not path.exists()
    assert [lack.kinds for lack in Maintainer(again.engine.parts).plan(again.id).derivations] == [(kind,)]
    assert maintain(again).derived_files == 1
    assert path.read_bytes() == good
    assert answer(again) == expected
    again.engine.close()


def test_engines_that_are_open_use_what_another_one_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("packengine.repository.derived._LOOK_EVERY_S", 0.0)
    reader = new_project(Engine.open(tmp_path, limits=LIMITS))
    push_at_once(reader, 5)
    expected = answer(reader)
    handle = reader.engine.parts.shelf.open(reader.manifest.packs[0], "sha1")
    assert not any(kind.is_attached(handle) for kind in DerivedKind)
    maintainer = Engine.open(tmp_path, limits=LIMITS)
    maintain(Project(maintainer, reader.id, reader.objects))
    assert answer(reader) == expected
    assert all(kind.is_attached(handle) for kind in DerivedKind)
    maintainer.close()
    reader.engine.close()


def test_a_process_that_is_killed_at_any_step_leaves_a_repository_that_is_maintained_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = now_ms()
    for step in range(20):
        data_dir = tmp_path / f"{step}"
        project = new_project(Engine.open(data_dir, limits=killed_maintainer.LIMITS))
        push_at_once(project, 20)
        push_commits(project, 3)
        before = answer(project)
        project.engine.close()
        command = child_command("tests.support.killed_maintainer", data_dir, project.id, step, signal.SIGKILL)
        status = subprocess.run(command, check=False).returncode
        project = Project(Engine.open(data_dir, limits=killed_maintainer.LIMITS), project.id, project.objects)
        assert (project.problems(), answer(project)) == ([], before)
        assert list(project.engine.parts.shelf.quarantine.iterdir()) == []
        monkeypatch.setattr(lease_module, "now_ms", lambda: now + 3_600_000)
        with MaintenanceLease(project.engine.catalog).hold(Cancel()):
            maintain(project)
        assert derived_of(project) == [{"rev"}, ALL_KINDS]
        assert (project.problems(), answer(project)) == ([], before)
        project.engine.close()
        if status == 0:
            break
        assert status == -signal.SIGKILL
    else:
        pytest.fail("it takes no end")
    assert step >= 5


def test_of_two_processes_one_maintains_and_the_other_is_told_who(tmp_path: Path) -> None:
    project = new_project(Engine.open(tmp_path, limits=killed_maintainer.LIMITS))
    push_commits(project, 4)
    lease = MaintenanceLease(project.engine.catalog)
    command = child_command("tests.support.killed_maintainer", tmp_path, project.id, 1, signal.SIGSTOP)
    with subprocess.Popen(command) as other:
        os.waitid(os.P_PID, other.pid, os.WSTOPPED)
        with pytest.raises(LeaseHeld, match=f"under way in process {other.pid} on "), lease.hold(Cancel()):
            pytest.fail("two hold it")
        assert len(project.manifest.packs) == 4
        push_commits(project, 1)  # which no lease keeps from it
        other.send_signal(signal.SIGCONT)
        assert other.wait() == 0
    assert [pack.object_count for pack in project.manifest.packs] == [3, 12]
    with lease.hold(Cancel()):
        assert maintain(project).merged_packs == 0
    assert project.problems() == []
    project.engine.close()


def test_what_a_forced_push_left_behind_stays_hidden_in_merged_packs(project: Project) -> None:
    push_commits(project, 3)
    left_behind = project.refs[MAIN]
    blob = project.objects.blob(b"another beginning")
    tree = project.objects.tree({b"file": blob})
    other = project.objects.commit("other", tree=tree)
    project.pushed(MAIN, left_behind, other, blob, tree, other)
    push_commits(project, 2)
    assert not project.manifest.sealed
    expected = answer(project)
    report = maintain(project)
    assert (report.packs_after, project.manifest.sealed) == (1, False)
    assert answer(project) == expected
    assert project.engine.parts.loader.objects(project.manifest).contains(left_behind)
    assert left_behind not in answer(project)
    assert project.problems() == []
