"""Purges of repositories: what stays, what is forgotten, who comes between, and what collection deletes afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core_ext import Cancel, Cancelled
from packengine.maintenance.purge_network import NetworkPurge, NetworkPurger
from packengine.maintenance.purging import Purged, PurgeFailed, Purger, PurgeTarget
from packengine.manifests import PublishKind
from packengine.refs import HiddenRefs, RefChange, RefEntry
from packengine.repository import Engine
from packengine.repository.errors import AccessEnded, StateGone
from packengine.repository.progress import no_progress
from packengine.repository.publish import Draft
from packengine.repository.push_policy import PushPolicy
from packengine.storage.ports import RepositoryRecord
from tests.support.collections import COLLECTED, assert_nothing_but_what_is_named, collect
from tests.support.engine_pushes import ACTOR
from tests.support.engines import OvertakenCatalog, Project, fork_of, move, new_project, open_in_memory
from tests.support.moved_clock import MovedClock
from tests.support.past import kinds

MAIN, SIDE, HIDDEN, TAG = b"refs/heads/main", b"refs/heads/side", b"refs/hidden/x", b"refs/tags/v1"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovedClock:
    return MovedClock(monkeypatch)


@pytest.fixture
def catalog() -> OvertakenCatalog:
    return OvertakenCatalog()


@pytest.fixture
def engine(tmp_path: Path, catalog: OvertakenCatalog, clock: MovedClock) -> Engine:
    policy = PushPolicy(HiddenRefs.of_patterns([b"refs/hidden"]))
    return open_in_memory(tmp_path, catalog=catalog, limits=COLLECTED, policy=policy)


class Leak:
    """`main`: clean, then one commit with a secret, then one without it; `side` is clean; a tag names the secret."""

    def __init__(self, engine: Engine) -> None:
        self.project = project = new_project(engine)
        made = self.objects = project.objects
        self.secret, self.plain = made.blob(b"secret" * 100), made.blob(b"plain")
        clean = made.tree({b"plain": self.plain})
        leaking = made.tree({b"plain": self.plain, b"secret": self.secret})
        self.clean = made.commit("clean", tree=clean)
        self.leak = made.commit("leak", self.clean, tree=leaking)
        self.tip = made.commit("removed", self.leak, tree=clean)
        self.tag = made.tag(b"v1", self.secret)
        project.pushed(SIDE, None, self.clean, *made.closure([self.clean]))
        project.pushed(MAIN, None, self.tip, self.secret, leaking, self.leak, self.tip)
        project.pushed(TAG, None, self.tag, self.tag)

    @property
    def target(self) -> PurgeTarget:
        return PurgeTarget(frozenset({self.secret}))


@pytest.fixture
def leak(engine: Engine) -> Leak:
    return Leak(engine)


def purge(project: Project, target: PurgeTarget, *, may: Callable[[], bool] = lambda: True) -> Purged:
    state = project.engine.load(project.id)
    return Purger(project.engine.parts).purge(state, target, ACTOR, may, no_progress, Cancel())


def purge_others(project: Project, target: PurgeTarget, may: Callable[[RepositoryRecord], bool]) -> NetworkPurge:
    parts = project.engine.parts
    network = NetworkPurger(parts, Purger(parts))
    return network.purge(project.id, target, ACTOR, may, lambda: True, no_progress, Cancel())


def stores(project: Project, oid: bytes) -> bool:
    return project.engine.parts.loader.objects(project.manifest).contains(oid)


def test_only_what_reaches_the_blob_is_written_anew(leak: Leak) -> None:
    done = purge(leak.project, leak.target)
    assert (done.commits, done.trees, done.tags) == (2, 1, 1)
    assert {each.name for each in done.moves} == {MAIN, TAG}
    refs = leak.project.refs
    assert set(refs) == {MAIN, SIDE}
    assert refs[SIDE] == leak.clean
    assert not stores(leak.project, leak.secret)
    assert leak.project.problems() == []
    manifest = leak.project.manifest
    assert (manifest.kind, manifest.parent, manifest.sealed, len(manifest.packs)) == (PublishKind.PURGE, None, True, 1)


def test_a_path_means_all_that_was_ever_there_but_the_empty_file(engine: Engine) -> None:
    project = new_project(engine)
    made = project.objects
    empty, secret = made.blob(b""), made.blob(b"secret")
    other = made.commit("other", tree=made.tree({b"empty": empty, b"f": empty}))
    tip = made.commit("tip", other, tree=made.tree({b"copy": secret, b"empty": empty, b"f": secret}))
    project.pushed(MAIN, None, tip, *made.closure([tip]))
    purger, state = Purger(engine.parts), engine.load(project.id)
    target = PurgeTarget(path=b"f")
    assert purger.blobs_of(state, target, no_progress, Cancel()) == {secret}
    purge(project, target)
    objects = engine.parts.loader.objects(project.manifest)
    assert objects.contains(other)
    assert objects.contains(empty)
    assert not objects.contains(secret)


def test_hidden_refs_are_rewritten_too(engine: Engine, leak: Leak) -> None:
    state = engine.load(leak.project.id)
    change = RefChange(HIDDEN, RefEntry(HIDDEN, leak.leak, None))
    engine.parts.publisher.publish(state, ACTOR, PublishKind.PUSH, lambda _: Draft([change], sealed=True))
    purge(leak.project, leak.target)
    assert leak.project.refs[HIDDEN] != leak.leak
    assert not stores(leak.project, leak.leak)


def test_what_no_ref_reaches_any_more_is_purged_as_well(leak: Leak) -> None:
    leak.project.pushed(MAIN, leak.tip, leak.clean)
    leak.project.pushed(TAG, leak.tag, None)
    assert stores(leak.project, leak.secret)
    done = purge(leak.project, leak.target)
    assert (done.commits, list(done.moves)) == (0, [])
    assert not stores(leak.project, leak.secret)


def test_nothing_of_the_past_is_listed_restored_or_wanted(engine: Engine, leak: Leak, clock: MovedClock) -> None:
    before = engine.load(leak.project.id)
    clock.move(ms=1000)
    purge(leak.project, leak.target)
    state = engine.load(leak.project.id)
    with pytest.raises(StateGone):
        engine.history.named(state, before.pointer.manifest, Cancel())
    with pytest.raises(StateGone):
        engine.history.at(state, before.manifest.time_ms, Cancel())
    assert kinds(leak.project) == ["purge"]
    assert not engine.pushes.visibility.wantable(state, clock.now_ms).contains(leak.tip)


def test_an_empty_repository_can_be_purged(engine: Engine) -> None:
    project = new_project(engine)
    done = purge(project, PurgeTarget(frozenset({b"\1" * 20})))
    assert (done.former_packs, project.manifest.packs) == (0, ())


def test_a_push_that_comes_between_is_kept_and_purged(leak: Leak, catalog: OvertakenCatalog) -> None:
    made = leak.objects
    again = made.tree({b"again": leak.secret, b"plain": leak.plain})
    late = made.commit("late", leak.tip, tree=again)
    catalog.rivals = [lambda: leak.project.pushed(MAIN, leak.tip, late, again, late)]
    done = purge(leak.project, leak.target)
    assert done.commits == 3
    assert not stores(leak.project, leak.secret)


def test_a_purge_that_is_always_overtaken_gives_up(leak: Leak, catalog: OvertakenCatalog) -> None:
    values, elsewhere = iter([leak.clean, None] * 20), leak.project.elsewhere()

    def rival() -> None:
        new = next(values)
        elsewhere.pushed(b"refs/heads/rival", None if new else leak.clean, new)

    catalog.rivals = [rival] * 20
    with pytest.raises(PurgeFailed, match="8 times"):
        purge(leak.project, leak.target)
    assert leak.project.refs[MAIN] == leak.tip


def test_a_push_that_builds_on_what_is_gone_is_refused(leak: Leak) -> None:
    child = leak.objects.commit("child", leak.tip)
    push = leak.project.begin(move(MAIN, leak.tip, child), pack=leak.objects.pack([child, leak.objects.empty_tree]))
    purge(leak.project, leak.target)
    (verdict,) = push.finish().verdicts
    assert verdict[1] is not None
    assert not stores(leak.project, leak.tip)


def test_nothing_is_published_by_one_who_lost_the_right(leak: Leak) -> None:
    before = leak.project.manifest
    with pytest.raises(AccessEnded):
        purge(leak.project, leak.target, may=lambda: False)
    assert leak.project.manifest == before


def test_a_cancelled_purge_leaves_nothing(leak: Leak, tmp_path: Path) -> None:
    cancel = Cancel()
    cancel.set()
    state = leak.project.engine.load(leak.project.id)
    with pytest.raises(Cancelled):
        Purger(leak.project.engine.parts).purge(state, leak.target, ACTOR, lambda: True, no_progress, cancel)
    assert list((tmp_path / "quarantine").iterdir()) == []


def test_the_whole_network_follows_as_far_as_it_may(leak: Leak) -> None:
    fork = fork_of(leak.project, "fork")
    deep, sibling = fork_of(fork, "deep"), fork_of(leak.project, "sibling")
    purge(fork, leak.target)
    done = purge_others(fork, leak.target, lambda record: record.id != "sibling")
    assert done.holding == ["sibling"]
    assert {each.committed.repository_id for each in done.purged} == {leak.project.id, "deep"}
    assert [stores(each, leak.secret) for each in (leak.project, fork, deep, sibling)] == [False, False, False, True]
    assert sibling.problems() == []


def test_a_repository_that_does_not_hold_it_is_left_as_it_is(leak: Leak, engine: Engine) -> None:
    fork = fork_of(leak.project, "fork")
    purge(leak.project, leak.target)
    purge(fork, leak.target)
    before = fork.manifest
    assert purge_others(leak.project, leak.target, lambda _: True) == NetworkPurge()
    assert fork.manifest == before
    network = NetworkPurger(engine.parts, Purger(engine.parts))
    assert network.holders(frozenset({leak.secret}), 10, no_progress, Cancel()) == []
    assert set(network.holders(frozenset({leak.plain}), 10, no_progress, Cancel())) == {leak.project.id, "fork"}


def test_a_collection_after_the_grace_deletes_the_bytes(engine: Engine, leak: Leak, clock: MovedClock) -> None:
    former = leak.project.manifest.packs
    purge(leak.project, leak.target)
    collect(engine)
    clock.move(days=1.1)
    collect(engine)
    assert_nothing_but_what_is_named(engine, clock)
    assert not {pack.digest for pack in former} & {pack.digest for pack in leak.project.manifest.packs}
    assert leak.project.problems() == []


def test_kept_answers_and_bundles_are_forgotten(engine: Engine) -> None:
    bundles = engine.parts.derived / "bundles"
    bundles.mkdir()
    (bundles / "x.bundle").write_bytes(b"secret")
    engine.forget_answers()
    assert list(bundles.iterdir()) == []
