"""Which bundle is offered, and that it brings what the refs reach and nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from core_ext import Cancel, Cancelled
from packengine.refs import HiddenRefs
from packengine.repository import Bundle, Engine, Limits
from packengine.repository.bundles import MAX_BUNDLE_REFS
from packengine.repository.push_policy import PushPolicy
from tests.support.engine_pushes import ACTOR
from tests.support.engines import Clock, Objects, Project, fork_of, move, new_project, open_in_memory
from tests.support.fakes import MemoryCatalog
from tests.support.git import git

MAIN = b"refs/heads/main"
SIDE = b"refs/heads/side"
LIMITS = Limits(min_bundle_bytes=1)
NOISE = random.Random(7)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_in_memory(tmp_path / "engine", limits=LIMITS)


@pytest.fixture
def project(engine: Engine) -> Project:
    return new_project(engine)


def grow(project: Project, name: bytes, size_bytes: int, *parents: bytes) -> bytes:
    """A commit of one more file of about that many bytes in the pack, pushed to a ref. Returns its id."""
    objects = project.objects
    blob = objects.blob(NOISE.randbytes(size_bytes))
    tree = objects.tree({b"file": blob})
    commit = objects.commit("grow", *parents, tree=tree)
    project.pushed(name, project.refs.get(name), commit, blob, tree, commit)
    return commit


def offered(project: Project) -> Bundle:
    bundle = project.engine.bundles.offer(project.engine.load(project.id))
    assert bundle is not None
    return bundle


def nothing_offered(project: Project) -> bool:
    return project.engine.bundles.offer(project.engine.load(project.id)) is None


def file_of(project: Project, path: Path) -> Path:
    """The file of the bundle on offer."""
    with project.engine.bundles.build(offered(project), Cancel()) as file:
        path.write_bytes(file.read())
    return path


def objects_in(bundle: Path, folder: Path) -> set[bytes]:
    """What stock Git unpacks from it."""
    git("init", "--quiet", "--bare", folder)
    git("bundle", "verify", "--quiet", bundle, cwd=folder)
    git("bundle", "unbundle", bundle, cwd=folder)
    lines = git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", cwd=folder).split()
    return {bytes.fromhex(line.decode()) for line in lines}


def reachable(project: Project, tips: Iterable[bytes]) -> set[bytes]:
    database = project.engine._loader.objects(project.manifest)
    return set(database.reachable(list(tips)).oids(limit=100_000))


def test_git_takes_the_bundle_of_the_newest_state(project: Project, tmp_path: Path) -> None:
    commit = grow(project, MAIN, 5000)
    bundle = file_of(project, tmp_path / "all.bundle")
    assert objects_in(bundle, tmp_path / "taken.git") == reachable(project, [commit])
    git("clone", "--quiet", bundle, tmp_path / "clone")
    assert git("rev-parse", "main", cwd=tmp_path / "clone").strip().decode() == commit.hex()


def test_several_packs_become_one_that_git_takes(project: Project, tmp_path: Path) -> None:
    first = grow(project, MAIN, 1000)
    second = grow(project, MAIN, 5000, first)
    assert len(offered(project).packs) == 2
    bundle = file_of(project, tmp_path / "all.bundle")
    assert objects_in(bundle, tmp_path / "taken.git") == reachable(project, [second])


def test_the_bundle_stays_the_same_until_the_repository_has_doubled(project: Project) -> None:
    tip = grow(project, MAIN, 20_000)
    names: list[bytes] = []
    for _ in range(30):
        tip = grow(project, MAIN, 1000, tip)
        bundle = offered(project)
        assert 2 * bundle.size_bytes > sum(pack.size_bytes for pack in project.manifest.packs)
        if bundle.digest not in names:
            names.append(bundle.digest)
    assert len(names) == 2


def test_refs_have_the_values_of_the_bundled_state(project: Project) -> None:
    first = grow(project, MAIN, 5000)
    second = grow(project, MAIN, 100, first)
    assert offered(project).refs == ((b"HEAD", first), (MAIN, first))
    assert project.refs == {MAIN: second}


def test_a_process_that_looks_for_the_first_time_chooses_the_same(tmp_path: Path) -> None:
    catalog = MemoryCatalog()
    old = new_project(open_in_memory(tmp_path / "old", catalog=catalog, limits=LIMITS))
    tip = grow(old, MAIN, 3000)
    for number in range(30):
        tip = grow(old, MAIN, 500, tip)
        fresh = open_in_memory(tmp_path / f"fresh-{number}", catalog=catalog, limits=LIMITS)
        assert offered(Project(fresh, old.id, old.objects)).digest == offered(old).digest


def test_a_push_costs_a_look_at_what_is_new(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    tip = grow(project, MAIN, 50_000)
    for _ in range(20):
        tip = grow(project, MAIN, 10, tip)
    offered(project)
    grow(project, MAIN, 10, tip)
    looked_at: list[object] = []
    history = project.engine._loader.own_history

    def counted(state: Any) -> Iterable[Any]:
        for manifest in history(state):
            looked_at.append(manifest)
            yield manifest

    monkeypatch.setattr(project.engine._loader, "own_history", counted)
    offered(project)
    assert len(looked_at) <= 2 * 2  # for each of two levels the new manifest and the one before it


def test_a_first_look_goes_so_far_back_and_no_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = MemoryCatalog()
    old = new_project(open_in_memory(tmp_path / "old", catalog=catalog, limits=LIMITS))
    tips = [grow(old, MAIN, 20_000)]
    for _ in range(6):
        tips.append(grow(old, MAIN, 10, tips[-1]))
    monkeypatch.setattr("packengine.repository.bundle_choice.MAX_WALK_MANIFESTS", 3)
    fresh = Project(open_in_memory(tmp_path / "fresh", catalog=catalog, limits=LIMITS), old.id, old.objects)
    assert dict(offered(fresh).refs)[MAIN] == tips[-3]
    grow(old, MAIN, 10, tips[-1])
    assert dict(offered(fresh).refs)[MAIN] == tips[-3]  # what was found once stays


def test_the_offer_before_the_last_is_found_still_and_others_are_not(project: Project) -> None:
    tip = grow(project, MAIN, 5000)
    old = offered(project)
    grow(project, MAIN, 5000, tip)
    assert offered(project).digest != old.digest
    state = project.engine.load(project.id)
    for bundle in (old, offered(project)):
        found = project.engine.bundles.find(state, bundle.digest)
        assert found is not None
        assert found.digest == bundle.digest
    assert project.engine.bundles.find(state, bytes(32)) is None


def test_merged_packs_leave_a_bundle_of_what_came_before(tmp_path: Path) -> None:
    limits = Limits(min_bundle_bytes=1, rollup_packs=4, rollup_bytes=4000)
    project = new_project(open_in_memory(tmp_path / "engine", limits=limits))
    first = tip = grow(project, MAIN, 20_000)
    for _ in range(4):
        tip = grow(project, MAIN, 200, tip)
    before = offered(project)
    assert project.engine.rollup.roll_up_if_due(project.id, ACTOR, Cancel()) is not None
    assert offered(project).digest == before.digest
    assert dict(before.refs)[MAIN] == first


def test_after_everything_was_merged_the_newest_state_is_bundled(tmp_path: Path) -> None:
    limits = Limits(min_bundle_bytes=1, rollup_packs=3)
    project = new_project(open_in_memory(tmp_path / "engine", limits=limits))
    tip = grow(project, MAIN, 2000)
    for _ in range(3):
        tip = grow(project, MAIN, 2000, tip)
    assert project.engine.rollup.roll_up_if_due(project.id, ACTOR, Cancel()) is not None
    assert offered(project).packs == project.manifest.packs
    assert dict(offered(project).refs)[MAIN] == tip


def test_a_fork_names_and_holds_nothing_that_only_its_source_has(project: Project, tmp_path: Path) -> None:
    shared = grow(project, MAIN, 5000)
    project.pushed(b"refs/heads/secret-plan", None, shared)
    project.pushed(b"refs/heads/secret-plan", shared, None)
    fork = fork_of(project, "fork")
    later = grow(project, MAIN, 5000, shared)
    grow(fork, SIDE, 100, shared)

    held = objects_in(file_of(fork, tmp_path / "fork.bundle"), tmp_path / "taken.git")
    assert [name for name, _ in offered(fork).refs] == [b"HEAD", MAIN]
    assert held == reachable(fork, [shared])
    assert later not in held


def test_a_fork_of_packs_that_hold_more_than_it_may_show_offers_none(project: Project) -> None:
    kept = grow(project, MAIN, 5000)
    dropped = grow(project, SIDE, 5000, kept)
    project.pushed(SIDE, dropped, None)
    assert {oid for _, oid in offered(project).refs} == {kept}
    assert nothing_offered(fork_of(project, "fork"))


def test_a_fork_never_bundles_a_state_of_its_source(project: Project) -> None:
    first = grow(project, MAIN, 50_000)
    second = grow(project, MAIN, 100, first)
    fork = fork_of(project, "fork")
    assert dict(offered(project).refs)[MAIN] == first
    assert dict(offered(fork).refs)[MAIN] == second
    assert fork.engine.bundles.find(fork.engine.load(fork.id), offered(project).digest) is None


def test_forks_of_one_state_share_one_bundle(project: Project) -> None:
    grow(project, MAIN, 5000)
    assert {offered(fork_of(project, f"fork-{number}")).digest for number in range(3)} == {offered(project).digest}


def test_what_a_force_push_left_behind_is_in_no_bundle(project: Project, tmp_path: Path) -> None:
    base = grow(project, MAIN, 5000)
    dropped = grow(project, MAIN, 2000, base)
    kept = grow(project, MAIN, 2000, base)  # in place of the dropped one
    assert not project.manifest.sealed

    held = objects_in(file_of(project, tmp_path / "some.bundle"), tmp_path / "taken.git")
    assert dropped not in held
    assert held <= reachable(project, [kept])
    assert base in held


def test_a_bundle_that_holds_what_was_dropped_since_cannot_be_had(project: Project) -> None:
    base = grow(project, MAIN, 2000)
    grow(project, MAIN, 5000, base)
    with_both = offered(project)
    grow(project, MAIN, 100, base)
    assert project.engine.bundles.find(project.engine.load(project.id), with_both.digest) is None


def test_nothing_is_offered_where_all_packs_hold_something_unreachable(project: Project) -> None:
    objects = project.objects
    kept = objects.commit("kept")
    dropped = objects.commit("dropped", kept)
    project.pushed(MAIN, None, dropped, kept, dropped, objects.empty_tree)
    assert not nothing_offered(project)
    project.pushed(MAIN, dropped, kept)
    assert nothing_offered(project)


def test_the_name_of_a_deleted_ref_is_not_told(project: Project) -> None:
    commit = grow(project, MAIN, 5000)
    project.pushed(b"refs/heads/secret-plan", None, commit)
    first = offered(project)
    project.pushed(SIDE, None, commit)
    project.pushed(b"refs/heads/secret-plan", commit, None)
    assert b"refs/heads/secret-plan" not in dict(offered(project).refs)
    assert dict(offered(project).refs)[MAIN] == dict(first.refs)[MAIN]


def test_only_branches_and_tags_are_named(project: Project) -> None:
    commit = grow(project, b"refs/changes/1", 5000)
    project.push(move(MAIN, None, commit), move(b"refs/tags/v1", None, commit), move(b"refs/notes/x", None, commit))
    grow(project, MAIN, 50_000, commit)
    assert [name for name, _ in offered(project).refs] == [b"HEAD", MAIN, b"refs/tags/v1"]


def test_a_repository_without_branches_and_tags_offers_none(project: Project) -> None:
    grow(project, b"refs/changes/1", 5000)
    assert nothing_offered(project)


def test_hidden_refs_are_not_named(tmp_path: Path) -> None:
    catalog = MemoryCatalog()
    project = new_project(open_in_memory(tmp_path / "open", limits=LIMITS, catalog=catalog))
    project.pushed(b"refs/heads/private", None, grow(project, MAIN, 5000))
    grow(project, MAIN, 50_000, project.refs[MAIN])
    assert [name for name, _ in offered(project).refs] == [b"HEAD", MAIN, b"refs/heads/private"]

    policy = PushPolicy(HiddenRefs.of_patterns([b"refs/heads/private"]))
    hiding = Project(open_in_memory(tmp_path / "hiding", limits=LIMITS, catalog=catalog, policy=policy), project.id)
    assert [name for name, _ in offered(hiding).refs] == [b"HEAD", MAIN]


def test_so_many_refs_are_named_and_no_more(project: Project) -> None:
    commit = project.objects.commit("only")
    names = [b"refs/tags/t%04d" % number for number in range(MAX_BUNDLE_REFS + 10)]
    moves = [move(name, None, commit) for name in (MAIN, *names)]
    assert set(project.push(*moves, new=[commit, project.objects.empty_tree])) == {None}
    assert len(offered(project).refs) == MAX_BUNDLE_REFS + 1  # HEAD repeats one of them


def test_sizes_bound_what_is_offered(tmp_path: Path) -> None:
    for number, limits in enumerate((Limits(), Limits(min_bundle_bytes=1, bundle_store_bytes=1000))):
        project = new_project(open_in_memory(tmp_path / f"engine-{number}", limits=limits))
        assert nothing_offered(project)
        grow(project, MAIN, 5000)
        assert nothing_offered(project)


def test_a_build_that_is_cancelled_leaves_nothing(project: Project, tmp_path: Path) -> None:
    grow(project, MAIN, 5000)
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        project.engine.bundles.build(offered(project), cancel)
    assert list((tmp_path / "engine" / "quarantine").iterdir()) == []
    assert project.engine.bundles.open(offered(project)) is None


def test_the_name_depends_on_what_is_in_it_alone() -> None:
    objects = Objects()
    refs = ((MAIN, objects.empty_tree),)
    one = Bundle("sha1", refs, (), 5)
    assert one.digest == Bundle("sha1", refs, (), 6).digest
    others = [Bundle("sha256", refs, (), 5), Bundle("sha1", (), (), 5), Bundle("sha1", ((SIDE, refs[0][1]),), (), 5)]
    assert len({one.digest, *(other.digest for other in others)}) == 4


def test_a_bundle_whose_packs_were_merged_can_be_had_for_the_grace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    monkeypatch.setattr("packengine.repository.replaced.now_ms", lambda: clock.now_ms)
    limits = Limits(min_bundle_bytes=1, rollup_packs=2)
    project = new_project(open_in_memory(tmp_path / "merged", limits=limits))
    first = grow(project, MAIN, 5000)
    tip = grow(project, MAIN, 5000, first)
    told = offered(project)
    clock.now_ms += 1000
    assert project.engine.rollup.roll_up_if_due(project.id, ACTOR, Cancel()) is not None
    assert offered(project).digest != told.digest

    bundles, state = project.engine.bundles, project.engine.load(project.id)
    assert bundles.find(state, told.digest) == told
    with bundles.build(told, Cancel()) as file:
        (tmp_path / "told.bundle").write_bytes(file.read())
    assert objects_in(tmp_path / "told.bundle", tmp_path / "client.git") == reachable(project, [tip])
    clock.now_ms += limits.collection_grace_s * 1000 + 1
    assert bundles.find(project.engine.load(project.id), told.digest) is None
