"""The publish path: compare-and-swap, derive anew when overtaken, store before the pointer moves."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from packengine.manifests import Manifest, PublishKind
from packengine.refs import RefChange, RefEntry
from packengine.repository import Engine, LimitReached, Limits, Push, RepositoryState
from packengine.repository.publish import Draft
from packengine.storage.ports import Committed, Pointer, Publish, RowKind, StorageError, Superseded
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Clock, Objects, OvertakenCatalog, Project, move, new_project, open_in_memory
from tests.support.fakes import MemoryBlobStore

MAIN = b"refs/heads/main"
SIDE = b"refs/heads/side"
OID = b"\x11" * 20


@pytest.fixture
def catalog() -> OvertakenCatalog:
    return OvertakenCatalog()


@pytest.fixture
def project(tmp_path: Path, catalog: OvertakenCatalog) -> Project:
    return new_project(open_in_memory(tmp_path, catalog=catalog))


def publish(project: Project, derive: Callable[[RepositoryState], Draft | None]) -> Committed | None:
    publisher = project.engine.pushes.publisher
    return publisher.publish(project.engine.load(project.id), ACTOR, PublishKind.PUSH, derive)


def draft_of(*names: bytes) -> Draft:
    return Draft([RefChange(name, RefEntry(name, OID)) for name in names], sealed=False)


@pytest.mark.parametrize("rivals", [0, 1, 5])
def test_a_publish_is_derived_once_more_for_each_that_came_first(
    project: Project, catalog: OvertakenCatalog, rivals: int
) -> None:
    names = [b"refs/heads/rival-%d" % number for number in range(rivals)]
    catalog.rivals = [lambda name=name: publish(project, lambda _: draft_of(name)) for name in names]  # type: ignore[misc]
    versions: list[int] = []

    def derive(state: RepositoryState) -> Draft:
        versions.append(state.pointer.version)
        return draft_of(MAIN)

    committed = publish(project, derive)
    assert committed is not None
    assert versions == list(range(1, rivals + 2))
    assert committed.pointer == project.engine.load(project.id).pointer
    assert sorted(project.refs) == sorted([MAIN, *names])


def in_line(project: Project) -> int:
    """How many publishes of this process wait for their turn."""
    return sum(len(line.waiting) for line in project.engine.pushes.publisher._turns._lines.values())


def begin_rival(project: Project, pool: ThreadPoolExecutor, name: bytes) -> None:
    """A quick publish of this process: on return it is published, or it stands in line."""
    state = project.engine.load(project.id)
    publisher = project.engine.pushes.publisher
    outcome = pool.submit(publisher.publish, state, ACTOR, PublishKind.PUSH, lambda _: draft_of(name), is_quick=True)
    while not outcome.done() and not in_line(project):
        os.sched_yield()


def test_what_takes_its_time_waits_no_longer_than_three_rounds_for_quick_ones(project: Project) -> None:
    rounds = 0

    def derive(_: RepositoryState) -> Draft:
        nonlocal rounds
        rounds += 1
        if rounds < 10:
            begin_rival(project, pool, b"refs/heads/rival-%d" % rounds)
        return draft_of(MAIN)

    with ThreadPoolExecutor(1) as pool:
        committed = publish(project, derive)
    assert committed is not None
    assert (rounds, committed.pointer.version) == (4, 5)
    assert sorted(project.refs) == [MAIN, *(b"refs/heads/rival-%d" % number for number in range(1, 5))]


def test_what_takes_its_time_lets_others_pass_when_another_process_came_first_in_its_turn(
    project: Project, catalog: OvertakenCatalog
) -> None:
    names = [b"refs/heads/elsewhere-%d" % number for number in range(5)]
    catalog.rivals = [lambda name=name: publish(project.elsewhere(), lambda _: draft_of(name)) for name in names]  # type: ignore[misc]
    seen: list[bool] = []

    def derive(newest: RepositoryState) -> Draft:
        seen.append(newest.manifest.refs.get(SIDE) is not None)
        if len(seen) == 4:
            begin_rival(project, pool, SIDE)
        return draft_of(MAIN)

    with ThreadPoolExecutor(1) as pool:
        assert publish(project, derive) is not None
    assert seen == [False] * 4 + [True]
    assert sorted(project.refs) == sorted([MAIN, SIDE, *names])


def test_what_takes_its_time_hears_in_its_turn_why_it_failed(project: Project, catalog: OvertakenCatalog) -> None:
    names = [b"refs/heads/elsewhere-%d" % number for number in range(3)]
    catalog.rivals = [lambda name=name: publish(project.elsewhere(), lambda _: draft_of(name)) for name in names]  # type: ignore[misc]

    def derive(newest: RepositoryState) -> Draft:
        if len(newest.manifest.refs) == 3:
            raise ZeroDivisionError
        return draft_of(MAIN)

    with pytest.raises(ZeroDivisionError):
        publish(project, derive)
    assert sorted(project.refs) == names


def test_each_manifest_names_the_one_it_was_derived_from(project: Project, catalog: OvertakenCatalog) -> None:
    catalog.rivals = [lambda: publish(project, lambda _: draft_of(SIDE))]
    pointers: list[Pointer] = []

    def derive(state: RepositoryState) -> Draft:
        pointers.append(state.pointer)
        return draft_of(MAIN)

    publish(project, derive)
    assert project.manifest.parent == pointers[-1].manifest
    assert pointers[0] != pointers[-1]


def test_what_a_publish_was_derived_with_goes_when_it_is_over(project: Project) -> None:
    """Of 500,000 refs that is 150 MB, which would wait for the collector if anything led around in a circle."""

    def derive(_: RepositoryState) -> Draft:
        return draft_of(MAIN)

    left = weakref.ref(derive)
    gc.disable()
    try:
        publish(project, derive)
        del derive
        assert left() is None
    finally:
        gc.enable()


def test_a_draft_of_none_publishes_nothing(project: Project, catalog: OvertakenCatalog) -> None:
    before = project.engine.load(project.id).pointer
    assert publish(project, lambda _: None) is None
    assert (project.engine.load(project.id).pointer, catalog.published) == (before, [])


def test_an_overtaken_publish_that_wants_nothing_any_more_publishes_nothing(
    project: Project, catalog: OvertakenCatalog
) -> None:
    catalog.rivals = [lambda: publish(project, lambda _: draft_of(MAIN))]
    assert publish(project, lambda state: None if len(state.manifest.refs) else draft_of(MAIN)) is None
    assert project.engine.load(project.id).pointer.version == 2


def test_time_never_runs_backwards_along_the_chain(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch, project.manifest.time_ms)
    times = [project.manifest.time_ms]
    for step_ms in (5, -3000, 0, 10_000, -1):
        clock.now_ms += step_ms
        publish(project, lambda _: draft_of(MAIN))
        times.append(project.manifest.time_ms)
    assert [later - times[0] for later in times] == [0, 5, 5, 5, 7005, 7005]


def test_a_manifest_says_who_published_in_which_request_and_what(project: Project) -> None:
    publish(project, lambda _: draft_of(MAIN))
    manifest = project.manifest
    assert (manifest.actor, manifest.request_id, manifest.kind) == (ACTOR.subject, ACTOR.request_id, PublishKind.PUSH)


def test_head_stays_unless_the_draft_moves_it(project: Project) -> None:
    publish(project, lambda _: draft_of(SIDE))
    assert project.manifest.head == MAIN
    publish(project, lambda _: replace(draft_of(SIDE), head=SIDE))
    assert project.manifest.head == SIDE


def test_a_pack_that_is_named_already_is_not_named_twice(project: Project) -> None:
    root = project.objects.commit("root")
    objects = [project.objects.empty_tree, root]
    project.pushed(MAIN, None, root, *objects)
    project.pushed(SIDE, None, root, *objects)
    assert [pack.object_count for pack in project.manifest.packs] == [2]
    assert project.manifest.sealed


def test_a_new_pack_goes_in_front_of_the_older_ones(project: Project) -> None:
    root = project.objects.commit("root")
    child = project.objects.commit("child", root)
    project.pushed(MAIN, None, root, project.objects.empty_tree, root)
    project.pushed(MAIN, root, child, child)
    assert [pack.object_count for pack in project.manifest.packs] == [1, 2]


def limited(tmp_path: Path, limits: Limits) -> Project:
    return new_project(open_in_memory(tmp_path, limits=limits))


def test_more_packs_than_the_limit_are_refused_and_change_nothing(tmp_path: Path) -> None:
    project = limited(tmp_path, Limits(max_packs=1))
    root = project.objects.commit("root")
    child = project.objects.commit("child", root)
    project.pushed(MAIN, None, root, project.objects.empty_tree, root)
    with pytest.raises(LimitReached, match="has 1 packs, the limit is 1"):
        project.push(move(MAIN, root, child), new=[child])
    assert project.refs == {MAIN: root}


def test_more_refs_than_the_limit_are_refused_and_change_nothing(tmp_path: Path) -> None:
    project = limited(tmp_path, Limits(max_refs=2))
    publish(project, lambda _: draft_of(MAIN, SIDE))
    with pytest.raises(LimitReached, match="would have 3 refs, the limit is 2"):
        publish(project, lambda _: draft_of(b"refs/heads/third"))
    assert sorted(project.refs) == [MAIN, SIDE]


def test_rows_are_stored_in_the_transaction_that_moves_the_pointer(project: Project, catalog: OvertakenCatalog) -> None:
    root = project.objects.commit("root")
    project.pushed(MAIN, None, root, project.objects.empty_tree, root)
    names = [b"refs/tags/%03d" % number for number in range(100)]
    project.push(*(move(name, None, root) for name in names))
    kinds = [[row.kind for row in published.rows] for published in catalog.published]
    assert kinds[0] == [RowKind.PACK, RowKind.MANIFEST]
    assert set(kinds[1]) == {RowKind.REF_BLOCK, RowKind.MANIFEST}
    assert catalog.published[1].rows[-1].digest == project.engine.load(project.id).pointer.manifest


def test_the_idx_of_a_small_pack_is_made_when_it_is_opened(project: Project, catalog: OvertakenCatalog) -> None:
    """Larger ones have it beside them."""
    root = project.objects.commit("root")
    project.pushed(MAIN, None, root, project.objects.empty_tree, root)
    many = [project.objects.blob(b"%d" % number) for number in range(9)]
    tree = project.objects.tree({b"%d" % number: blob for number, blob in enumerate(many)})
    child = project.objects.commit("child", root, tree=tree)
    project.pushed(MAIN, root, child, *many, tree, child)
    large, small = project.manifest.packs
    assert catalog.has_row(RowKind.PACK_INDEX, large.digest)
    assert not catalog.has_row(RowKind.PACK_INDEX, small.digest)
    project.engine.parts.shelf._resident.clear()
    assert project.engine.parts.shelf.open(small, "sha1").object_count == 2


def test_a_push_leaves_the_database_it_worked_with(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """So whoever comes next opens no pack, and finds the bases of its deltas decoded."""
    root = project.objects.commit("root")
    project.pushed(MAIN, None, root, project.objects.empty_tree, root)
    monkeypatch.setattr(project.engine.parts.shelf, "open", lambda *_: pytest.fail("a pack was opened"))
    child = project.objects.commit("child", root)
    project.pushed(MAIN, root, child, child)
    assert project.engine.parts.loader.objects(project.manifest).contains(child)


def test_who_was_overtaken_queues_up_for_a_while(
    project: Project, catalog: OvertakenCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[str] = []

    def turn(repository_id: str) -> AbstractContextManager[None]:
        turns.append(repository_id)
        return nullcontext()

    monkeypatch.setattr(catalog, "publishing_turn", turn)
    root = project.objects.commit("root")
    catalog.rivals = [lambda: publish(project, lambda _: draft_of(SIDE))]
    project.pushed(MAIN, None, root, project.objects.empty_tree, root)
    assert turns == []
    child = project.objects.commit("child", root)
    project.pushed(MAIN, root, child, child)
    assert turns == [project.id]
    assert project.refs[MAIN] == child


class Journal(MemoryBlobStore):
    """Writes down what is stored, when."""

    def __init__(self, scratch: Path, journal: list[str]) -> None:
        super().__init__(scratch)
        self.journal = journal

    def put_file(self, path: Path, digest: bytes, generation: int = 0) -> None:
        super().put_file(path, digest, generation)
        self.journal.append("blob")


class JournalCatalog(OvertakenCatalog):
    def __init__(self, journal: list[str]) -> None:
        super().__init__()
        self.journal = journal

    def publish(self, publish: Publish) -> Committed | Superseded:
        outcome = super().publish(publish)
        self.journal.append(type(outcome).__name__)
        return outcome


@pytest.fixture
def journaled(tmp_path: Path) -> tuple[Engine, JournalCatalog, list[str]]:
    """An engine to which every pack is a large one."""
    journal: list[str] = []
    catalog = JournalCatalog(journal)
    blobs = Journal(tmp_path / "scratch", journal)
    return open_in_memory(tmp_path, catalog=catalog, blobs=blobs, limits=Limits(tail_pack_bytes=1)), catalog, journal


def test_a_large_pack_is_stored_before_the_pointer_moves(
    journaled: tuple[Engine, JournalCatalog, list[str]],
) -> None:
    engine, _, journal = journaled
    project = new_project(engine)
    root = project.objects.commit("root")
    project.pushed(MAIN, None, root, project.objects.empty_tree, root)
    assert journal == ["blob", "Committed"]
    assert project.problems() == []


def test_a_large_pack_is_stored_once_though_its_push_is_derived_thrice(
    journaled: tuple[Engine, JournalCatalog, list[str]],
) -> None:
    engine, catalog, journal = journaled
    project = new_project(engine)
    root = project.objects.commit("root")
    late = project.begin(move(MAIN, None, root), pack=project.objects.pack([project.objects.empty_tree, root]))
    rivals = (b"refs/heads/one", b"refs/heads/two")
    catalog.rivals = [lambda name=name: publish(project, lambda _: draft_of(name)) for name in rivals]  # type: ignore[misc]
    assert late.finish().committed is not None
    assert journal == ["blob", "Committed", "Superseded", "Committed", "Superseded", "Committed"]


class Overtaken:
    """A push of `main` from `root` to `child` while somebody else publishes."""

    def __init__(self, project: Project) -> None:
        objects: Objects = project.objects
        self.project = project
        self.root = objects.commit("root")
        self.child = objects.commit("child", self.root)
        self.other = objects.commit("other", self.root)
        project.pushed(MAIN, None, self.root, objects.empty_tree, self.root)

    def push(self) -> list[str | None]:
        return self.project.push(move(MAIN, self.root, self.child), new=[self.child])


def test_a_push_whose_ref_moved_meanwhile_is_no_fast_forward(project: Project, catalog: OvertakenCatalog) -> None:
    case = Overtaken(project)
    catalog.rivals = [lambda: project.elsewhere().pushed(MAIN, case.root, case.other, case.other)]
    assert case.push() == ["non-fast-forward"]
    assert project.refs == {MAIN: case.other}


def test_a_push_wins_although_another_ref_moved_meanwhile(project: Project, catalog: OvertakenCatalog) -> None:
    case = Overtaken(project)
    catalog.rivals = [lambda: project.elsewhere().pushed(SIDE, None, case.other, case.other)]
    assert case.push() == [None]
    assert project.refs == {MAIN: case.child, SIDE: case.other}
    assert project.problems() == []


def test_a_push_whose_ref_got_a_rival_beside_it_meanwhile_is_refused(
    project: Project, catalog: OvertakenCatalog
) -> None:
    case = Overtaken(project)
    catalog.rivals = [lambda: project.elsewhere().pushed(b"refs/heads/a/b", None, case.root)]
    assert project.push(move(b"refs/heads/a", None, case.root)) == [
        "'refs/heads/a/b' exists; cannot create the ref beside it"
    ]


def test_a_push_to_what_became_read_only_meanwhile_is_refused(project: Project, catalog: OvertakenCatalog) -> None:
    case = Overtaken(project)

    def rival() -> None:
        project.elsewhere().pushed(SIDE, None, case.root)
        catalog.now_read_only.add(project.id)

    catalog.rivals = [rival]
    assert case.push() == ["repository is read-only"]
    assert project.refs[MAIN] == case.root


def test_a_push_whose_parent_was_forced_away_meanwhile_is_refused(project: Project, catalog: OvertakenCatalog) -> None:
    case = Overtaken(project)
    project.pushed(SIDE, None, case.other, case.other)
    grandchild = project.objects.commit("grandchild", case.other)
    catalog.rivals = [lambda: project.elsewhere().pushed(SIDE, case.other, None)]
    assert project.push(move(b"refs/heads/late", None, grandchild), new=[grandchild]) == ["missing necessary objects"]


def test_what_became_hidden_meanwhile_ends_the_seal_of_a_push_that_was_overtaken(
    project: Project, catalog: OvertakenCatalog
) -> None:
    case = Overtaken(project)
    project.pushed(SIDE, None, case.other, case.other)
    catalog.rivals = [lambda: project.elsewhere().pushed(SIDE, case.other, case.root)]
    assert case.push() == [None]
    manifest: Manifest = project.manifest
    assert not manifest.sealed
    assert project.problems() == []


def together(project: Project, catalog: OvertakenCatalog, *pushes: Push) -> None:
    """Finish pushes while another one holds up the turn, so that they are published together."""
    turns = project.engine.pushes.publisher._turns
    key = (project.id, project.engine.load(project.id).record.first_version)
    line = turns._enter(key, None)  # type: ignore[arg-type]  # nobody's wish, which is never served
    line.waiting.clear()
    with ThreadPoolExecutor(len(pushes)) as pool:
        with line.turn:
            outcomes = []
            for count, push in enumerate(pushes, start=1):
                outcomes.append(pool.submit(push.finish))
                while len(line.waiting) < count:
                    os.sched_yield()
        for outcome in outcomes:
            outcome.result()
    turns._leave(key, line, None)  # type: ignore[arg-type]


def branches_pushed(project: Project, count: int) -> list[Push]:
    """Pushes of a new branch each, whose packs have arrived."""
    case = Overtaken(project)
    commits = [project.objects.commit(f"branch {number}", case.root) for number in range(count)]
    return [
        project.begin(move(b"refs/heads/b%d" % number, None, commit), pack=project.objects.pack([commit]))
        for number, commit in enumerate(commits)
    ]


def test_pushes_that_wait_for_each_other_are_one_compare_and_swap(project: Project, catalog: OvertakenCatalog) -> None:
    pushes = branches_pushed(project, 4)
    before, written = project.engine.load(project.id).pointer, len(catalog.published)
    together(project, catalog, *pushes)
    assert len(catalog.published) == written + 1
    assert project.engine.load(project.id).pointer.version == before.version + 4
    assert project.refs.keys() == {MAIN, *(b"refs/heads/b%d" % number for number in range(4))}
    assert project.manifest.sealed
    assert project.problems() == []


def test_each_of_them_has_a_manifest_of_its_own_in_the_chain(project: Project, catalog: OvertakenCatalog) -> None:
    together(project, catalog, *branches_pushed(project, 3))
    state = project.engine.load(project.id)
    history = [len(manifest.refs) for manifest in project.engine._loader.own_history(state)]
    assert history == [4, 3, 2, 1, 0]


def test_those_that_are_overtaken_together_are_all_derived_anew(project: Project, catalog: OvertakenCatalog) -> None:
    pushes = branches_pushed(project, 4)
    catalog.rivals = [lambda: project.elsewhere().pushed(SIDE, None, project.refs[MAIN])]
    together(project, catalog, *pushes)
    assert project.refs.keys() == {MAIN, SIDE, *(b"refs/heads/b%d" % number for number in range(4))}
    assert project.problems() == []


def test_of_those_that_move_one_ref_together_one_wins(project: Project, catalog: OvertakenCatalog) -> None:
    case = Overtaken(project)
    commits = [project.objects.commit(f"rival {number}", case.root) for number in range(3)]
    pushes = [project.begin(move(SIDE, None, commit), pack=project.objects.pack([commit])) for commit in commits]
    together(project, catalog, *pushes)
    assert project.refs[SIDE] == commits[0]


def test_one_that_cannot_be_stored_fails_alone(
    project: Project, catalog: OvertakenCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushes = branches_pushed(project, 3)
    real = catalog.publish

    def refuse_b1(publish: Publish) -> Committed | Superseded:
        if any(b"refs/heads/b1" in row.data for row in publish.rows) and not project.refs.keys() & {b"refs/heads/b2"}:
            raise StorageError("no room for b1")
        return real(publish)

    monkeypatch.setattr(catalog, "publish", refuse_b1)
    with pytest.raises(StorageError, match="no room for b1"):
        together(project, catalog, *pushes)
    assert project.refs.keys() == {MAIN, b"refs/heads/b0", b"refs/heads/b2"}
